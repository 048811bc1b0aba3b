"""One bad event never sinks its neighbours: it is refused with a code, stands in the batch entry, changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.codes import CODES
from contracts.event import Header, encode_event, leaf_hash
from contracts.instant import DAY_MS
from contracts.procedure_types import body_schema
from hub.submission import BatchAnswer, Outcome, SubmittedPayload
from ledger.entry import BatchEntry, Refused, decode_entry
from ledger.receipt import verify_receipt
from tests.support.batches import Made
from tests.support.hub_server import HubServer
from tests.support.matters import (
    MatterMaker,
    Sealed,
    correction,
    declaration,
    notification,
    residence,
    synthetic_person,
)
from tests.support.world import World

Bad = tuple[list[Made], Made | bytes]
"""What has to be recorded first, and the event that must be refused."""


# -- events of one region that stand alone


def declared(
    *, by: str = "POLICE_STATION", region: str = "44", body: Any = None, **changes: Any
) -> Callable[[World], Bad]:
    """A registration's first event with something wrong."""

    def make(world: World) -> Bad:
        fields = {"division": world.division("44"), "notice_id": world.fresh_id(), "declared_by": "APPLICANT"}
        maker = MatterMaker(world, "RESIDENCE")
        made = maker.event("RegistrationDeclared", world.office(region, by), fields | (body or {}), **changes)
        return [], made._replace(region="44")

    return make


def rebuilt(change: Callable[[World, Header], Header]) -> Callable[[World], Bad]:
    """A right first event whose header was changed afterwards."""

    def make(world: World) -> Bad:
        made = declaration(world, "44")
        return [], made._replace(event=encode_event(change(world, made.header)))

    return make


def spoiled(change: Callable[[bytes], bytes]) -> Callable[[World], Bad]:
    """A right first event whose bytes were changed afterwards."""
    return lambda world: ([], change(declaration(world, "44").event))


def other_body(change: Callable[[bytes], bytes]) -> Callable[[World], Bad]:
    def make(world: World) -> Bad:
        header = declaration(world, "44").header
        return [], encode_event(header._replace(body=change(header.body)))

    return make


def body_of(event_type: str, fields: dict[str, Any]) -> Callable[[World], Bad]:
    def make(world: World) -> Bad:
        body = world.rules.registry.encode_body(body_schema(event_type), fields)
        header = declaration(world, "44").header
        return [], encode_event(header._replace(body=body, schema_id=body[2:10]))

    return make


# -- events that follow others


def second(event_type: str, body: dict[str, Any], **changes: Any) -> Callable[[World], Bad]:
    """The second event of a registration with something wrong."""

    def make(world: World) -> Bad:
        maker = MatterMaker(world, "RESIDENCE")
        police = world.office("44", "POLICE_STATION")
        fields = {"division": world.division("44"), "notice_id": world.fresh_id(), "declared_by": "APPLICANT"}
        first = maker.event("RegistrationDeclared", police, fields)
        return [first], maker.event(event_type, police, body, **changes)

    return make


RECORDED = {"registered_on": "2026-03-01", "identity_form_valid": True}


def of_another_procedure(world: World) -> Bad:
    maker = MatterMaker(world, "RESIDENCE")
    return [], maker.event("OpinionAsked", world.office("44", "POLICE_STATION"))


def of_a_matter_of_another_procedure(world: World) -> Bad:
    first = residence(world, "44")[0]
    maker = MatterMaker(world, "RESIDENCE_PERMIT")
    maker.stream_id, maker.next_seq, maker.head = first.header.stream_id, 1, leaf_hash(first.event)
    cancelled = {"reason": "LEFT", "official": None, "appeal_told": None}
    return [first], maker.event("ResidencePermitCancelled", world.office("44", "POLICE_STATION"), cancelled)


def same_id_other_bytes(world: World) -> Bad:
    first = declaration(world, "44")
    again = first.header._replace(correlation_id=world.fresh_id())
    return [first], encode_event(again)


def disagreement_without_reasons(world: World) -> Bad:
    made = correction(world, "43", "44")
    maker = MatterMaker(world, "CORRECTION_TRANSFER")
    maker.stream_id, maker.next_seq, maker.head = made[0].header.stream_id, 2, leaf_hash(made[1].event)
    return made[:2], maker.event("OpinionGiven", world.office("44", "COUNTY_CORRECTION"), {"opinion": "DISAGREE"})


# -- payloads


def notice(change: Callable[[World, Made], Made]) -> Callable[[World], Bad]:
    """A sent notice with its sealed payload, changed afterwards."""

    def make(world: World) -> Bad:
        prepared, sent = notification(world)[:2]
        return [prepared], change(world, sent)

    return make


def with_payload(change: Callable[[SubmittedPayload], SubmittedPayload]) -> Callable[[World, Made], Made]:
    return lambda _, made: made._replace(payloads=tuple(change(payload) for payload in made.payloads))


def flip_last(data: bytes) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 1,))


def in_another_bucket(_: World, made: Made) -> Made:
    (ref,) = made.header.sealed
    header = made.header._replace(sealed=(ref._replace(bucket_kib=4),))
    return made._replace(event=encode_event(header))


