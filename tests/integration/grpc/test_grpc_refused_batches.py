"""A batch that is wrong as a whole is refused with a code, records nothing, and spoils nothing for the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.codes import CODES
from hub.submission import Outcome, SubmittedBatch
from tests.support.batches import Made
from tests.support.hub_server import HubServer
from tests.support.matters import declaration
from tests.support.raw_client import RawSubmit
from tests.support.world import World

HOUR_MS = 3_600_000
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def one(world: World) -> list[Made]:
    return [declaration(world, "44")]


def signed_over_other_bytes(world: World) -> SubmittedBatch:
    batch = world.batches["44"].batch([declaration(world, "44")], step=False)
    return SubmittedBatch(
        batch.tbs, batch.signature[:-1] + bytes((batch.signature[-1] ^ 1,)), batch.key_id, batch.events
    )


def signed_with(key: Callable[[World], Ed25519PrivateKey]) -> Callable[[World], SubmittedBatch]:
    return lambda world: world.batches["44"].batch([declaration(world, "44")], key=key(world), step=False)


def with_header(**changes: Any) -> Callable[[World], SubmittedBatch]:
    return lambda world: world.batches["44"].batch([declaration(world, "44")], step=False, **changes)


def with_tbs(change: Callable[[bytes], bytes]) -> Callable[[World], SubmittedBatch]:
    def make(world: World) -> SubmittedBatch:
        batch = world.batches["44"].batch([declaration(world, "44")], step=False)
        return SubmittedBatch(change(batch.tbs), batch.signature, batch.key_id, batch.events)

    return make


def with_events(change: Callable[[tuple[bytes, ...]], tuple[bytes, ...]]) -> Callable[[World], SubmittedBatch]:
    def make(world: World) -> SubmittedBatch:
        batch = world.batches["44"].batch([declaration(world, "44"), declaration(world, "44")], step=False)
        return SubmittedBatch(batch.tbs, batch.signature, batch.key_id, change(batch.events))

    return make


def created(offset_ms: int) -> Callable[[World], SubmittedBatch]:
    def make(world: World) -> SubmittedBatch:
        return with_header(created_ms=world.clock.now_ms() + offset_ms)(world)

    return make


BAD_BATCHES: dict[str, tuple[Callable[[World], SubmittedBatch], str]] = {
    "wrong signature": (signed_over_other_bytes, "SIGNATURE_INVALID"),
    "unknown key": (signed_with(lambda _: STRANGER), "KEY_UNKNOWN"),
    "key of another region": (signed_with(lambda world: world.batches["45"].key), "PRODUCER_MISMATCH"),
    "key of another purpose": (signed_with(lambda world: world.gateways["44"].keys["open"]), "KEY_UNKNOWN"),
    "another producer's name": (with_header(producer="45-node"), "PRODUCER_MISMATCH"),
    "the hub's name": (with_header(producer="00-hub", batch_seq=99), "PRODUCER_MISMATCH"),
    "number too high": (with_header(batch_seq=7), "BATCH_CHAIN_BROKEN"),
    "wrong previous hash": (with_header(prev_batch=bytes(31) + b"\1"), "BATCH_CHAIN_BROKEN"),
    "clock two hours ahead": (created(2 * HOUR_MS), "CLOCK_SKEW"),
    "clock a month behind": (created(-30 * 24 * HOUR_MS), "CLOCK_SKEW"),
    "header cut short": (with_tbs(lambda tbs: tbs[:-1]), "BATCH_MALFORMED"),
    "header with bytes after it": (with_tbs(lambda tbs: tbs + b"\0"), "BATCH_MALFORMED"),
    "no header": (with_tbs(lambda _: b""), "BATCH_MALFORMED"),
    "no events": (with_events(lambda _: ()), "BATCH_EMPTY"),
    "an event left out": (with_events(lambda events: events[:1]), "BATCH_MALFORMED"),
    "events in another order": (with_events(lambda events: events[::-1]), "BATCH_MALFORMED"),
    "too many events": (with_events(lambda events: events[:1] * 1025), "BATCH_TOO_LARGE"),
}


@pytest.mark.integration
@pytest.mark.parametrize("name", BAD_BATCHES)
def test_a_bad_batch_records_nothing_and_the_next_one_is_taken(name: str, tmp_path: Path) -> None:
    make, code = BAD_BATCHES[name]

    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            before = hub.size, hub.store.checkpoint()
            bad = make(hub.world)

            async with hub.client.submit_stream() as stream:
                refused = (await (await stream.send(bad))).answer
                after = hub.size, hub.store.checkpoint()
                good = (await (await stream.send(hub.world.batches["44"].batch(one(hub.world))))).answer

            assert refused.refusal is not None
            assert refused.refusal.code == code
            assert refused.refusal.code in CODES
            assert refused.refusal.sentence
            assert refused.receipt is None
            assert refused.results == ()
            assert after == before
            assert good.refusal is None
            assert [result.outcome for result in good.results] == [Outcome.ACCEPTED]
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_revoked_key_signs_nothing_more_and_its_batches_before_stand(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world, application = hub.world, hub.application
            await hub.submit([declaration(world, "44")])
            await hub.sequencer.call(lambda: application.record([world.revocation("44")]))
            size = hub.size

            answer = (await hub.client.submit_one(world.batches["44"].batch([declaration(world, "44")]))).answer

            assert answer.refusal is not None
            assert answer.refusal.code == "KEY_REVOKED"
            assert hub.size == size
            await hub.submit([declaration(world, "45")])
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_broken_chain_is_told_where_it_stands(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            chain = hub.world.batches["44"]
            await hub.submit([declaration(hub.world, "44")])

            answer = (
                await hub.client.submit_one(chain.batch([declaration(hub.world, "44")], batch_seq=9, step=False))
            ).answer
            state = await hub.client.producer("44-node")

            assert answer.refusal is not None
            assert answer.refusal.expected_batch_seq == 1 == state.next_seq
            assert answer.refusal.expected_prev_batch == chain.last_hash == state.last_hash

    asyncio.run(scenario())


@pytest.mark.integration
def test_bytes_that_are_no_request_are_answered_in_the_stream_which_goes_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            async with RawSubmit(hub.address) as raw:
                answer = await raw.exchange(b"\xff\xff\xff")
                again = await raw.exchange_batch(hub.world.batches["44"].batch(one(hub.world)))

            assert answer.refusal.code == "REQUEST_MALFORMED"
            assert again.receipt.end - again.receipt.start == 2

    asyncio.run(scenario())
