"""A file of documents that travels as several payloads: how it is divided, and how it is put together and checked.

A payload holds at most 256 KiB (DOMAIN 5.3). Documents are laid end to end in their order, each cut into pieces where
it is longer than a part; a row of `documents` is one piece, and pieces of one document follow each other under one
title and number. Every part carries the same list: SHA-256 of every piece, in order. The event's body carries the hash
of that list, so that the receiver can say that it agrees (DOMAIN 6.7).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from contracts.errors import ContractError, EvidenceError

PART_BYTES: Final = 240 << 10
"""Document bytes in one part: what is left of a payload is for the list of hashes and titles."""
MAX_PARTS: Final = 60
"""Parts of one event: what one message to the hub takes."""


class Piece(NamedTuple):
    """A part of a document that one payload carries.

    Attributes:
        document: Which document, from 0.
        offset: Where it begins in the document, bytes.
        size: Bytes.
    """

    document: int
    offset: int
    size: int


class Received(NamedTuple):
    """A piece as it came, checked.

    Attributes:
        title: Of the document.
        number: Of the document.
        issued_on: Of the document.
        content: The piece.
        is_first: It begins a document.
    """

    title: str
    number: str
    issued_on: str
    content: bytes
    is_first: bool


def divide(sizes: Sequence[int]) -> tuple[tuple[Piece, ...], ...]:
    """Lay documents into parts.

    Args:
        sizes: Bytes of each document.

    Raises:
        ContractError: DOCUMENTS_TOO_LARGE: more than one event carries.
    """
    parts: list[tuple[Piece, ...]] = []
    part: list[Piece] = []
    room = PART_BYTES
    for document, size in enumerate(sizes):
        offset = 0
        while offset < size or (size == 0 and offset == 0):
            if room == 0:
                parts.append(tuple(part))
                part, room = [], PART_BYTES
            taken = min(room, size - offset)
            part.append(Piece(document, offset, taken))
            offset, room = offset + taken, room - taken
            if size == 0:
                break
    if part:
        parts.append(tuple(part))
    if len(parts) > MAX_PARTS:
        raise ContractError(
            "DOCUMENTS_TOO_LARGE", f"{sum(sizes)} bytes make {len(parts)} parts, one event carries {MAX_PARTS}"
        )
    return tuple(parts)


def list_hash(hashes: Sequence[bytes]) -> bytes:
    """The hash of a list of hashes, as the body carries it."""
    return hashlib.sha256(b"".join(hashes)).digest()


class PartReader:
    """Puts a file together, part by part, in order. Mutable; keeps hashes and no documents.

    Args:
        wanted: The hash of the list that the event's body carries; None where it carries none.
        taken: Parts that were taken before, of the same file.
        pieces: Pieces that those held.
        last: Title and number of the last document of those.
    """

    def __init__(
        self, wanted: bytes | None, *, taken: int = 0, pieces: int = 0, last: tuple[str, str] | None = None
    ) -> None:
        self._wanted = wanted
        self._hashes: tuple[bytes, ...] | None = None
        self._parts: int | None = None
        self.taken = taken
        self.pieces = pieces
        self.last = last

    @property
    def is_whole(self) -> bool:
        """Whether every part was taken and every hash was met."""
        return self._parts is not None and self.taken == self._parts and self.pieces == len(self._hashes or ())

    def take(self, content: Mapping[str, Any]) -> Iterator[Received]:
        """Check the next part and give its pieces.

        Args:
            content: The decoded payload.

        Raises:
            EvidenceError: DOCUMENTS_DIFFER: parts, list and documents do not fit each other or the body.
        """
        hashes = tuple(content["hash_list"])
        self._check(content, hashes)
        for row in content["documents"]:
            at, name = self.pieces, (row["title"], row["number"])
            if at >= len(hashes) or hashlib.sha256(row["content"]).digest() != hashes[at]:
                raise EvidenceError("DOCUMENTS_DIFFER", f"piece {at + 1} has not the hash of the list")
            yield Received(row["title"], row["number"], row["issued_on"], row["content"], name != self.last)
            self.pieces, self.last = at + 1, name
        self.taken += 1
        if self.taken == self._parts and self.pieces != len(hashes):
            raise EvidenceError("DOCUMENTS_DIFFER", f"{self.pieces} pieces came, the list has {len(hashes)}")

    def _check(self, content: Mapping[str, Any], hashes: tuple[bytes, ...]) -> None:
        if self._hashes is None:
            self._hashes, self._parts = hashes, content["parts"]
            if self._wanted is not None and list_hash(hashes) != self._wanted:
                raise EvidenceError("DOCUMENTS_DIFFER", "the list of hashes is not the one that the event names")
        if (hashes, content["parts"]) != (self._hashes, self._parts):
            raise EvidenceError("DOCUMENTS_DIFFER", "two parts say different things of the same file")
        if content["part"] != self.taken + 1:
            raise EvidenceError("DOCUMENTS_DIFFER", f"part {content['part']} came in place of {self.taken + 1}")
