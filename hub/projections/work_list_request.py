"""Asking for a work list: the signed request, who may ask, and how a place in a list is written down.

A region asks for the lists of its own offices. An office of another region and one that there never was are refused
alike.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from contracts.errors import AccessError, ContractError, RuleError
from contracts.ids import OfficeId, is_office_id
from contracts.signing import verify
from contracts.work_list_request import work_list_tbs
from hub.directory import Directory, SigningKey
from hub.projections.work_list import WorkRow

MAX_ROWS: Final = 500
"""Rows of one page, at most."""
_PLACE: Final = struct.Struct(">Q16s")
_MAX_RULE: Final = 64

RowPlace = tuple[int, bytes, str]
"""Due date, stream and rule: where a row stands in its office's list."""


@dataclass(frozen=True, slots=True)
class WorkListRequest:
    """A signed request for a page; see `contracts.work_list_request` for the fields.

    Attributes:
        key_id: Key of purpose `open`, 8 bytes.
        signature: Ed25519 over the other fields, 64 bytes.
    """

    office: str
    after: bytes
    limit: int
    created_ms: int
    producer: str
    key_id: bytes
    signature: bytes

    def tbs(self) -> bytes:
        """The signed bytes."""
        return work_list_tbs(
            office=self.office,
            after=self.after,
            limit=self.limit,
            created_ms=self.created_ms,
            producer=self.producer,
        )


class WorkPage(NamedTuple):
    """A page of a work list.

    Attributes:
        rows: What is due first comes first.
        after: The place to go on from; empty at the end of the list.
        position: Entries of the ledger that the list holds.
    """

    rows: tuple[WorkRow, ...]
    after: bytes
    position: int


def check_work_list_request(
    request: WorkListRequest, key: SigningKey, directory: Directory, now_ms: int, clock_skew_ms: int
) -> None:
    """Check the form, the signature and the office of a request.

    Args:
        request: As it arrived.
        key: Of purpose `open`, valid now, that the request names.
        directory: As it is now.
        now_ms: Hub time, milliseconds.
        clock_skew_ms: How far the request's time may be from it.

    Raises:
        ContractError: REQUEST_MALFORMED.
        EvidenceError: SIGNATURE_INVALID.
        AccessError: PRODUCER_MISMATCH; WORK_LIST_FORBIDDEN: the office is not of the signer's region.
        RuleError: CLOCK_SKEW.
    """
    if not is_office_id(request.office):
        raise ContractError("REQUEST_MALFORMED", "this is no office id", field="office")
    read_place(request.after)
    if key.producer != request.producer:
        raise AccessError("PRODUCER_MISMATCH", f"the key belongs to {key.producer}", field="producer")
    verify(key.public_key, request.signature, request.tbs())
    if abs(request.created_ms - now_ms) > clock_skew_ms:
        raise RuleError("CLOCK_SKEW", f"created {request.created_ms - now_ms} ms from now", field="created_ms")
    office = directory.office(OfficeId(request.office))
    if office is None or office.region != key.region:
        raise AccessError(
            "WORK_LIST_FORBIDDEN", f"{request.office} is no office of region {key.region}", field="office"
        )


def page_of(rows: list[WorkRow], limit: int, position: int) -> WorkPage:
    """Cut a page from rows of which one more than `limit` was asked for."""
    more = len(rows) > limit
    return WorkPage(tuple(rows[:limit]), write_place(rows[limit - 1]) if more else b"", position)


def write_place(row: WorkRow) -> bytes:
    """Where a row stands, for the request of the next page."""
    return _PLACE.pack(row.due_ms, row.stream_id) + row.rule.encode()


def read_place(after: bytes) -> RowPlace | None:
    """Read what `write_place` wrote; None for the first page.

    Raises:
        ContractError: REQUEST_MALFORMED.
    """
    if not after:
        return None
    rule = after[_PLACE.size :]
    if len(after) < _PLACE.size or len(rule) > _MAX_RULE or not rule.isascii() or after[0] > 0x7F:
        raise ContractError("REQUEST_MALFORMED", "this is no place in a work list", field="after")
    due_ms, stream_id = _PLACE.unpack_from(after)
    return due_ms, stream_id, rule.decode()
