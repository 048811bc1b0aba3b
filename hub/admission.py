"""May this event enter? One function that decides, on values it is given, and says what follows.

Rules kept here: an event is accepted whole or refused with a code; the decision is a function of the event, its matter,
the directory at that index and the contracts. Not here: signatures and chains of batches, repeats, recording
(`hub.application`); what an event means once recorded (`hub.matter.advance`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, NamedTuple

from contracts import sealing
from contracts.division import Divisions
from contracts.errors import (
    AccessError,
    ConflictError,
    ContractError,
    ExchangeError,
    RuleError,
    UnavailableError,
)
from contracts.event import Header
from contracts.ids import HUB_REGION, Hash, KeyId, OfficeId, PointId
from contracts.procedure_types import Procedure, Transition
from contracts.schema import SchemaRegistry
from hub.awaited import MatterLookup, holders_of
from hub.content import ContentEffect, effect_of
from hub.directory import SEND, Directory, Mandate, SigningKey
from hub.directory_values import AgreementKey
from hub.duty import check_ended
from hub.editions import check_known
from hub.grants import Wanted
from hub.matter import Matter, bind, check_counterpart_open, check_guards, check_position, match_row, take_row
from hub.precedent import Precedent, Precedents, Standing
from hub.routing import Recipient, addressed, check_recipient_keys, check_sealed, lapsed_or_missing, points_of, route
from hub.submission import SubmittedPayload

OLDEST_MS: Final = 400 * 86_400_000
"""How far `occurred_at` may lie in the past: a year and the time to report it [P]."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an admission reads besides the directory: the contracts in force and the ledger's own settings.

    Attributes:
        procedures: By (id, edition).
        registry: Schemas of bodies.
        divisions: Division codes.
        editions: Manifest hash of each edition of the contracts that this release holds.
        is_sandbox: Whether this ledger holds synthetic identities only.
        clock_skew_ms: How far a producer's clock may be ahead of the hub's.
        batch_age_ms: How old a batch may be when it arrives.
    """

    procedures: Mapping[tuple[str, int], Procedure]
    registry: SchemaRegistry
    divisions: Divisions
    editions: Mapping[int, Hash]
    is_sandbox: bool
    clock_skew_ms: int = 300_000
    batch_age_ms: int = 7 * 86_400_000

    def of_ledger(self, *, is_sandbox: bool, clock_skew_ms: int) -> Rules:
        """The same contracts with the settings that a ledger's genesis record fixes."""
        return replace(self, is_sandbox=is_sandbox, clock_skew_ms=clock_skew_ms)

    def procedure(self, procedure: str, edition: int) -> Procedure:
        """A procedure under an edition.

        Raises:
            RuleError: EDITION_UNKNOWN: this release does not hold the edition; PROCEDURE_UNKNOWN.
        """
        found = self.procedures.get((procedure, edition))
        if found is None and edition not in self.editions:
            known = ", ".join(map(str, sorted(self.editions)))
            raise RuleError(
                "EDITION_UNKNOWN", f"edition {edition} is not known here, known is {known}", field="edition"
            )
        if found is None:
            raise RuleError("PROCEDURE_UNKNOWN", f"no procedure {procedure!r} in edition {edition}", field="procedure")
        return found


class Admitted(NamedTuple):
    """What follows from an accepted event.

    Attributes:
        matter: The matter after it.
        recipients: Who is told, with the profile that each may open.
        points: The delivery points of these, each once.
        body: Its decoded body, read-only.
        effect: What it does to content; None for most.
    """

    matter: Matter
    recipients: tuple[Recipient, ...]
    points: tuple[PointId, ...]
    body: Mapping[str, Any]
    effect: ContentEffect | None = None


class Routed(NamedTuple):
    """Which row an event takes, and who is told of it: neither depends on what is sealed in it."""

    row: Transition
    recipients: tuple[Recipient, ...]


