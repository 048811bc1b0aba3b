"""The same bytes get the original receipt, for ever; nothing is recorded twice (LEDGER 7)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from contracts.ids import LeafIndex
from hub.submission import EventReceipt, Outcome
from ledger.checkpoint import parse_checkpoint
from ledger.entry import BatchEntry, EventEntry, decode_entry
from ledger.receipt import verify_receipt
from ledger.tree import hash_leaf, verify_inclusion
from tests.support.hub_server import HubServer
from tests.support.matters import declaration, residence
from tests.support.world import World


def check_event_receipt(receipt: EventReceipt, event: bytes, world: World) -> None:
    """The receipt proves this event, with nothing but the log's key."""
    checkpoint = parse_checkpoint(receipt.checkpoint, world.verifier)
    verify_inclusion(
        leaf_hash=hash_leaf(receipt.entry),
        leaf_index=receipt.index,
        tree_size=checkpoint.size,
        path=receipt.path,
        root=checkpoint.root,
    )
    assert decode_entry(receipt.entry) == EventEntry(event)


@pytest.mark.integration
def test_the_same_batch_again_gets_the_same_receipt_byte_for_byte(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            batch = world.batches["44"].batch([declaration(world, "44") for _ in range(5)])
            async with hub.client.submit_stream() as stream:
                first = (await (await stream.send(batch))).answer
            await hub.submit([declaration(world, "44"), declaration(world, "45")])
            size = hub.size

            async with hub.client.submit_stream() as stream:
                again = (await (await stream.send(batch))).answer

            assert first.receipt is not None
            assert again.receipt == first.receipt
            assert again.refusal is None
            assert [result.index for result in again.results] == [result.index for result in first.results]
            assert hub.size == size
            verify_receipt(again.receipt, tbs=batch.tbs, events=batch.events, verifier=world.verifier)
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_the_same_batch_again_gets_the_same_receipt_after_a_restart(place: Path) -> None:
    world = World()
    batch = None

    async def scenario() -> None:
        nonlocal batch
        async with HubServer(place, world=world) as hub:
            batch = world.batches["44"].batch([declaration(world, "44")])
            first = (await hub.client.submit_one(batch)).answer
            await hub.submit([declaration(world, "44")])

        async with HubServer(place, world=world) as hub:
            size = hub.size
            again = (await hub.client.submit_one(batch)).answer

            assert again.receipt == first.receipt
            assert hub.size == size
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_the_same_event_in_a_new_batch_gets_its_first_receipt(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            old = declaration(world, "44")
            first = (await hub.client.submit_one(world.batches["44"].batch([old]))).answer
            original = await hub.client.receipt(old.header.event_id)
            new = declaration(world, "44")
            await hub.submit([declaration(world, "45")])
            size = hub.size
            batch = world.batches["44"].batch([new, old])

            async with hub.client.submit_stream() as stream:
                reply = await (await stream.send(batch))

            assert [result.outcome for result in reply.answer.results] == [Outcome.ACCEPTED, Outcome.REPEATED]
            assert reply.answer.results[1].index == first.results[0].index
            assert dict(reply.originals) == {1: original}
            check_event_receipt(original, old.event, world)
            assert hub.size == size + 2
            assert reply.answer.receipt is not None
            entry = decode_entry(reply.answer.receipt.batch_entry)
            assert isinstance(entry, BatchEntry)
            assert [(row.position, row.code) for row in entry.refused] == [(1, "EVENT_REPEATED")]
            verify_receipt(reply.answer.receipt, tbs=batch.tbs, events=[new.event], verifier=world.verifier)
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_the_same_event_twice_in_one_batch_is_recorded_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            made = declaration(world, "44")
            size = hub.size

            async with hub.client.submit_stream() as stream:
                reply = await (await stream.send(world.batches["44"].batch([made, made])))

            assert [result.outcome for result in reply.answer.results] == [Outcome.ACCEPTED, Outcome.REPEATED]
            assert reply.answer.results[1].index == reply.answer.results[0].index == size + 1
            check_event_receipt(reply.originals[1], made.event, world)
            assert hub.size == size + 2
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_batch_with_a_repeat_sent_again_gets_the_first_receipt_of_the_repeat_too(place: Path) -> None:
    """A gateway that was killed before the answer sends the batch again, whatever became of its events."""

    async def scenario() -> None:
        async with HubServer(place) as hub:
            world = hub.world
            made = declaration(world, "44")
            await hub.submit([made])
            batch = world.batches["44"].batch([made, declaration(world, "44")])
            async with hub.client.submit_stream() as stream:
                first = await (await stream.send(batch))
            size = hub.size

            async with hub.client.submit_stream() as stream:
                again = await (await stream.send(batch))

            assert [result.outcome for result in again.answer.results] == [Outcome.REPEATED, Outcome.ACCEPTED]
            assert again.originals == first.originals
            check_event_receipt(again.originals[0], made.event, world)
            assert hub.size == size

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_whole_matter_sent_again_in_new_batches_changes_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            made = residence(world, "44")
            await hub.submit(made)
            matters, heads = dict(hub.store.all_matters()), dict(hub.store.heads())

            async with hub.client.submit_stream() as stream:
                reply = await (await stream.send(world.batches["44"].batch(made)))

            assert {result.outcome for result in reply.answer.results} == {Outcome.REPEATED}
            assert dict(hub.store.all_matters()) == matters
            assert dict(hub.store.heads()) == heads
            for position, one in enumerate(made):
                check_event_receipt(reply.originals[position], one.event, world)
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_another_batch_under_a_used_number_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            await hub.submit([declaration(world, "44")])
            size = hub.size
            other = world.batches["44"].batch([declaration(world, "44")], batch_seq=0, prev_batch=bytes(32), step=False)

            answer = (await hub.client.submit_one(other)).answer

            assert answer.refusal is not None
            assert answer.refusal.code == "BATCH_CHAIN_BROKEN"
            assert answer.refusal.expected_batch_seq == 1
            assert hub.size == size

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_receipt_proves_its_batch_under_the_checkpoint_that_it_came_with(place: Path) -> None:
    async def scenario() -> None:
        async with HubServer(place) as hub:
            world = hub.world
            batches = [
                world.batches[region].batch([declaration(world, region) for _ in range(count)])
                for count in (1, 2, 3, 7, 64)
                for region in ("44", "45", "43")
            ]
            async with hub.client.submit_stream() as stream:
                replies = [await reply for reply in [await stream.send(batch) for batch in batches]]

            for batch, reply in zip(batches, replies, strict=True):
                receipt = reply.answer.receipt
                assert receipt is not None
                checkpoint = verify_receipt(receipt, tbs=batch.tbs, events=batch.events, verifier=world.verifier)
                assert checkpoint.size >= receipt.end
                stored = list(hub.store.entries(receipt.start, LeafIndex(receipt.start + 1)))
                assert stored == [receipt.batch_entry]
            hub.audit()

    asyncio.run(scenario())
