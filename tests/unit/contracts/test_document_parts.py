"""A file of documents in several payloads: divided, put together, and every change found (DOMAIN 5.3, 6.7)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.document_parts import MAX_PARTS, PART_BYTES, PartReader, divide, list_hash
from contracts.errors import ContractError, EvidenceError

Content = dict[str, Any]


@given(st.lists(st.integers(0, 3 * PART_BYTES), min_size=1, max_size=8))
def test_every_byte_is_in_one_piece_and_no_part_is_too_long(sizes: list[int]) -> None:
    parts = divide(sizes)

    pieces = [piece for part in parts for piece in part]
    for document, size in enumerate(sizes):
        own = [piece for piece in pieces if piece.document == document]
        assert [piece.offset for piece in own] == [sum(p.size for p in own[:at]) for at in range(len(own))]
        assert sum(piece.size for piece in own) == size
        assert own
    assert all(sum(piece.size for piece in part) <= PART_BYTES for part in parts)
    assert [piece.document for piece in pieces] == sorted(piece.document for piece in pieces)


def test_more_than_one_event_carries_is_refused() -> None:
    assert len(divide([MAX_PARTS * PART_BYTES])) == MAX_PARTS
    with pytest.raises(ContractError) as refused:
        divide([MAX_PARTS * PART_BYTES, 1])

    assert refused.value.code == "DOCUMENTS_TOO_LARGE"


def file() -> list[Content]:
    """Two parts: one document, and two pieces of another."""
    pieces = [b"one", b"two, begun", b"two, ended"]
    hashes = [hashlib.sha256(piece).digest() for piece in pieces]
    rows = [
        {"title": title, "number": title, "issued_on": "2026-03-02", "content": piece}
        for title, piece in zip(("a", "b", "b"), pieces, strict=True)
    ]
    common = {"parts": 2, "hash_list": hashes}
    return [common | {"part": 1, "documents": rows[:2]}, common | {"part": 2, "documents": rows[2:]}]


def wanted() -> bytes:
    """The hash of the list."""
    return list_hash(file()[0]["hash_list"])


def test_the_documents_come_out_as_they_went_in() -> None:
    reader = PartReader(wanted())

    pieces = [piece for part in file() for piece in reader.take(part)]

    assert reader.is_whole
    assert [(piece.title, piece.content, piece.is_first) for piece in pieces] == [
        ("a", b"one", True),
        ("b", b"two, begun", True),
        ("b", b"two, ended", False),
    ]


def test_who_was_interrupted_goes_on() -> None:
    first, second = file()
    reader = PartReader(wanted())
    list(reader.take(first))

    again = PartReader(wanted(), taken=reader.taken, pieces=reader.pieces, last=reader.last)
    (piece,) = again.take(second)

    assert again.is_whole
    assert not piece.is_first


def _other_bytes(parts: list[Content]) -> list[Content]:
    parts[1]["documents"] = [parts[1]["documents"][0] | {"content": b"two, chan"}]
    return parts


CHANGES: dict[str, Callable[[list[Content]], list[Content]]] = {
    "a part is missing": lambda parts: parts[1:],
    "parts are swapped": lambda parts: parts[::-1],
    "a part comes twice": lambda parts: [parts[0], parts[0], parts[1]],
    "another list": lambda parts: [parts[0], parts[1] | {"hash_list": [bytes(32)] * 3}],
    "another number of parts": lambda parts: [parts[0], parts[1] | {"parts": 3}],
    "a document is missing": lambda parts: [parts[0], parts[1] | {"documents": []}],
    "a document too many": lambda parts: [parts[0], parts[1] | {"documents": parts[1]["documents"] * 2}],
    "other bytes": _other_bytes,
    "a list that the event does not name": lambda parts: [part | {"hash_list": [bytes(32)] * 3} for part in parts],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_file_is_found(change: Callable[[list[Content]], list[Content]]) -> None:
    reader, parts = PartReader(wanted()), change(file())

    with pytest.raises(EvidenceError) as refused:
        [list(reader.take(part)) for part in parts]

    assert refused.value.code == "DOCUMENTS_DIFFER"