def admit(
    *,
    header: Header,
    leaf: Hash,
    matter: Matter | None,
    key: SigningKey,
    payloads: Mapping[bytes, SubmittedPayload] | None,
    rules: Rules,
    directory: Directory,
    now_ms: int,
    matters: MatterLookup = lambda _: None,
    is_hidden: bool = False,
    takes_content: bool = True,
    routed: Routed | None = None,
    precedents: Precedents | None = None,
) -> Admitted:
    """Decide about one event whose bytes, id and batch were checked.

    Args:
        header: The decoded event.
        leaf: Leaf hash of its bytes.
        matter: Its matter as it stands, None before the first event.
        key: The key that signed its batch.
        payloads: Sealed payloads that came with the batch, by SHA-256 of the envelope; None at a replay, which has
            none and checks their form no more.
        rules: The contracts in force.
        directory: As of this index.
        now_ms: Hub time, milliseconds.
        matters: Gives another matter as of this index: an order names one.
        is_hidden: The stream is sealed: the answer is that of a stream that does not exist.
        takes_content: No order has closed the stream to content.
        routed: What `match_row` and `route` gave for the same event, if they were asked before.
        precedents: What was decided of earlier events; None knows of none. The decision is the same.

    Raises:
        ContractError: It is malformed, or a sealed payload does not fit.
        AccessError: The producer, the office or its mandate do not allow it.
        RuleError: The procedure or a guard says no; LEDGER_CLOSED.
        ConflictError: POSITION_CONFLICT: somebody else's event came first in this stream.
    """
    directory.check_open()
    if header.sandbox is not rules.is_sandbox:
        raise RuleError("SANDBOX_MISMATCH", f"this ledger has sandbox={rules.is_sandbox}", field="sandbox")
    if header.producer_region != key.region:
        raise AccessError(
            "PRODUCER_MISMATCH",
            f"a key of region {key.region} cannot sign for region {header.producer_region}",
            field="producer_region",
        )
    _check_time(header, now_ms, rules)
    precedents = precedents or Precedents()
    standing = precedents.find(header, rules, directory)
    procedure = rules.procedure(header.procedure, header.edition) if standing is None else standing.procedure
    if is_hidden:
        matter = None
    if matter is None:
        directory.editions.check_new(header.edition, now_ms)
    body = check_body(header, procedure, rules.registry) if standing is None else read_body(header, standing, rules)
    if header.event_class == "dir":
        check_known(body, rules.editions)
    if standing is None:
        standing = _standing(header, procedure, directory)
        precedents.stand(header, standing)
    if header.counterpart_office is not None and header.producer_region != HUB_REGION:
        _check_counterpart(header, header.counterpart_office, directory)
    # Before the row: who lost a race has to load again, whatever the state reached meanwhile allows. After the office:
    # the answer tells where the matter stands.
    check_position(procedure, matter, header)
    if is_hidden:
        raise ConflictError("POSITION_CONFLICT", "the first event has stream_seq 0 after zeros", field="stream_seq")
    circumstances = standing.circumstances(header, matter, body)
    precedent = standing.precedents.get(circumstances)
    if precedent is None:
        row = match_row(procedure, matter, header, body, directory) if routed is None else routed.row
        _check_basis(header, row)
        check_counterpart_open(header, directory)
        guards = procedure.row_guards[row.guards]
    else:
        row, guards = precedent.row, precedent.guards
    if guards.each:
        places = directory.places_at(header.occurred_at)
        holders = partial(_holders, matters=matters, rules=rules, directory=directory)
        check_guards(procedure, guards, matter, header, body, directory, places, holders)
    if row.after is not None and matter is not None:
        check_ended(procedure, row.after, matter, now_ms)
    if precedent is None:
        binding = bind(procedure, row, matter, header, directory)
        after = take_row(procedure, row, matter, header, body, directory, leaf, binding)
        recipients = route(row, after, header, body, directory, earlier=matter) if routed is None else routed.recipients
        left = procedure.unsettled_guards[row.guards]
        precedent = Precedent(row, left, binding, recipients, points_of(recipients), addressed(recipients))
        precedents.decide(standing, circumstances, precedent)
    else:
        after = take_row(procedure, row, matter, header, body, directory, leaf, precedent.binding)
    if header.sealed and not takes_content:
        raise RuleError("CONTENT_ERASED", "an order has erased the content of this matter for good", field="sealed")
    if header.sealed or precedent.addressed:
        check_sealed(header, precedent.addressed)
        check_recipient_keys(precedent.recipients, directory, now_ms)
    if header.sealed and payloads is not None:
        _check_payloads(header, payloads, directory)
    effect = effect_of(procedure, header, body) if procedure.effects else None
    # As `Admitted(...)`, whose generated constructor takes three times as long; every event passes here.
    return tuple.__new__(Admitted, (after, precedent.recipients, precedent.points, body, effect))


def _holders(
    stream_id: bytes, matters: MatterLookup, rules: Rules, directory: Directory
) -> tuple[OfficeId, ...] | None:
    """The offices that hold something of a matter; None if there is no such matter of offices."""
    target = matters(stream_id)
    if target is None:
        return None
    return holders_of(target, rules.procedure(target.procedure, target.edition), directory)


def check_body(header: Header, procedure: Procedure, registry: SchemaRegistry) -> Mapping[str, Any]:
    """Decode the body under the one schema that its event type has.

    Raises:
        ContractError: SCHEMA_MISMATCH, HEADER_MISMATCH, or what the decoder says.
        RuleError: EVENT_NOT_OF_PROCEDURE.
    """
    schema = procedure.bodies.get(header.event_type)
    if schema is None:
        raise RuleError(
            "EVENT_NOT_OF_PROCEDURE", f"{header.procedure} has no event {header.event_type}", field="event_type"
        )
    if header.event_class != procedure.event_class:
        raise ContractError("HEADER_MISMATCH", f"{procedure.id} is class {procedure.event_class}", field="class")
    if header.data_class != procedure.data_class:
        raise ContractError("HEADER_MISMATCH", f"{procedure.id} is {procedure.data_class}", field="data_class")
    if header.body[2:10] != header.schema_id:
        raise ContractError("SCHEMA_MISMATCH", "the body names another schema than the header", field="schema_id")
    name, body = registry.decode_body(header.body)
    if name != schema:
        raise _other_schema(header, name)
    return body


