"""Documents on disk as the contents of an event: `with_files` reads them piece by piece, never as a whole.

Among the `payloads` of a draft, a content may say `files` in place of documents:

    {"NP-COR-FILE": {"files": [{"title": "...", "number": "...", "issued_on": "2026-03-02", "path": "a.pdf"}]}}

Paths are relative to the draft's file. They become as many payloads as the documents need, and the hash of their list
becomes `hash_list` of the body, unless the draft says one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn, overload

from adapters.region.draft import Draft
from contracts.document_parts import Piece, divide, list_hash
from contracts.errors import ContractError

FILES: Final = "files"
"""Key of a content that names files."""
_ROW: Final = frozenset({"title", "number", "issued_on", "path"})


class _Document(NamedTuple):
    title: str
    number: str
    issued_on: str
    path: Path


class DocumentParts(Sequence[Mapping[str, Any]]):
    """The contents of one file of documents, each read when it is asked for.

    Args:
        documents: In order.
        common: Fields that every part has besides.
        on_part: Told of the number of a part that was read, and of all.

    Raises:
        ContractError: DRAFT_MALFORMED: a file cannot be read; DOCUMENTS_TOO_LARGE.
    """

    def __init__(
        self,
        documents: Sequence[_Document],
        common: Mapping[str, Any],
        on_part: Callable[[int, int], None] = lambda part, parts: None,
    ) -> None:
        self._documents = documents
        self._common = common
        self._on_part = on_part
        try:
            self._parts = divide([document.path.stat().st_size for document in documents])
            self._hashes = [hashlib.sha256(self._read(piece)).digest().hex() for part in self._parts for piece in part]
        except OSError as error:
            _malformed(f"a document cannot be read: {error.strerror}")

    @property
    def list_hash(self) -> bytes:
        """The hash of the list of hashes."""
        return list_hash([bytes.fromhex(digest) for digest in self._hashes])

    def __len__(self) -> int:
        return len(self._parts)

    @overload
    def __getitem__(self, at: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Mapping[str, Any]]: ...
    def __getitem__(self, at: int | slice) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        """One part, read now; a slice reads each of its parts."""
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        pieces = self._parts[at]
        part = range(1, len(self._parts) + 1)[at]
        content = {
            **self._common,
            "part": part,
            "parts": len(self._parts),
            "hash_list": self._hashes,
            "documents": [self._row(piece) for piece in pieces],
        }
        self._on_part(part, len(self._parts))
        return content

    def _row(self, piece: Piece) -> dict[str, Any]:
        document = self._documents[piece.document]
        return {
            "title": document.title,
            "number": document.number,
            "issued_on": document.issued_on,
            "content": self._read(piece).hex(),
        }

    def _read(self, piece: Piece) -> bytes:
        with self._documents[piece.document].path.open("rb") as file:
            file.seek(piece.offset)
            data = file.read(piece.size)
        if len(data) != piece.size:
            _malformed("a document became shorter while it was read")
        return data


def with_files(draft: Draft, folder: Path, on_part: Callable[[int, int], None] = lambda part, parts: None) -> Draft:
    """A draft whose files are its contents; any other draft as it is.

    Args:
        draft: As read.
        folder: What its paths are relative to.
        on_part: Told of each part that is read to be sealed.

    Raises:
        ContractError: DRAFT_MALFORMED, naming the field; DOCUMENTS_TOO_LARGE.
    """
    payloads: dict[str, Sequence[Mapping[str, Any]]] = dict(draft.payloads)
    body = dict(draft.body)
    for profile, contents in draft.payloads.items():
        if not any(FILES in content for content in contents):
            continue
        if len(contents) != 1:
            _malformed("files stand alone in a profile")
        (content,) = contents
        common = {name: value for name, value in content.items() if name != FILES}
        parts = DocumentParts(_documents(content[FILES], folder), common, on_part)
        payloads[profile] = parts
        body.setdefault("hash_list", parts.list_hash.hex())
    return replace(draft, payloads=payloads, body=body)


def _documents(rows: object, folder: Path) -> list[_Document]:
    if not isinstance(rows, list) or not rows:
        _malformed("files is no list of documents")
    documents = []
    for row in rows:
        if not isinstance(row, dict) or row.keys() != _ROW or not all(isinstance(value, str) for value in row.values()):
            _malformed(f"a document has {', '.join(sorted(_ROW))}, each a text")
        documents.append(_Document(row["title"], row["number"], row["issued_on"], folder / row["path"]))
    if len({(document.title, document.number) for document in documents}) != len(documents):
        _malformed("two documents have the same title and number")
    return documents


def _malformed(reason: str) -> NoReturn:
    raise ContractError("DRAFT_MALFORMED", f"payloads: {reason}", field="payloads") from None