def sealed_to(*types: str) -> Callable[[World], Bad]:
    """A notice sealed to other offices than the procedure names."""

    def make(world: World) -> Bad:
        maker = MatterMaker(world, "RESIDENCE_NOTIFICATION")
        sender, receiver = world.office("44", "COUNTY_PSB_HOUSEHOLD"), world.office("45", "COUNTY_PSB_HOUSEHOLD")
        first = maker.event("ResidenceNoticePrepared", sender, {"notice_id": world.fresh_id()}, counterpart=receiver)
        content = {
            "identity": synthetic_person(world, "45"),
            "county": world.counties["44"],
            "date": maker.day(),
            "change": "STARTED",
        }
        to = tuple(world.office("45", one) for one in types)
        sealed = [Sealed("NP-RES", to, content)] if to else []
        return [first], maker.event("ResidenceNoticeSent", sender, sealed=sealed)

    return make


BAD_EVENTS: dict[str, tuple[Callable[[World], Bad], str]] = {
    "no bytes": (spoiled(lambda _: b""), "EVENT_MALFORMED"),
    "malformed Avro: cut short": (spoiled(lambda event: event[:-3]), "EVENT_MALFORMED"),
    "malformed Avro: bytes after it": (spoiled(lambda event: event + b"\0"), "EVENT_MALFORMED"),
    "oversize Avro": (spoiled(lambda event: event + bytes(16_384)), "EVENT_TOO_LARGE"),
    "malformed Avro in the body: cut short": (other_body(lambda body: body[:-1]), "AVRO_MALFORMED"),
    "malformed Avro in the body: bytes after it": (other_body(lambda body: body + b"\0"), "AVRO_MALFORMED"),
    "unknown schema": (
        rebuilt(lambda _, h: h._replace(body=b"\xc3\x01" + bytes(8) + h.body[10:], schema_id=bytes(8))),
        "SCHEMA_UNKNOWN",
    ),
    "body of another event": (body_of("RegistrationEnded", {"reason": "DEPARTED"}), "SCHEMA_MISMATCH"),
    "unknown procedure": (rebuilt(lambda _, h: h._replace(procedure="NO_SUCH")), "PROCEDURE_UNKNOWN"),
    "unknown edition": (rebuilt(lambda _, h: h._replace(edition=99)), "EDITION_UNKNOWN"),
    "event type of another procedure": (of_another_procedure, "EVENT_NOT_OF_PROCEDURE"),
    "procedure of another matter": (of_a_matter_of_another_procedure, "EVENT_NOT_OF_PROCEDURE"),
    "not sandbox": (rebuilt(lambda _, h: h._replace(sandbox=False)), "SANDBOX_MISMATCH"),
    "from the future": (
        rebuilt(lambda world, h: h._replace(occurred_at=h.occurred_at + DAY_MS)),
        "OCCURRED_IN_FUTURE",
    ),
    "from two years ago": (
        rebuilt(lambda world, h: h._replace(occurred_at=h.occurred_at - 730 * DAY_MS)),
        "OCCURRED_TOO_LONG_AGO",
    ),
    "unknown office": (
        rebuilt(lambda _, h: h._replace(producer_office=type(h.producer_office)("o0000zzzz"))),
        "OFFICE_UNKNOWN",
    ),
    "office of another region": (declared(region="45"), "PRODUCER_MISMATCH"),
    "office without mandate": (declared(by="COURT"), "MANDATE_MISSING"),
    "another purpose than the mandate's": (declared(purpose="DEATH_NOTICE"), "MANDATE_MISSING"),
    "another basis than the mandate's": (declared(legal_basis="LB-RES-07"), "MANDATE_MISSING"),
    "unknown division": (declared(body={"division": "449999000000"}), "DIVISION_UNKNOWN"),
    "division that is no place": (declared(body={"division": "469000000000"}), "DIVISION_NOT_A_PLACE"),
    "division finer than clear text may be": (declared(body={"division": "440106018000"}), "DIVISION_TOO_FINE"),
    "wrong position: not the first": (declared(stream_seq=1), "POSITION_CONFLICT"),
    "wrong position: after nothing": (declared(prev_hash=bytes(31) + b"\1"), "POSITION_CONFLICT"),
    "wrong position: one too far": (second("RegistrationRecorded", RECORDED, stream_seq=2), "POSITION_CONFLICT"),
    "wrong position: another head": (
        second("RegistrationRecorded", RECORDED, prev_hash=bytes(32)),
        "POSITION_CONFLICT",
    ),
    "forbidden transition": (second("RegistrationEnded", {"reason": "DEPARTED"}), "TRANSITION_FORBIDDEN"),
    "guard: identity form not valid": (
        second("RegistrationRecorded", RECORDED | {"identity_form_valid": False}),
        "GUARD_FAILED",
    ),
    "disagreement without reasons": (disagreement_without_reasons, "REASONS_MISSING"),
    "same id with other bytes": (same_id_other_bytes, "EVENT_ID_REUSED"),
    "payload missing": (notice(lambda _, made: made._replace(payloads=())), "PAYLOAD_MISSING"),
    "payload with other bytes": (
        notice(with_payload(lambda payload: payload._replace(envelope=flip_last(payload.envelope)))),
        "PAYLOAD_MISSING",
    ),
    "payload of another size": (notice(in_another_bucket), "PAYLOAD_FORM"),
    "payload without a key for its recipient": (
        notice(with_payload(lambda payload: payload._replace(wrapped=payload.wrapped[:1]))),
        "PAYLOAD_FORM",
    ),
    "payload with a key that is too short": (
        notice(with_payload(lambda p: p._replace(wrapped=(p.wrapped[0]._replace(enc=b"short"), *p.wrapped[1:])))),
        "PAYLOAD_FORM",
    ),
    "sealed to nobody": (sealed_to(), "RECIPIENTS_MISMATCH"),
    "sealed to the wrong office": (sealed_to("POLICE_STATION"), "RECIPIENTS_MISMATCH"),
    "sealed to one office too many": (sealed_to("COUNTY_PSB_HOUSEHOLD", "RIGHTS_DESK"), "RECIPIENTS_MISMATCH"),
}


