"""Openings: that a record of one fits a recorded payload and the request of its office (`docs/spec/replay.md`)."""

from __future__ import annotations

from typing import Any, NamedTuple

from docs.spec.reference.directory import Directory
from docs.spec.reference.note import verify
from docs.spec.reference.unproved import UnprovedError, expect

OPEN_LABEL = b"pprd-open/v1\n\0"
_OWN = "ACCESS"
"""The procedure of an opening for an open task, in a stream of its own."""


class Payloads(NamedTuple):
    """What an event names: its purpose, who made it, and of each payload the hash of its bytes, profile, recipients."""

    purpose: str
    producer: str
    rows: tuple[tuple[bytes, str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, header: dict[str, Any]) -> Payloads:
        """Those of a header."""
        rows = ((one["ciphertext_hash"], one["profile"], tuple(one["recipients"])) for one in header["sealed"])
        return cls(header["purpose"], header["producer_office"], tuple(rows))


def request_bytes(body: dict[str, Any], *, request_id: bytes, producer: str, clearance: bytes) -> bytes:
    """What the region of an office signed to ask for a payload; `clearance` is empty for an open task."""
    fields = (
        *(request_id, body["opened_event"], body["ciphertext_hash"], body["office"].encode(), body["officer"]),
        *(body["role"].encode(), body["purpose"].encode(), body["reason"].encode(), body["reason_commitment"]),
        *(body["approval"], body["requested_at"].to_bytes(8, "big"), producer.encode()),
        *((clearance,) if clearance else ()),
    )
    return OPEN_LABEL + b"".join(len(field).to_bytes(2, "big") + field for field in fields)


def check_opening(
    index: int, header: dict[str, Any], body: dict[str, Any], opened: Payloads | None, directory: Directory
) -> None:
    """Check one `AccessRecorded`.

    Args:
        index: Where it stands.
        header: Its own.
        body: Its own.
        opened: What the event that it names holds; None if there is none before it.
        directory: As of the entry before.

    Raises:
        UnprovedError: It is no opening of a recorded payload by an office that may have it, as its region asked for it.
    """
    if opened is None:
        raise UnprovedError("what was opened is no event before this one")
    office = directory.offices.get(body["office"])
    if office is None or office.is_closed:
        raise UnprovedError("who opened is no open office")
    named = [row for row in opened.rows if row[:2] == (body["ciphertext_hash"], body["profile"])]
    expect(len(named) == 1, "the event names no such payload")
    expect(office.office in (*named[0][2], opened.producer), "the office is no recipient of the payload")
    is_own = header["procedure"] == _OWN
    expect(not is_own or header["stream_id"] == header["event_id"], "an opening has a stream of its own")
    expect(not is_own or body["purpose"] == opened.purpose, "the payload is held for another purpose")
    key = directory.key(body["request_key"], "open", index)
    expect(key.region == office.region, "the request is signed by another region")
    clearance = b"" if is_own else header["stream_id"]
    signed = request_bytes(body, request_id=header["event_id"], producer=key.producer, clearance=clearance)
    verify(key.public_key, body["request_signature"], signed)
