"""A backup of a hub: the ledger without keys, what it is, and how it is restored.

    hub/ledger.sqlite   entries, everything derived from them, ciphertext; no wrapped key; a file whatever the hub has
    hub.toml            the hub's settings
    backup.json         when, of which ledger, up to which checkpoint, the hash of the file, what is left out
    RESTORE.md          what to do with it

Key files are in none of it: they are kept in another place, by other hands (DOMAIN 7.3). What lies on a region's side
is the region's.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from adapters.compose.ledger_place import known_place
from adapters.compose.parts import SystemClock
from adapters.compose.restore_notes import RESTORE_NOTES
from adapters.store.backup import copy_without_keys
from adapters.store.opening import LEDGER_FILE, open_store
from contracts.errors import ConflictError, FatalError, UnavailableError
from ledger.checkpoint import parse_checkpoint_text
from ledger.note import split_note

MANIFEST: Final = "backup.json"
NOTES: Final = "RESTORE.md"
_LEFT_OUT: Final = (
    "wrapped content keys",
    "key files of the hub",
    "everything of relay, broker, regions and witnesses",
)


class BackedUp(NamedTuple):
    """What a backup holds.

    Attributes:
        origin: Of the ledger.
        size: Entries.
        root: Of the last checkpoint, hex.
        sha256: Of the copied file, hex.
    """

    origin: str
    size: int
    root: str
    sha256: str


def run_backup(data: Path, out: Path, *, progress: Callable[[int, int], None] = lambda done, size: None) -> BackedUp:
    """Write a backup of a hub, which may go on meanwhile.

    Args:
        data: A data folder, or a hub's own.
        out: A folder that does not exist or is empty.
        progress: Told how many of how many entries are copied.

    Raises:
        ConflictError: FOLDER_NOT_EMPTY.
        UnavailableError: STORE_MISSING: there is no ledger; EXPORT_FAILED: nothing can be written there.
    """
    place = known_place(data)
    if out.exists() and any(out.iterdir()):
        raise ConflictError("FOLDER_NOT_EMPTY", f"{out} holds something already")
    copy = out / "hub" / LEDGER_FILE
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        out.chmod(0o700)
        copy_without_keys(place, copy, progress)
        settings = place.parent.parent / "hub.toml"
        if settings.exists():
            shutil.copyfile(settings, out / settings.name)
        (out / NOTES).write_text(RESTORE_NOTES, encoding="utf-8")
        done, note = _what(copy)
        (out / MANIFEST).write_text(json.dumps(_manifest(done, note), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UnavailableError("EXPORT_FAILED", f"{out} cannot be written: {error.strerror}") from error
    return done


def _what(copy: Path) -> tuple[BackedUp, str]:
    """What a copy holds, and the note of its last checkpoint."""
    store = open_store(copy, read_only=True)
    try:
        note = store.checkpoint()
    finally:
        store.close()
    if note is None:
        raise FatalError("LEDGER_MISSING", "the copy holds no checkpoint")
    checkpoint = parse_checkpoint_text(split_note(note)[0])
    with copy.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return BackedUp(checkpoint.origin, checkpoint.size, checkpoint.root.hex(), digest), note.decode()


def _manifest(done: BackedUp, note: str) -> dict[str, object]:
    made_at = datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC).isoformat(timespec="seconds")
    return {"made_at": made_at, **done._asdict(), "checkpoint": note, "left_out": list(_LEFT_OUT)}
