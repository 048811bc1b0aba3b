"""Pieces of what a gateway's file holds of content, to be looked for in every byte of its files. Pure of pytest."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def held_pieces(file: Path) -> list[bytes]:
    """A piece of each envelope and each wrapped key that a region's file holds."""
    with closing(sqlite3.connect(file)) as db:
        envelopes = [row[0] for row in db.execute("SELECT envelope FROM outbox_payloads")]
        envelopes += [row[0] for row in db.execute("SELECT envelope FROM withheld")]
        keys = [row[0] for row in db.execute("SELECT enc FROM outbox_keys")]
        keys += [row[0] for row in db.execute("SELECT enc FROM withheld")]
    # From the middle: a long value lies on several pages, and the first bytes of some are alike.
    return [piece[len(piece) // 2 :][:32] for piece in (*envelopes, *keys)]


def files_with(file: Path, pieces: list[bytes]) -> list[str]:
    """The files of a database, its log and its index of the log, that hold one of the pieces."""
    found = sorted(file.parent.glob(file.name + "*"))
    return [one.name for one in found if any(piece in one.read_bytes() for piece in pieces)]
