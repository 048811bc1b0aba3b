"""Opening a payload as an officer of a recipient office: ask, see that it was recorded, only then read.

Rules kept here: a payload is opened for an open task of the office, under a request that our `open` key signed; nothing
is decrypted before the proof holds that `AccessRecorded` for exactly this request is in the ledger, as an event of the
hub's own; the typed reason and its key are in the region's file before anybody reads, and stay there. Not here: whether
the office may (the hub decides).
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import structlog

from adapters.region.access_proof import AccessProof
from adapters.region.checkpoints import Checkpoints
from adapters.region.database import RegionDatabase
from adapters.region.evidence import EvidenceMaker
from adapters.region.exchange import Exchange
from adapters.region.keyring import Keyring
from adapters.region.region_store import RegionStore
from adapters.region.replica import Replica
from adapters.region.shared_commit import SharedCommit
from adapters.region.streams import Streams
from adapters.region.withheld import Withheld
from contracts.errors import AccessError, EvidenceError, RuleError
from contracts.event import Header, SealedRef, decode_event
from contracts.ids import Hash, LeafIndex, OfficeId, PointId, StreamId, uuid7
from contracts.opening import approval_commitment, load_opening_rules, reason_commitment
from contracts.profile import decode_payload
from contracts.sealing import Associated, WrappedKey, open_sealed
from hub.admission import Rules
from hub.openings import Opened, OpenRequest, check_right
from hub.ports import Clock
from hub.sealed_event import SealedEvent
from hub.task import has_open_task

NO_OFFICER: Final = bytes(16)
"""Stands for an officer where an office has given no opaque reference."""

_SHOWN: Final = (
    "o.event_id NOT IN (SELECT event_id FROM stream_events WHERE stream_id IN (SELECT target FROM sealed_streams))"
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reading:
    """A payload that was opened.

    Attributes:
        profile: What it holds.
        content: Its fields; personal data, not to be kept or logged.
        access_index: Ledger index of the record of this opening.
    """

    profile: str
    content: Mapping[str, Any] = field(repr=False)
    access_index: LeafIndex


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, and why.

    Attributes:
        office: A recipient office of this region, or the one that made the event.
        reason_text: The reason in the officer's words; stays here.
        reason: Its code, one of `contracts.opening.OPEN_REASONS`.
        officer: The office's own opaque reference to the officer, 16 bytes.
        role: In which role, one that the profile allows.
        approver: The office's own opaque reference to the responsible person who approved; None where nobody did.
        clearance: The matter in which two other offices approved this reading, for a reason that needs one; else None.
    """

    office: OfficeId
    reason_text: str = field(repr=False)
    reason: str = "TASK"
    officer: bytes = NO_OFFICER
    role: str = field(kw_only=True)
    approver: bytes | None = field(default=None, kw_only=True)
    clearance: StreamId | None = field(default=None, kw_only=True)


class KeptOpening(NamedTuple):
    """An opening as the region keeps it, for those who answer for it there.

    Attributes:
        request_id: Also the id of its `AccessRecorded`.
        event_id: The event whose payload it was.
        office: Who opened.
        profile: What.
        officer: The office's own reference.
        reason: Its code.
        reason_text: In the officer's words.
        access_index: Ledger index of its record.
        opened_at: Milliseconds.
        approver: The office's own reference to who approved; None where nobody did.
    """

    request_id: bytes
    event_id: bytes
    office: OfficeId
    profile: str
    officer: bytes
    reason: str
    reason_text: str
    access_index: int
    opened_at: int
    approver: bytes | None


