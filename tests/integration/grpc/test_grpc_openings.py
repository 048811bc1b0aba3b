"""A payload is given to a recipient office only, on a signed request, and only after the opening is in the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.codes import CODES
from contracts.errors import AccessError, ExchangeError, UnavailableError
from contracts.event import decode_event
from contracts.opening import reason_commitment
from contracts.profile import decode_payload
from contracts.sealing import Associated, open_sealed
from contracts.signing import sign
from hub.opening_rate import OpeningLimits
from hub.openings import Opened, OpenRequest
from ledger.checkpoint import parse_checkpoint
from ledger.entry import encode_event_entry
from ledger.tree import hash_leaf, verify_inclusion
from tests.support.batches import Made
from tests.support.hub_server import Gate, HubServer, until
from tests.support.matters import disputed, notification
from tests.support.world import World, WorldOffice


def request_for(
    world: World, made: Made, office: WorldOffice, *, signer: str | None = None, **changes: Any
) -> OpenRequest:
    """A signed request of an office to open the first payload of an event."""
    gateway = world.gateways[signer or office.region]
    unsigned = OpenRequest(
        request_id=world.fresh_id(),
        event_id=made.header.event_id,
        ciphertext_hash=made.header.sealed[0].ciphertext_hash,
        office=office.office,
        officer=world.fresh_id(),
        role="REGISTRAR",
        purpose=made.header.purpose,
        reason="TASK",
        reason_commitment=reason_commitment(key=world.entropy.draw(32), text="样例理由"),
        approval=world.entropy.draw(32),
        created_ms=world.clock.now_ms(),
        producer=gateway.producer,
        key_id=gateway.key_id("open"),
        signature=bytes(64),
    )
    changed = replace(unsigned, **changes)
    return replace(changed, signature=sign(gateway.keys["open"], changed.tbs()))


def check_receipt(world: World, opened: Opened) -> None:
    """The record of an opening is proved to be in the ledger."""
    receipt = opened.receipt
    assert receipt.entry == encode_event_entry(opened.access_event)
    checkpoint = parse_checkpoint(receipt.checkpoint, world.verifier)
    verify_inclusion(
        leaf_hash=hash_leaf(receipt.entry),
        leaf_index=receipt.index,
        tree_size=checkpoint.size,
        path=receipt.path,
        root=checkpoint.root,
    )


@pytest.mark.integration
def test_a_recipient_office_opens_what_was_sealed_to_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            made = notification(world, "44", "45")[:2]
            await hub.submit(made)
            sent, receiver = made[1], world.office("45", "COUNTY_PSB_HOUSEHOLD")
            size = hub.size

            opened = await hub.client.open_payload(request_for(world, sent, receiver))

            plaintext = open_sealed(
                envelope=opened.envelope,
                wrapped=opened.wrapped,
                private=receiver.private,
                associated=Associated(sent.header.stream_id, sent.header.event_id, "NP-RES"),
                ref=sent.header.sealed[0],
            )
            assert decode_payload("NP-RES", plaintext)["county"] == world.counties["44"]
            assert hub.size == size + 2
            access = decode_event(opened.access_event)
            assert access.event_type == "AccessRecorded"
            assert access.causation_id == sent.header.event_id
            check_receipt(world, opened)
            tally = hub.audit()
            assert tally.openings == {"45": 1}

    asyncio.run(scenario())


@pytest.mark.integration
def test_the_producing_office_opens_its_own_payload_while_it_owes_something(tmp_path: Path) -> None:
    """DOMAIN 8.1: an open task, of the office that made the payload too: here the answer to a dispute."""

    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            made = disputed(world)
            own = world.office("44", "COUNTY_PSB_HOUSEHOLD")
            await hub.submit(made[:2])
            with pytest.raises(ExchangeError) as early:
                await hub.client.open_payload(request_for(world, made[1], own))
            await hub.submit(made[2:])

            opened = await hub.client.open_payload(request_for(world, made[1], own))

            assert early.value.code == "OPEN_NO_TASK"
            assert opened.wrapped.office == made[1].header.producer_office
            assert hub.audit().openings == {"44": 1}

    asyncio.run(scenario())


@pytest.mark.integration
def test_who_has_acted_and_owes_nothing_opens_no_more(tmp_path: Path) -> None:
    """A recipient takes a notice up, and with that its task is over."""

    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            made = notification(world, "44", "45")
            receiver = world.office("45", "COUNTY_PSB_HOUSEHOLD")
            await hub.submit(made[:3])
            await hub.client.open_payload(request_for(world, made[1], receiver))
            await hub.submit(made[3:])
            size = hub.size

            with pytest.raises(ExchangeError) as refused:
                await hub.client.open_payload(request_for(world, made[1], receiver))

            assert refused.value.code == "OPEN_NO_TASK"
            assert hub.size == size

    asyncio.run(scenario())


def of_recipient(**changes: Any) -> Callable[[World, Made], OpenRequest]:
    return lambda world, made: request_for(world, made, world.office("45", "COUNTY_PSB_HOUSEHOLD"), **changes)


def of_office(region: str, office_type: str, **changes: Any) -> Callable[[World, Made], OpenRequest]:
    return lambda world, made: request_for(world, made, world.office(region, office_type), **changes)


def created(offset_ms: int) -> Callable[[World, Made], OpenRequest]:
    return lambda world, made: of_recipient(created_ms=world.clock.now_ms() + offset_ms)(world, made)


def with_wrong_signature(world: World, made: Made) -> OpenRequest:
    return replace(of_recipient()(world, made), signature=bytes(64))


def signed_with_a_batch_key(world: World, made: Made) -> OpenRequest:
    gateway = world.gateways["45"]
    request = replace(of_recipient()(world, made), key_id=gateway.key_id("batch"))
    return replace(request, signature=sign(gateway.keys["batch"], request.tbs()))


BAD_REQUESTS: dict[str, tuple[Callable[[World, Made], OpenRequest], str]] = {
    "office that is no recipient": (of_office("45", "POLICE_STATION"), "OPEN_FORBIDDEN"),
    "office of a third region": (of_office("43", "COUNTY_PSB_HOUSEHOLD"), "OPEN_FORBIDDEN"),
    "signed by another region": (of_recipient(signer="43"), "OPEN_FORBIDDEN"),
    "wrong signature": (with_wrong_signature, "SIGNATURE_INVALID"),
    "key of another purpose": (signed_with_a_batch_key, "KEY_UNKNOWN"),
    "unknown key": (of_recipient(key_id=bytes(8)), "KEY_UNKNOWN"),
    "another producer's name": (of_recipient(producer="44-node"), "PRODUCER_MISMATCH"),
    "another purpose": (of_recipient(purpose="RESIDENCE_PERMIT"), "OPEN_FORBIDDEN"),
    "another role": (of_recipient(role="CASE_OFFICER"), "OPEN_ROLE"),
    "no approval": (of_recipient(approval=b""), "OPEN_MALFORMED"),
    "no reason code": (of_recipient(reason="CURIOSITY"), "OPEN_MALFORMED"),
    "request id that is no id": (of_recipient(request_id=bytes(16)), "OPEN_MALFORMED"),
    "unknown event": (of_recipient(event_id=bytes(16)), "OPEN_FORBIDDEN"),
    "payload of another event": (of_recipient(ciphertext_hash=bytes(32)), "OPEN_FORBIDDEN"),
    "clock an hour ahead": (created(3_600_000), "CLOCK_SKEW"),
    "an hour old": (created(-3_600_000), "CLOCK_SKEW"),
}


@pytest.mark.integration
def test_a_bad_request_opens_nothing_and_records_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            made = notification(hub.world, "44", "45")[:2]
            await hub.submit(made)
            size = hub.size
            for name, (make, code) in BAD_REQUESTS.items():
                with pytest.raises(ExchangeError) as refused:
                    await hub.client.open_payload(make(hub.world, made[1]))
                assert refused.value.code == code, name
                assert refused.value.code in CODES
                assert hub.size == size, name
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_one_request_is_one_reading(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            made = notification(hub.world, "44", "45")[:2]
            await hub.submit(made)
            request = of_recipient()(hub.world, made[1])
            await hub.client.open_payload(request)

            with pytest.raises(ExchangeError) as refused:
                await hub.client.open_payload(request)

            assert refused.value.code == "OPEN_REPEATED"
            assert hub.audit().openings == {"45": 1}

    asyncio.run(scenario())


@pytest.mark.integration
def test_openings_that_wait_share_a_commit_and_each_has_its_own_record_and_proof(tmp_path: Path) -> None:
    """Seven calls at once, one of them refused and one a repeat of another: five records under one checkpoint."""

    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            made = notification(world, "44", "45")[:2]
            await hub.submit(made)
            size = hub.size
            asked = [of_recipient()(world, made[1]) for _ in range(5)]
            asked += [asked[0], of_office("43", "COUNTY_PSB_HOUSEHOLD")(world, made[1])]
            async with Gate(hub) as gate:
                calls = [asyncio.ensure_future(hub.client.open_payload(request)) for request in asked]
                await until(lambda: hub.sequencer.waiting_events == 1 + len(asked))
                gate.open()
                answers = await asyncio.gather(*calls, return_exceptions=True)

            opened = [answer for answer in answers if isinstance(answer, Opened)]
            assert sorted(error.code for error in answers if isinstance(error, ExchangeError)) == [
                "OPEN_FORBIDDEN",
                "OPEN_REPEATED",
            ]
            assert {decode_event(one.access_event).event_id for one in opened} == {r.request_id for r in asked[:5]}
            for one in opened:
                check_receipt(world, one)
            assert hub.size == size + 1 + len(opened) == size + 6
            assert len({one.receipt.checkpoint for one in opened}) == 1
            assert hub.audit().openings == {"45": 5}

    asyncio.run(scenario())


@pytest.mark.integration
def test_who_asks_too_often_waits_and_others_do_not(tmp_path: Path) -> None:
    """The limit is told with its pause, holds for tries too, and says nothing of what was asked for."""

    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            made = notification(world, "44", "45")[:2]
            await hub.submit(made)
            officer = world.fresh_id()
            tries = of_office("45", "POLICE_STATION", officer=officer)
            for _ in range(OpeningLimits().per_officer):
                with pytest.raises(AccessError):
                    await hub.client.open_payload(tries(world, made[1]))

            with pytest.raises(UnavailableError) as refused:
                await hub.client.open_payload(tries(world, made[1]))

            assert refused.value.code == "OPEN_TOO_MANY"
            assert 0 < refused.value.retry_after_ms <= 3_600_000
            await hub.client.open_payload(of_recipient()(world, made[1]))

    asyncio.run(scenario())