def read_body(header: Header, standing: Standing, rules: Rules) -> Mapping[str, Any]:
    """Decode the body of an event whose standing is known: `check_body` has passed everything else.

    Raises:
        ContractError: SCHEMA_MISMATCH, or what the decoder says.
    """
    name, body = rules.registry.decode_body(header.body)
    if name != standing.schema:
        raise _other_schema(header, name)
    return body


def _other_schema(header: Header, name: str) -> ContractError:
    return ContractError("SCHEMA_MISMATCH", f"{header.event_type} cannot have a body {name}", field="schema_id")


def _check_time(header: Header, now_ms: int, rules: Rules) -> None:
    age_ms = now_ms - header.occurred_at
    if age_ms < -rules.clock_skew_ms:
        raise RuleError("OCCURRED_IN_FUTURE", f"occurred {-age_ms} ms from now", field="occurred_at")
    if age_ms > OLDEST_MS:
        raise RuleError("OCCURRED_TOO_LONG_AGO", "occurred more than 400 days ago", field="occurred_at")


def _standing(header: Header, procedure: Procedure, directory: Directory) -> Standing:
    """Whether an office may send an event as its header says; `check_body` has passed."""
    event_type, schema = header.event_type, procedure.bodies[header.event_type]
    if header.producer_region == HUB_REGION:
        return Standing(procedure, event_type, schema)
    mandate = _check_office(header, directory)
    return Standing(procedure, event_type, schema, mandate.from_ms, mandate.to_ms)


def _check_office(header: Header, directory: Directory) -> Mandate:
    office = directory.office(header.producer_office)
    if office is None:
        raise RuleError("OFFICE_UNKNOWN", f"no office {header.producer_office}", field="producer_office")
    if office.is_closed:
        raise RuleError("OFFICE_CLOSED", f"office {office.office} is closed", field="producer_office")
    if office.region != header.producer_region:
        raise AccessError(
            "PRODUCER_MISMATCH",
            f"office {office.office} belongs to region {office.region}, not {header.producer_region}",
            field="producer_office",
        )
    wanted = Wanted(
        office.region,
        office.office_type,
        header.event_type,
        SEND,
        header.procedure,
        header.purpose,
        header.legal_basis,
    )
    mandate = directory.grants.find(wanted, header.occurred_at)
    if mandate is None:
        raise lapsed_or_missing(
            wanted,
            directory,
            header.occurred_at,
            f"no {office.office_type} of region {office.region} may send {header.event_type} of {header.procedure}"
            f" for {header.purpose} under {header.legal_basis}",
        )
    return mandate


def _check_counterpart(header: Header, office: OfficeId, directory: Directory) -> None:
    counterpart = directory.office(office)
    if counterpart is None or counterpart.region != header.counterpart_region:
        raise RuleError("OFFICE_UNKNOWN", f"no office {office} in that region", field="counterpart_office")


def _check_basis(header: Header, row: Transition) -> None:
    if header.purpose != row.purpose:
        raise ContractError("HEADER_MISMATCH", f"{header.event_type} is for {row.purpose}", field="purpose")
    if header.legal_basis not in row.legal_bases:
        raise ContractError(
            "HEADER_MISMATCH", f"{header.event_type} rests on {' or '.join(row.legal_bases)}", field="legal_basis"
        )


def _check_payloads(header: Header, payloads: Mapping[bytes, SubmittedPayload], directory: Directory) -> None:
    for number, ref in enumerate(header.sealed):
        payload = payloads.get(ref.ciphertext_hash)
        if payload is None:
            raise ContractError(
                "PAYLOAD_MISSING", "the batch has no payload with this hash", field=f"sealed.{number}.ciphertext_hash"
            )
        try:
            for wrapped in payload.wrapped:
                key = key_in_use(wrapped.office, wrapped.key_id, directory)
                sealing.check_wrapped_key(wrapped, key.suite)
            sealing.check_form(ref, payload.envelope, tuple(w.office for w in payload.wrapped), header.producer_office)
        except ExchangeError as error:
            error.field = f"sealed.{number}"
            raise


def key_in_use(name: OfficeId, key_id: KeyId, directory: Directory) -> AgreementKey:
    """The key of an office that a content key is wrapped to.

    Args:
        name: The office.
        key_id: Of the key that it is said to have.
        directory: As of the event's index.

    Raises:
        ContractError: PAYLOAD_FORM: there is no such office.
        ConflictError: SEALING_KEY_OLD: it has another key now.
        UnavailableError: OFFICE_KEY_ENDED: it was revoked.
    """
    office = directory.office(name)
    if office is None:
        raise ContractError("PAYLOAD_FORM", f"the content key is wrapped to {name}, which is no office")
    if office.key.key_id != key_id:
        raise ConflictError("SEALING_KEY_OLD", f"the key of {office.office} is {office.key.key_id.hex()} now")
    if office.key.revoked_at is not None:
        raise UnavailableError("OFFICE_KEY_ENDED", f"the key of {office.office} was revoked")
    return office.key