class Opener:
    """Opens payloads for the offices of one region.

    Args:
        producer: Name of the gateway, for example `44-node`.
        keyring: Signs requests, opens what is sealed to our offices.
        database: Keeps what was opened and why.
        store: Events that are known here.
        exchange: Where payloads are.
        replica: The directory as this region knows it.
        checkpoints: Judges the heads of receipts.
        evidence: Keeps an answer that does not hold.
        streams: Copies of matters, to see whether a task is open.
        rules: The contracts in force.
        clock: The gateway's time.
    """

    def __init__(
        self,
        *,
        producer: PointId,
        keyring: Keyring,
        database: RegionDatabase,
        store: RegionStore,
        exchange: Exchange,
        replica: Replica,
        checkpoints: Checkpoints,
        evidence: EvidenceMaker,
        streams: Streams,
        rules: Rules,
        clock: Clock,
    ) -> None:
        self._producer = producer
        self._keyring = keyring
        self._db = database
        self._commit = SharedCommit(database)
        self._withheld = Withheld(database)
        self._store = store
        self._exchange = exchange
        self._replica = replica
        self._proof = AccessProof(checkpoints=checkpoints, rules=rules)
        self._evidence = evidence
        self._streams = streams
        self._rules = rules
        self._clock = clock

    async def open(self, event_id: bytes, profile: str, reader: Reader) -> list[Reading]:
        """Open every payload of a profile that an event holds for an office; under a clearance the one that it names.

        Args:
            event_id: An event that is known here.
            profile: Which of its profiles.
            reader: Who reads, and why.

        Raises:
            RuleError: NOT_FOUND: the event is not known here or has no such payload.
            AccessError: The exchange refuses, or we hold no key of that office. OPEN_APPROVAL_MISSING: a responsible
                person has to approve; names the requests whose content is withheld here until `approve`.
            EvidenceError: The opening is not proved to be recorded, or the payload is not what was committed to.
        """
        await self._catch_up(reader)
        header, refs = self._asked(event_id, profile, reader)
        found = [await self._open(header, ref, reader) for ref in refs]
        await self._catch_up(reader)
        waiting = [one.hex() for one in found if isinstance(one, bytes)]
        if waiting:
            raise AccessError(
                "OPEN_APPROVAL_MISSING", f"withheld until it is approved: {', '.join(waiting)}", field="approver"
            )
        return [one for one in found if isinstance(one, Reading)]

    async def open_parts(
        self, event_id: bytes, profile: str, reader: Reader, *, after: int = 0
    ) -> AsyncIterator[tuple[Reading, int]]:
        """Open the payloads of a profile one by one, as a file of several parts is taken; each is an opening.

        Args:
            event_id: An event that is known here.
            profile: Which of its profiles.
            reader: Who reads, and why.
            after: How many of them, from the first, were opened before.

        Yields:
            The part, and of how many.

        Raises:
            As `open`; one that waits for an approval ends it.
        """
        await self._catch_up(reader)
        header, refs = self._asked(event_id, profile, reader)
        for ref in refs[after:]:
            found = await self._open(header, ref, reader)
            if isinstance(found, bytes):
                raise AccessError(
                    "OPEN_APPROVAL_MISSING", f"withheld until it is approved: {found.hex()}", field="approver"
                )
            yield found, len(refs)

    def body(self, event_id: bytes) -> Mapping[str, Any]:
        """The clear body of an event that is known here.

        Raises:
            RuleError: NOT_FOUND.
        """
        return self._rules.registry.decode_body(self._header(event_id).body)[1]

    def _asked(self, event_id: bytes, profile: str, reader: Reader) -> tuple[Header, list[SealedRef]]:
        """The event and its payloads of a profile, once it is clear that the reader may ask for them at all."""
        header = self._header(event_id)
        refs = [ref for ref in header.sealed if ref.profile == profile]
        if reader.clearance is not None:
            refs = self._cleared(reader.clearance, refs)
        if not refs:
            raise RuleError("NOT_FOUND", f"event {event_id.hex()} has no payload of that profile", field="profile")
        if profile in load_opening_rules().approved and reader.approver is None:
            raise AccessError("OPEN_APPROVAL_MISSING", f"{profile} is about a minor", field="approver")
        rule = load_opening_rules().clearances.get(reader.reason)
        if rule is not None and rule.is_sealed and reader.approver is None:
            raise AccessError("OPEN_APPROVAL_MISSING", "of a sealed record nothing waits here", field="approver")
        if reader.approver is not None and reader.approver == reader.officer:
            raise AccessError("OPEN_APPROVAL_MISSING", "nobody approves what he reads himself", field="approver")
        self._withheld.forget_old(self._clock.now_ms())
        return header, refs

    def approve(self, request_id: bytes, approver: bytes) -> Reading:
        """Show what was withheld, once, as a responsible person approves it. Nothing is asked of the exchange.

        Args:
            request_id: Of the opening that was recorded.
            approver: The office's own opaque reference to the responsible person, 16 bytes.

        Raises:
            RuleError: NOT_FOUND: nothing is withheld under this request, or no longer.
            AccessError: OPEN_APPROVAL_MISSING: the approver is the officer; OPEN_NO_TASK: the task is over.
        """
        self._withheld.forget_old(self._clock.now_ms())
        kept = self._withheld.find(request_id)
        if approver == kept.officer:
            raise AccessError("OPEN_APPROVAL_MISSING", "nobody approves what he reads himself", field="approver")
        header, now_ms = self._header(kept.event_id), self._clock.now_ms()
        if kept.reason not in load_opening_rules().clearances and not self._has_task(header, kept.office, now_ms):
            raise AccessError("OPEN_NO_TASK", f"{kept.office} has no open task in this matter", field="office")
        ref = next(ref for ref in header.sealed if ref.ciphertext_hash == kept.ciphertext_hash)
        content = self._content(header, ref, kept.envelope, kept.wrapped)
        self._withheld.approve(request_id, approver, now_ms)
        return Reading(ref.profile, content, kept.access_index)

    def payload(self, event_id: bytes, profile: str, part: int = 1) -> SealedRef:
        """One payload that an event names, for an office that asks others to clear its opening.

        Args:
            event_id: An event that is known here.
            profile: Which of its profiles.
            part: Which payload of that profile, from 1.

        Raises:
            RuleError: NOT_FOUND.
        """
        refs = [ref for ref in self._header(event_id).sealed if ref.profile == profile]
        if not 0 < part <= len(refs):
            raise RuleError("NOT_FOUND", f"event {event_id.hex()} has no such payload of that profile", field="profile")
        return refs[part - 1]

    async def _catch_up(self, reader: Reader) -> None:
        """Fetch what others recorded in the clearance under which somebody reads: approvals, then the reading."""
        if reader.clearance is not None:
            await self._streams.catch_up(reader.clearance)

    def _cleared(self, clearance: StreamId, refs: Sequence[SealedRef]) -> list[SealedRef]:
        """The payload that a clearance names; all where nobody knows it, to be refused."""
        matter = self._streams.recorded(clearance)
        named = None if matter is None else dict(matter.facts).get("ciphertext_hash")
        return [ref for ref in refs if named in (None, ref.ciphertext_hash)]

    def _has_task(self, header: Header, office: OfficeId, now_ms: int) -> bool:
        matter = self._streams.recorded(header.stream_id)
        if matter is None:
            return False
        procedure = self._rules.procedure(matter.procedure, matter.edition)
        return has_open_task(procedure, matter, office, self._replica.directory, now_ms)

    def _header(self, event_id: bytes) -> Header:
        kept = self._store.event(event_id)
        if kept is None:
            raise RuleError("NOT_FOUND", f"no event {event_id.hex()} is known here", field="event_id")
        return decode_event(kept[1])

    async def _open(self, header: Header, ref: SealedRef, reader: Reader) -> Reading | bytes:
        """Open one payload; the request's id where what came has to wait for an approval."""
        self._keyring.office(reader.office)
        reason_key, approval_key = secrets.token_bytes(32), secrets.token_bytes(32)
        request = self._request(header, ref, reader, reason_key, approval_key)
        self._check_right(header, request)
        opened = await self._exchange.open_payload(request)
        await self._proof.learn(opened)
        index, content = await self._checked(request, header, ref, opened)
        is_withheld = bool(content["minor"]) and reader.approver is None

        def keep() -> None:
            self._keep(request, ref, reader, reason_key, index)
            if reader.approver is not None:
                self._withheld.keep_approval(request.request_id, reader.approver, approval_key, request.created_ms)
            if is_withheld:
                self._withheld.keep(request, opened.envelope, opened.wrapped)

        await self._commit.write(keep)
        # One line for both: that something is withheld says that it is about a minor.
        log.info("payload.opened", event_id=header.event_id.hex(), office=reader.office, index=index)
        return request.request_id if is_withheld else Reading(ref.profile, content, index)

    async def _checked(
        self, request: OpenRequest, header: Header, ref: SealedRef, opened: Opened
    ) -> tuple[LeafIndex, Mapping[str, Any]]:
        """Check that the opening is recorded, and only then read; keep as evidence what does not hold."""
        try:
            index = self._proof.check(request, ref, opened)
        except EvidenceError:
            await self._evidence.unrecorded(header, opened.envelope, request.request_id)
            raise
        if opened.wrapped.office != request.office:
            raise EvidenceError("PAYLOAD_INVALID", f"the key came wrapped to {opened.wrapped.office}")
        try:
            return index, self._content(header, ref, opened.envelope, opened.wrapped)
        except EvidenceError:
            await self._evidence.swapped(header, Hash(ref.ciphertext_hash), opened.envelope)
            raise

    def _content(self, header: Header, ref: SealedRef, envelope: bytes, wrapped: WrappedKey) -> Mapping[str, Any]:
        plaintext = open_sealed(
            envelope=envelope,
            wrapped=wrapped,
            private=self._keyring.opening_of(wrapped.office, wrapped.key_id),
            associated=Associated(header.stream_id, header.event_id, ref.profile),
            ref=ref,
        )
        return decode_payload(ref.profile, plaintext)

    def _check_right(self, header: Header, request: OpenRequest) -> None:
        """Ask our own copies of the matters before the exchange is asked, by the same function as there.

        Whether the record is sealed only the exchange knows: here it is taken to be what the request says.
        """
        check_right(
            request,
            SealedEvent.of(header),
            self._streams.recorded(header.stream_id),
            self._rules.procedures,
            self._replica.directory,
            clearance=self._streams.recorded(StreamId(request.clearance)) if request.clearance else None,
            is_sealed=request.rule is not None and request.rule.is_sealed,
        )

    def _request(
        self, header: Header, ref: SealedRef, reader: Reader, reason_key: bytes, approval_key: bytes
    ) -> OpenRequest:
        now = self._clock.now_ms()
        request_id = uuid7(unix_ms=now, entropy=secrets.token_bytes(10))
        approval = secrets.token_bytes(32)
        if reader.approver is not None:
            approval = approval_commitment(key=approval_key, request_id=request_id, approver=reader.approver)
        if not reader.reason_text.strip():
            raise RuleError("REASONS_MISSING", "an opening needs a typed reason", field="reason")
        unsigned = OpenRequest(
            request_id=request_id,
            event_id=header.event_id,
            ciphertext_hash=ref.ciphertext_hash,
            office=reader.office,
            officer=reader.officer,
            role=reader.role,
            purpose=self._purpose(header, reader),
            reason=reader.reason,
            reason_commitment=reason_commitment(key=reason_key, text=reader.reason_text),
            approval=approval,
            created_ms=now,
            producer=self._producer,
            key_id=self._keyring.opening.key_id,
            signature=b"",
            clearance=reader.clearance or b"",
        )
        return replace(unsigned, signature=self._keyring.opening.sign(unsigned.tbs()))

    def _purpose(self, header: Header, reader: Reader) -> str:
        """For what is read: what the payload is held for, or what the clearance is for."""
        rule = load_opening_rules().clearances.get(reader.reason)
        matter = None if reader.clearance is None else self._streams.recorded(reader.clearance)
        if rule is None or matter is None:
            return header.purpose
        return self._rules.procedure(rule.procedure, matter.edition).purpose

    def _keep(self, request: OpenRequest, ref: SealedRef, reader: Reader, reason_key: bytes, index: LeafIndex) -> None:
        """Note an opening, inside a transaction."""
        self._db.write(
            "INSERT INTO openings VALUES (?,?,?,?,?,?,?,?,?,?)",
            request.request_id,
            request.event_id,
            request.office,
            ref.profile,
            request.officer,
            request.reason,
            reader.reason_text,
            reason_key,
            index,
            request.created_ms,
        )

    def kept(self, office: OfficeId | None = None) -> list[KeptOpening]:
        """The openings of this region, of one office or of all, oldest first: who opened what, and why.

        Those of sealed records are in no list (DOMAIN 7.2); they are kept, and come back with an order to unseal.
        """
        rows = self._db.all(
            "SELECT o.request_id, o.event_id, office, profile, officer, reason, reason_text, access_index, opened_at,"
            f" approver FROM openings o LEFT JOIN approvals a ON a.request_id=o.request_id WHERE {_SHOWN}"
            " AND (?1 IS NULL OR office=?1) ORDER BY access_index",
            office,
        )
        return [KeptOpening._make(row) for row in rows]

    def count(self) -> int:
        """Openings of this region that a list shows."""
        return int(self._db.one(f"SELECT count(*) FROM openings o WHERE {_SHOWN}")[0])
