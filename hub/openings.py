"""Opening a sealed payload: who may, for what, and what is recorded before a byte leaves.

The hub holds ciphertext and wrapped keys and can open neither. It gives one payload to one recipient office, on a
request signed by the office's region, and only after `AccessRecorded` is in the ledger. So the list of openings is
complete.

Not here: decryption (the office's own), the record itself (`hub.application`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from contracts import signing
from contracts.errors import AccessError, ContractError, ExchangeError, RuleError
from contracts.event import Header, SealedRef, decode_event
from contracts.ids import EventId, LeafIndex, OfficeId, StreamId, is_office_id, is_uuid7
from contracts.opening import OPEN_REASONS, ClearanceRule, load_opening_rules, open_tbs
from contracts.procedure_types import Procedure, is_restricted
from contracts.sealing import WrappedKey
from hub.clearance import ACCESS_RECORDED, check_clearance, check_record
from hub.directory import Directory, SigningKey
from hub.matter import Matter, unpack
from hub.own_batch import HubDraft
from hub.ports import ContentAddress, LedgerReader, NamedEntry, StoredContent
from hub.sealed_event import SealedEvent
from hub.submission import EventReceipt, Refusal
from hub.task import has_open_task
from ledger.entry import EventEntry, decode_entry


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A signed request to open one payload; see `contracts.opening.open_tbs` for the fields.

    Attributes:
        key_id: Key of purpose `open`, 8 bytes.
        signature: Ed25519 over `open_tbs` of the other fields, 64 bytes.
        clearance: The matter that stands in place of an open task, 16 bytes; empty where the reason needs a task.
    """

    request_id: bytes
    event_id: bytes
    ciphertext_hash: bytes
    office: str
    officer: bytes
    role: str
    purpose: str
    reason: str
    reason_commitment: bytes
    approval: bytes
    created_ms: int
    producer: str
    key_id: bytes
    signature: bytes
    clearance: bytes = b""

    @property
    def rule(self) -> ClearanceRule | None:
        """What stands in place of an open task for its reason; None where there has to be one."""
        return load_opening_rules().clearances.get(self.reason)

    def tbs(self) -> bytes:
        """The signed bytes."""
        return open_tbs(
            request_id=self.request_id,
            event_id=self.event_id,
            ciphertext_hash=self.ciphertext_hash,
            office=self.office,
            officer=self.officer,
            role=self.role,
            purpose=self.purpose,
            reason=self.reason,
            reason_commitment=self.reason_commitment,
            approval=self.approval,
            created_ms=self.created_ms,
            producer=self.producer,
            clearance=self.clearance,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """The payload that a request names, before the opening is recorded.

    Attributes:
        header: The event that names it.
        ref: Its row in the event.
        envelope: The sealed bytes.
        wrapped: The content key for the asking office.
    """

    header: Header
    ref: SealedRef
    envelope: bytes
    wrapped: WrappedKey


@dataclass(frozen=True, slots=True)
class Opened:
    """What the office gets once its opening is recorded.

    Attributes:
        envelope: The sealed bytes.
        wrapped: The content key, wrapped to the office's key.
        receipt: Proof that the opening is in the ledger, by itself: others that share its commit are hashes in it.
        access_event: Bytes of the `AccessRecorded` event.
    """

    envelope: bytes
    wrapped: WrappedKey
    receipt: EventReceipt
    access_event: bytes


Each: TypeAlias = Callable[
    [Callable[[OpenRequest], ExchangeError | None], Sequence[OpenRequest]], Iterable[ExchangeError | None]
]
"""Calls a function with each request and gives the results in order: `map`, or something that takes several threads."""


def check_request(request: OpenRequest, key: SigningKey, directory: Directory, now_ms: int, clock_skew_ms: int) -> None:
    """Check the form, the signature and the office of a request.

    Raises:
        ContractError: OPEN_MALFORMED.
        EvidenceError: SIGNATURE_INVALID.
        AccessError: PRODUCER_MISMATCH; OPEN_FORBIDDEN: the office is not of the signer's region.
        RuleError: CLOCK_SKEW.
    """
    if not (is_uuid7(request.request_id) and len(request.officer) == 16 and len(request.reason_commitment) == 32):
        raise ContractError("OPEN_MALFORMED", "request_id is a UUIDv7, officer 16 bytes, reason_commitment 32 bytes")
    if len(request.approval) != 32:
        raise ContractError("OPEN_MALFORMED", "approval is 32 bytes, random ones where nobody approved")
    if not is_office_id(request.office):
        raise ContractError("OPEN_MALFORMED", "this is no office id", field="office")
    if request.reason not in OPEN_REASONS:
        raise ContractError("OPEN_MALFORMED", f"reason is one of {', '.join(OPEN_REASONS)}", field="reason")
    if len(request.clearance) != (0 if request.rule is None else 16):
        raise ContractError(
            "OPEN_MALFORMED", "a clearance is 16 bytes, for the reasons that need one", field="clearance"
        )
    if key.producer != request.producer:
        raise AccessError("PRODUCER_MISMATCH", f"the key belongs to {key.producer}", field="producer")
    signing.verify(key.public_key, request.signature, request.tbs())
    if abs(request.created_ms - now_ms) > clock_skew_ms:
        raise RuleError("CLOCK_SKEW", f"created {request.created_ms - now_ms} ms from now", field="created_ms")
    office = directory.office(OfficeId(request.office))
    if office is None or office.region != key.region or office.is_closed:
        raise AccessError(
            "OPEN_FORBIDDEN", f"{request.office} is no open office of region {key.region}", field="office"
        )


def check_right(
    request: OpenRequest,
    event: SealedEvent | None,
    matter: Matter | None,
    procedures: Mapping[tuple[str, int], Procedure],
    directory: Directory,
    *,
    clearance: Matter | None = None,
    is_sealed: bool = False,
) -> int:
    """Check that an office may open a payload: the hub asks before it records, an auditor after.

    To an office that is no recipient, a payload answers exactly as one that does not exist; so does one of a sealed
    record to everybody who asks for anything but sealed records, and any other to who asks for those.

    Args:
        request: Its form, signature and office were checked.
        event: What the event says that it names; None if there is no such event.
        matter: Of that event, as it stands when the opening is recorded; None if there is no such event.
        procedures: By (id, edition).
        directory: As of the same index.
        clearance: The matter that the request names in place of an open task; None if there is none.
        is_sealed: The event's stream is sealed.

    Returns:
        Place of the payload in the event.

    Raises:
        AccessError: OPEN_FORBIDDEN, OPEN_ROLE, OPEN_NO_TASK; of a request with a clearance as `check_clearance`.
    """
    rule = request.rule
    if rule is not None:
        check_clearance(request, rule, clearance, procedures)
    number = None if event is None else event.payload_for(request.ciphertext_hash, request.office)
    is_asked_for = is_sealed == (rule is not None and rule.is_sealed)
    if event is None or matter is None or number is None or not is_asked_for:
        raise AccessError("OPEN_FORBIDDEN", "no such payload for this office", field="ciphertext_hash")
    if rule is not None:
        check_record(rule, clearance, matter.stream_id)
    if rule is None and request.purpose != event.purpose:
        raise AccessError("OPEN_FORBIDDEN", f"this payload is held for {event.purpose}", field="purpose")
    load_opening_rules().check_role(request.role, event.payloads[number][1])
    procedure = procedures[matter.procedure, matter.edition]
    if is_restricted(matter.state):
        raise AccessError("OPEN_NO_TASK", "the matter is restricted: storage only")
    if rule is None and not has_open_task(procedure, matter, OfficeId(request.office), directory, request.created_ms):
        raise AccessError("OPEN_NO_TASK", f"{request.office} has no open task in this matter", field="office")
    return number


def find_payloads(
    requests: Sequence[OpenRequest],
    reader: LedgerReader,
    procedures: Mapping[tuple[str, int], Procedure],
    directory: Directory,
) -> list[Found | ExchangeError]:
    """Find payloads and check of each that its office may open it for its purpose, for a task or under a clearance.

    The same is read whether or not an event exists, is sealed, and whosever it is, so that the time of an answer tells
    none of it.

    Returns:
        One for each request, in order: what it names, or the error that refuses it, as `check_right` raises it or
        PAYLOAD_UNKNOWN: the content is no longer held.
    """
    named = reader.named([request.event_id for request in requests])
    asked = [_asked(request, named[request.event_id]) for request in requests]
    streams = [one.stream_id(request) for request, one in zip(requests, asked, strict=True)]
    clearances = [StreamId(request.clearance) for request in requests if request.clearance]
    packed = reader.matters(list(dict.fromkeys([*streams, *clearances])))
    places: list[ContentAddress | ExchangeError] = []
    for request, one, stream_id in zip(requests, asked, streams, strict=True):
        try:
            number = check_right(
                request,
                None if one.header is None else SealedEvent.of(one.header),
                _matter(packed, stream_id),
                procedures,
                directory,
                clearance=_matter(packed, request.clearance),
                is_sealed=one.is_sealed,
            )
        except ExchangeError as error:
            places.append(error)
        else:
            places.append(ContentAddress(one.at, number, OfficeId(request.office)))
    wanted = [place for place in places if isinstance(place, ContentAddress)]
    contents = reader.contents(wanted) if wanted else {}
    return [
        place if isinstance(place, ExchangeError) else _found(one, place, contents.get(place))
        for one, place in zip(asked, places, strict=True)
    ]


def access_body(request: OpenRequest, profile: str) -> dict[str, Any]:
    """What the record of an opening says: the hub writes it, the office that asked compares it."""
    return {
        "opened_event": request.event_id,
        "profile": profile,
        "ciphertext_hash": request.ciphertext_hash,
        "office": request.office,
        "officer": request.officer,
        "role": request.role,
        "purpose": request.purpose,
        "reason": request.reason,
        "reason_commitment": request.reason_commitment,
        "approval": request.approval,
        "request_key": request.key_id,
        "request_signature": request.signature,
        "requested_at": request.created_ms,
    }


def access_draft(request: OpenRequest, profile: str) -> HubDraft:
    """The `AccessRecorded` event of a request; its id is the request's, so that one request is one reading.

    Of a request with a clearance it is the next event of that matter, whose rows say whether another one may follow.
    """
    rule = request.rule
    return HubDraft(
        ACCESS_RECORDED,
        "ACCESS" if rule is None else rule.procedure,
        access_body(request, profile),
        stream_id=StreamId(request.clearance or request.request_id),
        event_id=EventId(request.request_id),
        causation_id=request.event_id,
    )


def replayed(request: OpenRequest, refusal: Refusal | None) -> ExchangeError:
    """The error for a request whose opening could not be recorded, as a rule because it was answered before."""
    code = None if refusal is None else refusal.code
    is_one_reading = request.rule is not None and not request.rule.record
    if code == "TRANSITION_FORBIDDEN" or (code == "POSITION_CONFLICT" and is_one_reading):
        return AccessError("CLEARANCE_OVER", "the one reading was made", field="clearance")
    if refusal is None or code in {"EVENT_ID_REUSED", "POSITION_CONFLICT"}:
        return AccessError("OPEN_REPEATED", "this request was answered before; ask with a new one", field="request_id")
    return refusal.error()


class _Asked(NamedTuple):
    """Where the event stands that a request names; entry 0 and no header if there is none to be seen."""

    at: LeafIndex
    header: Header | None
    is_sealed: bool

    def stream_id(self, request: OpenRequest) -> StreamId:
        """Of the event; where there is none, an id that no stream has."""
        return StreamId(request.event_id) if self.header is None else self.header.stream_id


def _asked(request: OpenRequest, named: NamedEntry) -> _Asked:
    if named.is_sealed and not (request.rule is not None and request.rule.is_sealed):
        return _Asked(LeafIndex(0), None, is_sealed=False)
    entry = decode_entry(named.entry)
    return _Asked(named.at, decode_event(entry.event) if isinstance(entry, EventEntry) else None, named.is_sealed)


def _found(asked: _Asked, place: ContentAddress, content: StoredContent | None) -> Found | ExchangeError:
    if asked.header is None:
        raise AssertionError("a right to nothing")
    if content is None:
        return RuleError("PAYLOAD_UNKNOWN", "the payload or its key is no longer held")
    key = WrappedKey(place.office, content.key_id, content.enc)
    return Found(asked.header, asked.header.sealed[place.number], content.envelope, key)


def _matter(packed: Mapping[bytes, bytes], stream_id: bytes) -> Matter | None:
    found = packed.get(stream_id)
    return None if found is None else unpack(found)
