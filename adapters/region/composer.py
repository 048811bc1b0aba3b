"""From a draft to an event: header, bytes, sealed payloads, and the verdict that the hub will give.

The gateway runs the hub's own decision (`hub.admission.admit`) on its own copy of the matter and the directory, so a
draft that cannot enter never leaves. Every payload is encrypted with fresh randomness for exactly the offices that the
procedure names; its key is wrapped to them with the batch (`outbox`), as are signatures made. Not here: copies of
streams (`streams`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, Self

from adapters.region.draft import Draft, check_codes, local_date
from adapters.region.holds import Protection
from adapters.region.json_value import Turn, of_json
from adapters.region.outbox_store import Drafted
from contracts.avro import Codec
from contracts.errors import ExchangeError, RuleError
from contracts.event import Header, encode_event, leaf_hash
from contracts.guard import Guard, load_guards
from contracts.guard_check import check_content
from contracts.ids import EventId, Hash, KeyId, LeafIndex, OfficeId, StreamId, uuid7
from contracts.instant import DAY_MS, rounded
from contracts.procedure_types import Procedure, Transition, body_schema
from contracts.profile import load_profile
from contracts.profile_identities import check_identities
from contracts.rights import check_seal_state
from contracts.sealing import Associated, LockedPayload, RecipientKey, lock
from hub.admission import Admitted, Routed, Rules, admit, key_in_use
from hub.awaited import MatterLookup, holders_of
from hub.directory import SEND, Directory, Office, SigningKey
from hub.grants import Wanted
from hub.matter import Matter, advance, match_row
from hub.ports import Clock
from hub.routing import Recipient, route

_NO_LEAF: Final = Hash(bytes(32))
_ID_BYTES: Final = 16
_HEX_ID: Final = re.compile("[0-9a-f]{32}")


class Composed(NamedTuple):
    """An event that the hub will accept, if nobody is first.

    Attributes:
        drafted: Bytes and payloads.
        matter: The matter after it.
        recipients: Who will be told.
    """

    drafted: Drafted
    matter: Matter
    recipients: tuple[Recipient, ...]


class _Kind(NamedTuple):
    """What the rows of one event type of a procedure ask a gateway to look up, in all editions."""

    holder_guards: tuple[Guard, ...]
    staying_guards: tuple[Guard, ...]
    is_confirmation: bool

    @classmethod
    def of(cls, rows: Sequence[Transition]) -> Self:
        names = sorted({name for row in rows for name in row.guards})
        guards = [load_guards()[name] for name in names]
        return cls(
            tuple(guard for guard in guards if guard.kind == "holders_of"),
            tuple(guard for guard in guards if guard.kind == "holders_stay"),
            any(row.confirms is not None for row in rows),
        )


class Composer:
    """Makes events from drafts.

    Args:
        rules: The contracts in force and the ledger's settings.
        directory: The region's copy of the directory.
        batch_key: Id of the key that will sign.
        clock: The gateway's time.
        matters: The region's copies of matters: an order names one that is not its own.
        protection: Takes out of a content what a protection hold keeps back, or refuses it.
        takes_content: Whether a matter may still get content, as far as the region knows.
    """

    def __init__(
        self,
        *,
        rules: Rules,
        directory: Directory,
        batch_key: KeyId,
        clock: Clock,
        matters: MatterLookup = lambda _: None,
        protection: Protection = lambda stream_id, profile_id, schema, content: content,
        takes_content: Callable[[bytes], bool] = lambda _: True,
    ) -> None:
        self._matters = matters
        self._protection = protection
        self._takes_content = takes_content
        self._rules = rules
        self._directory = directory
        self._batch_key = batch_key
        self._clock = clock
        self._turns: dict[bytes, Turn] = {}
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def named_matters(self, draft: Draft) -> tuple[StreamId, ...]:
        """The other matters that a draft or its own matter names and that its row asks the ledger about."""
        named = [stream_id for stream_id, _ in self._asked(draft)]
        own = None if draft.stream_id is None else self._matters(draft.stream_id)
        if own is not None:
            facts = dict(own.facts)
            remembered = (facts.get(guard.fact) for guard in self._kind_of(draft).staying_guards)
            named += [stream_id for stream_id in remembered if isinstance(stream_id, bytes)]
        return tuple(map(StreamId, named))

    def is_one_of_several(self, draft: Draft) -> bool:
        """Whether a draft confirms what several offices have to, each at its own time."""
        return self._kind_of(draft).is_confirmation

    def filled(self, draft: Draft) -> Draft:
        """A draft with the list of those who hold something of the matter that it names, unless it says it itself."""
        asked = self._asked(draft)
        if not asked:
            return draft
        body = dict(draft.body)
        for stream_id, field in asked:
            target = self._matters(stream_id)
            if field not in body and target is not None:
                procedure = self._rules.procedure(target.procedure, target.edition)
                body[field] = list(holders_of(target, procedure, self._directory) or ())
        return replace(draft, body=body)

    def _asked(self, draft: Draft) -> list[tuple[bytes, str]]:
        """Named matters, each with the field that lists its holders; nothing of a draft that is malformed."""
        found = []
        for guard in self._kind_of(draft).holder_guards:
            value = draft.body.get(guard.fields[0])
            if isinstance(value, str) and _HEX_ID.fullmatch(value):
                value = bytes.fromhex(value)
            if isinstance(value, bytes) and len(value) == _ID_BYTES:
                found.append((value, guard.fields[1]))
        return found

    def _kind_of(self, draft: Draft) -> _Kind:
        kind = self._kinds.get((draft.procedure, draft.event_type))
        if kind is None:
            rows = [
                row
                for (name, _), procedure in self._rules.procedures.items()
                if name == draft.procedure
                for row in procedure.transitions
                if row.event == draft.event_type
            ]
            kind = _Kind.of(rows)
            if rows:  # names that somebody made up are not kept
                self._kinds[draft.procedure, draft.event_type] = kind
        return kind

    def compose(self, draft: Draft, matter: Matter | None, at: LeafIndex) -> Composed:
        """Make an event and decide about it as the hub will.

        Args:
            draft: What an office wants to record.
            matter: Its matter as it stands here, None before the first event.
            at: Ledger index up to which the directory is known.

        Raises:
            ContractError: The draft or a payload has a wrong form.
            AccessError: The office, its mandate or our key do not allow it.
            RuleError: The procedure or a guard says no.
        """
        check_codes(draft)
        procedure = self._procedure(draft, matter)
        plain, body = self._header(draft, procedure, matter)
        key = self._directory.batch_key(self._batch_key, at)
        try:
            row = match_row(procedure, matter, plain, body, self._directory)
            plain = self._on_basis(plain, procedure, row.purpose, row.legal_bases)
            after = advance(procedure, matter, plain, body, self._directory, _NO_LEAF, row)
            recipients = route(row, after, plain, body, self._directory, earlier=matter)
        except (ExchangeError, ValueError):
            # The hub may have a reason that it finds before this one: then that is the answer. A day that no calendar
            # has is one: the guards say so, and only then is time counted from it.
            self._admit(plain, matter, key)
            raise
        payloads = self._locked(draft, plain, procedure, row, recipients)
        header = plain._replace(sealed=tuple([payload.ref for payload in payloads])) if payloads else plain
        event, admitted = self._admit(header, matter, key, Routed(row, recipients))
        self._check_keys(payloads)
        return Composed(Drafted(draft.ref, header, event, payloads), admitted.matter, admitted.recipients)

    def _admit(
        self, header: Header, matter: Matter | None, key: SigningKey, routed: Routed | None = None
    ) -> tuple[bytes, Admitted]:
        """Encode an event and decide about it as the hub will; about its payloads, see `_check_keys`."""
        event = encode_event(header)
        admitted = admit(
            header=header,
            leaf=leaf_hash(event),
            matter=matter,
            key=key,
            payloads=None,
            rules=self._rules,
            directory=self._directory,
            now_ms=self._clock.now_ms(),
            matters=self._matters,
            takes_content=not header.sealed or self._takes_content(header.stream_id),
            routed=routed,
        )
        return event, admitted

    def _check_keys(self, payloads: Sequence[LockedPayload]) -> None:
        """Check what the hub will of payloads that we have just made: that each office uses its key."""
        for number, payload in enumerate(payloads):
            try:
                for key in payload.keys:
                    key_in_use(key.office, key.key_id, self._directory)
            except ExchangeError as error:
                error.field = f"sealed.{number}"
                raise

    def compose_unchecked(self, draft: Draft, matter: Matter | None) -> Drafted:
        """Make an event without payloads and without asking whether the hub will accept it.

        For rehearsals of refusals only (demonstration, conformance): what an honest gateway would not send.
        """
        check_codes(draft)
        procedure = self._procedure(draft, matter)
        header, _ = self._header(draft, procedure, matter)
        header = self._on_basis(header, procedure, procedure.purpose, procedure.legal_bases)
        return Drafted(draft.ref, header, encode_event(header), ())

    def _procedure(self, draft: Draft, matter: Matter | None) -> Procedure:
        if matter is None:
            edition = self._directory.editions.newest(self._clock.now_ms(), self._rules.editions)
        else:
            edition = matter.edition
        procedure = self._rules.procedure(draft.procedure, edition)
        if draft.event_type not in procedure.events:
            raise RuleError(
                "EVENT_NOT_OF_PROCEDURE", f"{procedure.id} has no event {draft.event_type!r}", field="event_type"
            )
        return procedure

    def _header(self, draft: Draft, procedure: Procedure, matter: Matter | None) -> tuple[Header, Mapping[str, Any]]:
        now = self._clock.now_ms()
        office = self._office(draft.office)
        codec = self._rules.registry.by_name(body_schema(draft.event_type))
        body = self._turn(codec)(draft.body, "")
        # Judged first: what does not have a code's form may be a person's, and nothing after this line expects it.
        encoded = self._rules.registry.encode_body(codec.name, body)
        occurred_at = rounded(procedure.event_class, draft.occurred_at)
        header = Header(
            event_id=EventId(_fresh_id(now)),
            schema_id=codec.fingerprint,
            event_type=draft.event_type,
            event_class=procedure.event_class,
            stream_id=draft.stream_id or StreamId(_fresh_id(now)),
            stream_seq=0 if matter is None else matter.next_seq,
            prev_hash=_NO_LEAF if matter is None else matter.head,
            procedure=procedure.id,
            edition=procedure.edition,
            producer_region=office.region,
            producer_office=office.office,
            counterpart_region=draft.counterpart_region,
            counterpart_office=draft.counterpart_office,
            occurred_at=occurred_at,
            purpose=procedure.purpose,
            legal_basis=procedure.legal_bases[0],
            data_class=procedure.data_class,
            body=encoded,
            sealed=(),
            correlation_id=draft.correlation_id,
            causation_id=draft.causation_id,
            sandbox=self._rules.is_sandbox,
        )
        return header, body

    def _office(self, office: OfficeId) -> Office:
        found = self._directory.office(office)
        if found is None:
            raise RuleError("OFFICE_UNKNOWN", f"the directory has no office {office}", field="office")
        return found

    def _on_basis(self, header: Header, procedure: Procedure, purpose: str, bases: Sequence[str]) -> Header:
        """The header under the first of these bases for which the office has a mandate; the first one if it has none,
        so that the decision refuses it with the right code."""
        basis = bases[0]
        if len(bases) > 1:
            office, at_ms = self._office(header.producer_office), header.occurred_at
            wanted = Wanted(office.region, office.office_type, header.event_type, SEND, procedure.id, purpose)
            find = self._directory.grants.find
            basis = next((b for b in bases if find(wanted._replace(legal_basis=b), at_ms) is not None), basis)
        if (purpose, basis) == (header.purpose, header.legal_basis):
            return header
        return header._replace(purpose=purpose, legal_basis=basis)

    def _locked(
        self, draft: Draft, header: Header, procedure: Procedure, row: Transition, recipients: Sequence[Recipient]
    ) -> tuple[LockedPayload, ...]:
        offices: dict[str, list[OfficeId]] = {}
        for recipient in recipients:
            if recipient.profile is not None:
                offices.setdefault(recipient.profile, []).append(recipient.office)
        for profile in draft.payloads:
            if profile not in offices:
                raise RuleError("RECIPIENTS_MISMATCH", f"no office gets {profile} of this event", field="payloads")
        return tuple(
            [
                self._lock(header, procedure, row, profile, content, offices[profile])
                for profile, contents in draft.payloads.items()
                for content in self._checked(procedure, row, draft, contents)
            ]
        )

    def _checked(
        self, procedure: Procedure, row: Transition, draft: Draft, contents: Sequence[Mapping[str, Any]]
    ) -> Iterator[Mapping[str, Any]]:
        """Contents one by one, as some are read from disk when they are asked for."""
        for content in contents:
            check_seal_state(procedure, row.by.side, draft.offence, [content])
            yield content

    def _lock(
        self,
        header: Header,
        procedure: Procedure,
        row: Transition,
        profile_id: str,
        content: Mapping[str, Any],
        offices: Sequence[OfficeId],
    ) -> LockedPayload:
        profile = load_profile(profile_id)
        schema = profile.codec.schema
        value = self._turn(profile.codec)(_common(header, procedure, profile_id) | dict(content), "")
        plaintext = profile.encode(value)
        protected = self._protection(header.stream_id, profile_id, schema, value)
        if protected is not value:
            value, plaintext = protected, profile.encode(protected)
        # The gate of DOMAIN 3.6, where an identity is still readable: nobody behind the gateway can make this check.
        check_identities(schema, value, is_sandbox=self._rules.is_sandbox)
        for guard in (load_guards()[name] for name in row.guards):
            if guard.reads_content():
                check_content(guard, profile_id, value)
        entropy = secrets.token_bytes(108)
        return lock(
            plaintext=plaintext,
            associated=Associated(header.stream_id, header.event_id, profile_id),
            recipients=[self._recipient_key(office) for office in offices],
            producer=self._recipient_key(header.producer_office),
            content_key=entropy[:32],
            nonce=entropy[32:44],
            opening=entropy[44:],
        )

    def _turn(self, codec: Codec) -> Turn:
        """How a draft's JSON becomes a value of a schema; made once a schema."""
        turn = self._turns.get(codec.fingerprint)
        if turn is None:
            turn = self._turns[codec.fingerprint] = of_json(codec.schema)
        return turn

    def _recipient_key(self, office: OfficeId) -> RecipientKey:
        key = self._office(office).key
        return RecipientKey(office, key.key_id, key.public_key, key.suite)


def _common(header: Header, procedure: Procedure, profile_id: str) -> dict[str, Any]:
    """The fields that every payload has; the draft may say otherwise, for example that the person is a minor."""
    expires_ms = header.occurred_at + procedure.copy_days(header.producer_region) * DAY_MS
    return {
        "profile": profile_id,
        "purpose": header.purpose,
        "legal_basis": header.legal_basis,
        "retention_rule": procedure.id,
        "expires_on": local_date(expires_ms),
        "minor": False,
        "seal_state": "NONE",
        "safety_hold": False,
    }


def _fresh_id(now_ms: int) -> bytes:
    return uuid7(unix_ms=now_ms, entropy=secrets.token_bytes(10))