def check_refused(hub: HubServer, answer: BatchAnswer, events: list[bytes], position: int, code: str) -> None:
    """One event of a batch was refused, and everything about it is as it must be."""
    result = answer.results[position]
    assert result.outcome is Outcome.REFUSED
    assert result.refusal is not None
    assert result.refusal.code == code
    assert result.refusal.code in CODES
    assert result.refusal.sentence
    assert answer.receipt is not None
    entry = decode_entry(answer.receipt.batch_entry)
    assert isinstance(entry, BatchEntry)
    assert entry.refused == (Refused(position, leaf_hash(events[position]), code),)
    accepted = [event for at, event in enumerate(events) if at != position]
    checkpoint = verify_receipt(answer.receipt, tbs=entry.tbs, events=accepted, verifier=hub.world.verifier)
    assert checkpoint.size == hub.size == answer.receipt.end


@pytest.mark.integration
@pytest.mark.parametrize("name", BAD_EVENTS)
def test_a_bad_event_is_refused_and_its_neighbours_are_recorded(name: str, tmp_path: Path) -> None:
    make, code = BAD_EVENTS[name]

    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            before, bad = make(world)
            await hub.submit(before)
            size, matters = hub.size, dict(hub.store.all_matters())
            neighbours = [declaration(world, "44"), declaration(world, "44")]
            batch = world.batches["44"].batch([neighbours[0], bad, neighbours[1]])

            async with hub.client.submit_stream() as stream:
                answer = (await (await stream.send(batch))).answer

            assert answer.refusal is None
            check_refused(hub, answer, list(batch.events), 1, code)
            assert hub.size == size + 3
            changed = {stream for stream, packed in hub.store.all_matters() if matters.get(stream) != packed}
            assert changed == {one.header.stream_id for one in neighbours}
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
@pytest.mark.parametrize("position", [0, 100, 255])
def test_one_bad_event_among_255_good_ones_costs_only_itself(position: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            made: list[Made | bytes] = [declaration(world, "44") for _ in range(256)]
            _, made[position] = declared(body={"division": "449999000000"})(world)
            batch = world.batches["44"].batch(made)
            size = hub.size

            async with hub.client.submit_stream() as stream:
                answer = (await (await stream.send(batch))).answer

            check_refused(hub, answer, list(batch.events), position, "DIVISION_UNKNOWN")
            assert [result.position for result in answer.results] == list(range(256))
            assert sum(result.outcome is Outcome.ACCEPTED for result in answer.results) == 255
            indexes = [result.index for result in answer.results if result.index is not None]
            assert indexes == list(range(size + 1, size + 256))
            refusal = answer.results[position].refusal
            assert refusal is not None
            assert refusal.field == "division"
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_closed_office_makes_no_more_events(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world, application = hub.world, hub.application
            police = world.office("44", "POLICE_STATION")
            await hub.sequencer.call(lambda: application.record([world.closing(police)]))

            answer = (await hub.client.submit_one(world.batches["44"].batch([declaration(world, "44")]))).answer

            assert answer.results[0].refusal is not None
            assert answer.results[0].refusal.code == "OFFICE_CLOSED"
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_an_event_that_follows_a_refused_one_is_refused_for_its_position(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            maker = MatterMaker(world, "RESIDENCE")
            police = world.office("44", "POLICE_STATION")
            fields = {"division": "449999000000", "notice_id": world.fresh_id(), "declared_by": "APPLICANT"}
            chain = [
                maker.event("RegistrationDeclared", police, fields),
                maker.event("RegistrationRecorded", police, RECORDED),
            ]
            async with hub.client.submit_stream() as stream:
                answer = (await (await stream.send(world.batches["44"].batch(chain)))).answer

            codes = [result.refusal.code for result in answer.results if result.refusal is not None]
            assert codes == ["DIVISION_UNKNOWN", "POSITION_CONFLICT"]
            hub.audit()

    asyncio.run(scenario())
