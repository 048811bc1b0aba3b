"""Takes a file of documents that came as several payloads into the office's own folder: `CaseFile`.

Each part is an opening of its own, recorded before it leaves the exchange, checked against the list of hashes, written
and noted before the next one is asked for. Whoever was interrupted goes on with the part after the last one that was
noted. Names of the files on disk are numbers: what a document is called stands in `documents.json` beside them.

Source: DOMAIN 5.3, 6.7 (`AcknowledgeFile`), 7.4 (the recipient takes it into its own file).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from adapters.region.opening import Opener, Reader
from contracts.document_parts import PartReader
from contracts.errors import ConflictError, EvidenceError

JOURNAL: Final = "documents.json"
"""What a folder holds so far: the event, the parts taken, the documents with their bytes."""


class CaseFile:
    """A folder that a file is taken into.

    Args:
        folder: Empty or new, or one that this file was begun in.
        event_id: The event that brought it.

    Raises:
        ConflictError: FOLDER_IN_USE: something else is in the folder.
    """

    def __init__(self, folder: Path, event_id: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._journal = folder / JOURNAL
        self._state: dict[str, Any] = {"event": event_id.hex(), "parts": 0, "pieces": 0, "documents": []}
        if self._journal.exists():
            found = json.loads(self._journal.read_text(encoding="utf-8"))
            if found["event"] != event_id.hex():
                raise ConflictError("FOLDER_IN_USE", "another event's file is in this folder")
            self._state = found
        elif any(folder.iterdir()):
            raise ConflictError("FOLDER_IN_USE", "this folder is not empty")

    async def take(
        self,
        opener: Opener,
        profile: str,
        reader: Reader,
        on_part: Callable[[int, int], None] = lambda part, parts: None,
    ) -> int:
        """Open and write every part that is not here yet.

        Args:
            opener: The region's.
            profile: The profile of the parts.
            reader: Who reads, and why.
            on_part: Told of the number of a part that is on disk, and of all.

        Returns:
            How many documents the folder holds.

        Raises:
            EvidenceError: DOCUMENTS_DIFFER.
            As `Opener.open_parts`.
        """
        event_id = bytes.fromhex(self._state["event"])
        documents = self._state["documents"]
        last = (documents[-1]["title"], documents[-1]["number"]) if documents else None
        parts = PartReader(
            opener.body(event_id).get("hash_list"),
            taken=self._state["parts"],
            pieces=self._state["pieces"],
            last=last,
        )
        async for reading, count in opener.open_parts(event_id, profile, reader, after=parts.taken):
            for piece in parts.take(reading.content):
                if piece.is_first:
                    documents.append(
                        {"title": piece.title, "number": piece.number, "issued_on": piece.issued_on, "bytes": 0}
                    )
                self._append(len(documents), documents[-1], piece.content)
            self._state |= {"parts": parts.taken, "pieces": parts.pieces}
            self._note()
            on_part(parts.taken, count)
            if parts.taken == count and not parts.is_whole:
                raise EvidenceError("DOCUMENTS_DIFFER", "the event holds fewer parts than the file has")
        return len(documents)

    def _append(self, number: int, document: dict[str, Any], content: bytes) -> None:
        """Write a piece where the noted bytes end: what an interruption left behind that is written over."""
        path = self._folder / f"{number:03d}"
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            file.seek(document["bytes"])
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        document["bytes"] += len(content)

    def _note(self) -> None:
        new = self._journal.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(self._state, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._journal)
