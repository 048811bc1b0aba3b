"""What the hub tells is what it recorded, byte for byte, with proofs that hold under its signed checkpoints."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters.grpc.client import ExchangeClient
from adapters.nats.messages import decode_run, is_sealed, open_run
from contracts.codes import CODES
from contracts.errors import ContractError, ExchangeError
from contracts.event import decode_event
from contracts.ids import PointId
from contracts.signing import key_id
from hub.notification import verify_run
from hub.own_batch import HubDraft
from ledger.checkpoint import parse_checkpoint
from ledger.entry import EventEntry, GenesisEntry, decode_entry
from ledger.tree import hash_leaf, root_of, verify_consistency, verify_inclusion
from tests.support.all_matters import one_of_each
from tests.support.hub_server import HubServer
from tests.support.matters import correction, declaration, notification, residence

Read = Callable[[ExchangeClient], Coroutine[Any, Any, Any]]


async def all_of(messages: Any) -> list[Any]:
    return [message async for message in messages]


@pytest.mark.integration
def test_entries_re_derive_the_root_of_the_checkpoint(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            for made in one_of_each(hub.world).values():
                await hub.submit(made)

            note = await hub.client.checkpoint()
            chunks = await all_of(hub.client.entries())

            checkpoint = parse_checkpoint(note, hub.world.verifier)
            entries = [entry for chunk in chunks for entry in chunk.entries]
            assert len(entries) == checkpoint.size == hub.size
            assert root_of([hash_leaf(entry) for entry in entries]) == checkpoint.root
            assert isinstance(decode_entry(entries[0]), GenesisEntry)

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_range_of_entries_comes_in_chunks_of_at_most_a_mebibyte(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            batch = hub.world.batches["44"].batch([declaration(hub.world, "44") for _ in range(1024)])
            async with hub.client.submit_stream() as stream:
                for number in range(3):
                    if number:
                        batch = hub.world.batches["44"].batch([declaration(hub.world, "44") for _ in range(1024)])
                    assert (await (await stream.send(batch))).answer.refusal is None

            chunks = await all_of(hub.client.entries(5, hub.size - 3))

            assert len(chunks) > 1
            assert chunks[0].start == 5
            for one, following in pairwise(chunks):
                assert one.start + len(one.entries) == following.start
            assert chunks[-1].start + len(chunks[-1].entries) == hub.size - 3
            assert all(sum(map(len, chunk.entries)) <= 1 << 20 for chunk in chunks)

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_stream_comes_oldest_first_and_in_pages(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            made = residence(hub.world, "44")
            await hub.submit(made)
            stream_id = made[0].header.stream_id

            whole = await hub.client.stream(stream_id)
            page = await hub.client.stream(stream_id, from_seq=1, limit=1)
            nothing = await hub.client.stream(hub.world.fresh_id())

            assert [event for _, event in whole.events] == [one.event for one in made]
            assert [index for index, _ in whole.events] == sorted(index for index, _ in whole.events)
            assert not whole.has_more
            assert [event for _, event in page.events] == [made[1].event]
            assert page.has_more
            assert nothing.events == ()
            assert not nothing.has_more

    asyncio.run(scenario())


@pytest.mark.integration
def test_proofs_hold_for_every_entry_and_between_all_checkpoints(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            sizes = [hub.size]
            for _ in range(4):
                await hub.submit([declaration(hub.world, "44")])
                sizes.append(hub.size)
            checkpoints = [parse_checkpoint(await hub.client.checkpoint(size), hub.world.verifier) for size in sizes]
            entries = [entry for chunk in await all_of(hub.client.entries()) for entry in chunk.entries]

            for index in (0, 1, sizes[0], sizes[-1] - 1):
                proof = await hub.client.inclusion(index)
                assert proof.checkpoint == await hub.client.checkpoint()
                verify_inclusion(
                    leaf_hash=hash_leaf(entries[index]),
                    leaf_index=index,
                    tree_size=sizes[-1],
                    path=proof.path,
                    root=checkpoints[-1].root,
                )
            for old in checkpoints:
                for new in checkpoints:
                    if old.size <= new.size:
                        path = (await hub.client.consistency(old.size, new.size)).path
                        verify_consistency(size1=old.size, size2=new.size, path=path, root1=old.root, root2=new.root)
            unsigned = await hub.client.inclusion(0, tree_size=sizes[0] - 1)
            assert unsigned.checkpoint == b""

    asyncio.run(scenario())


@pytest.mark.integration
def test_runs_come_as_the_broker_carries_them_and_prove_themselves(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            await hub.submit(notification(world, "44", "45"))
            await hub.submit(notification(world, "44", "45"))

            runs = await all_of(hub.client.runs("45-node"))

            assert [(run.point, run.first_n, run.count) for run in runs] == [("45-node", 1, 1), ("45-node", 2, 1)]
            key_at = hub.application.directory.signing_key
            head = bytes(32)
            for run in runs:
                decoded = decode_run(run.data)
                (received,) = verify_run(
                    decoded,
                    point=PointId("45-node"),
                    known_head=decoded.head_before,
                    verifier=world.verifier,
                    key_at=key_at,
                )
                assert decoded.head_before == head
                assert received.header.event_type == "ResidenceNoticeSent"
                head = decoded.head_after
            assert await all_of(hub.client.runs("45-node", from_n=2)) == runs[1:]
            assert await all_of(hub.client.runs("45-node", limit=1)) == runs[:1]
            assert await all_of(hub.client.runs("45-450103")) == []

    asyncio.run(scenario())


@pytest.mark.integration
def test_runs_of_cases_come_sealed_to_the_points_key(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            await hub.submit(correction(world, "44", "43"))
            point = PointId("43-430102")

            runs = await all_of(hub.client.runs(point))

            assert len(runs) == 5
            for run in runs:
                assert is_sealed(run.data)
                assert b"OpinionAsked" not in run.data
                opened = open_run(run.data, point=point, private_of=lambda _: world.points[point])
                assert decode_run(opened).first_n == run.first_n

    asyncio.run(scenario())


@pytest.mark.integration
def test_what_is_asked_for_after_a_point_changed_its_key_is_sealed_to_the_new_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world, point = hub.world, PointId("43-430102")
            await hub.submit(correction(world, "44", "43"))
            fresh = X25519PrivateKey.generate()
            public = fresh.public_key().public_bytes_raw()
            body = {"point": point, "key_id": key_id("point", public), "public_key": public}
            draft = HubDraft("PointChanged", "DIRECTORY", body)
            await hub.sequencer.call(lambda: hub.application.record([draft]))

            (run, *_) = await all_of(hub.client.runs(point))

            opened = open_run(run.data, point=point, private_of=lambda _: fresh)
            assert decode_run(opened).first_n == run.first_n
            with pytest.raises(ExchangeError):
                open_run(run.data, point=point, private_of=lambda _: world.points[point])
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_the_directory_comes_whole_and_then_as_it_changes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world, application = hub.world, hub.application
            (update,) = await all_of(hub.client.directory())
            assert update.through == hub.size
            assert len(update.events) == len(world.directory)

            updates = hub.client.directory(update.through, follow=True)
            empty = await anext(updates)
            following = asyncio.ensure_future(anext(updates))
            await hub.submit([declaration(world, "44")])
            (index,) = await hub.sequencer.call(lambda: application.record([world.revocation("45")]))
            new = await asyncio.wait_for(following, 5)

            assert empty.events == ()
            assert [at for at, _ in new.events] == [index]
            assert decode_event(new.events[0][1]).event_type == "KeyRevoked"
            assert new.through == hub.size
            await updates.aclose()

    asyncio.run(scenario())


@pytest.mark.integration
def test_the_receipt_of_an_event_is_found_by_its_id(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            made = declaration(hub.world, "44")
            await hub.submit([made])

            receipt = await hub.client.receipt(made.header.event_id)

            assert decode_entry(receipt.entry) == EventEntry(made.event)
            assert receipt.index == hub.size - 1

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_producer_that_was_never_heard_of_starts_at_zero(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            state = await hub.client.producer("53-node")

            assert (state.next_seq, state.last_hash) == (0, bytes(32))

    asyncio.run(scenario())


BAD_READS: dict[str, tuple[Read, str]] = {
    "stream id too short": (lambda c: c.stream(b"short"), "REQUEST_MALFORMED"),
    "event id too long": (lambda c: c.receipt(bytes(17)), "REQUEST_MALFORMED"),
    "unknown event": (lambda c: c.receipt(bytes(16)), "NOT_FOUND"),
    "entry beyond the end": (lambda c: c.inclusion(10_000), "RANGE_TOO_LARGE"),
    "size beyond the end": (lambda c: c.inclusion(0, tree_size=10_000), "RANGE_TOO_LARGE"),
    "sizes in the wrong order": (lambda c: c.consistency(9, 3), "RANGE_TOO_LARGE"),
    "no checkpoint of that size": (lambda c: c.checkpoint(7), "NOT_FOUND"),
    "entries beyond the end": (lambda c: all_of(c.entries(0, 10_000)), "RANGE_TOO_LARGE"),
    "entries backwards": (lambda c: all_of(c.entries(9, 3)), "RANGE_TOO_LARGE"),
    "no delivery point": (lambda c: all_of(c.runs("nowhere")), "REQUEST_MALFORMED"),
    "no producer": (lambda c: c.producer("44-nodes"), "REQUEST_MALFORMED"),
}


@pytest.mark.integration
def test_a_bad_question_is_refused_with_a_code(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            for name, (read, code) in BAD_READS.items():
                with pytest.raises(ExchangeError) as refused:
                    await read(hub.client)
                assert refused.value.code == code, name
                assert refused.value.code in CODES
                assert refused.value.message
            with pytest.raises(ContractError) as refused:
                await hub.client.stream(b"short")
            assert refused.value.field == "stream_id"

    asyncio.run(scenario())
