"""What the hub says of itself, held against what follows from the ledger: heads, the work of timers, openings.

The hub makes these events and nobody else signs them, so each is derived again: the heads from the deliveries, what
time did from the open limits of its matter, the opening from the region's own signature over the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contracts.errors import EvidenceError
from contracts.event import Header
from contracts.ids import Hash, KeyId, LeafIndex, PointId
from contracts.procedure_types import Procedure
from hub import timers
from hub.directory import Directory
from hub.matter import Matter
from hub.openings import OpenRequest, access_draft, check_request, check_right
from hub.sealed_event import SealedEvent


def check_heads(body: Mapping[str, Any], heads: Mapping[PointId, tuple[int, Hash]]) -> int:
    """Compare the heads that a `HeadsPublished` tells with the derived ones.

    Returns:
        How many were compared.

    Raises:
        EvidenceError: HEAD_MISMATCH: names the point and both heads.
    """
    for row in body["heads"]:
        derived = heads.get(row["point"])
        if derived != (row["n"], row["head"]):
            told = f"{row['n']} {row['head'].hex()}"
            mine = "nothing" if derived is None else f"{derived[0]} {derived[1].hex()}"
            raise EvidenceError("HEAD_MISMATCH", f"{row['point']}: published {told}, derived {mine}")
    return len(body["heads"])


def check_due(
    header: Header,
    body: Mapping[str, Any],
    matter: Matter | None,
    procedures: Mapping[tuple[str, int], Procedure],
    recorded_at: int,
) -> None:
    """Check that an event of time itself, a missed duty or a timer's transition, was due when it was recorded.

    Args:
        header: The event.
        body: Its decoded body.
        matter: The matter whose limits made it due, before the event; None if there is no such matter.
        procedures: By (id, edition).
        recorded_at: Hub time of its batch, milliseconds.

    Raises:
        EvidenceError: ENTRY_UNEXPLAINED.
    """
    due = () if matter is None else timers.due(matter, procedures, recorded_at)
    told = (header.event_id, header.event_type, header.stream_id, header.causation_id, dict(body))
    if not any((d.event_id, d.event_type, d.stream_id, d.causation_id, dict(d.body)) == told for d in due):
        raise EvidenceError("ENTRY_UNEXPLAINED", f"no limit had ended that makes {header.event_type}")


def check_opening(
    header: Header,
    body: Mapping[str, Any],
    event: SealedEvent | None,
    matter: Matter | None,
    procedures: Mapping[tuple[str, int], Procedure],
    directory: Directory,
    at: LeafIndex,
    *,
    clearance: Matter | None = None,
    is_sealed: bool = False,
) -> str:
    """Check that an opening was asked for by the region of an office that had the right to it at this index.

    Args:
        header: The event; its id is that of the request.
        body: Its decoded body, with the request's signature.
        event: What the opened event said of its payloads; None if there is no such event.
        matter: The matter of the opened event, as it stands here; None if there is no such event.
        procedures: By (id, edition).
        directory: As of this index.
        at: Index of the batch entry.
        clearance: The matter in whose stream it stands, before it; None of one that stands in a stream of its own.
        is_sealed: The stream of the opened event is sealed here.

    Returns:
        The region.

    Raises:
        AccessError: KEY_UNKNOWN, KEY_REVOKED; what `check_right` says: it should not have been given.
        EvidenceError: SIGNATURE_INVALID; ENTRY_UNEXPLAINED: it names another cause or profile than was opened.
    """
    key = directory.open_key(KeyId(body["request_key"]), at)
    request = OpenRequest(
        request_id=header.event_id,
        event_id=body["opened_event"],
        ciphertext_hash=body["ciphertext_hash"],
        office=body["office"],
        officer=body["officer"],
        role=body["role"],
        purpose=body["purpose"],
        reason=body["reason"],
        reason_commitment=body["reason_commitment"],
        approval=body["approval"],
        created_ms=body["requested_at"],
        producer=key.producer,
        key_id=body["request_key"],
        signature=body["request_signature"],
    )
    if request.rule is not None:
        request = replace(request, clearance=header.stream_id)
    check_request(request, key, directory, now_ms=request.created_ms, clock_skew_ms=0)
    number = check_right(request, event, matter, procedures, directory, clearance=clearance, is_sealed=is_sealed)
    profile = None if event is None else event.payloads[number][1]
    draft = access_draft(request, body["profile"])
    is_placed = (header.stream_id, header.procedure) == (draft.stream_id, draft.procedure)
    if header.causation_id != request.event_id or not is_placed or body["profile"] != profile:
        raise EvidenceError("ENTRY_UNEXPLAINED", "the opening names another event or profile than was opened")
    return key.region
