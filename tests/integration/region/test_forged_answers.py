"""A hub that lies is found out: no answer counts before its proof holds; one that does not stops the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.grpc.client import DirectoryUpdate
from adapters.grpc.messages import Reply
from contracts.errors import EvidenceError, RuleError
from contracts.event import decode_event, encode_event
from contracts.ids import Hash, LeafIndex
from hub.submission import EventResult, Outcome, Refusal
from ledger.checkpoint import parse_checkpoint, sign_checkpoint
from ledger.note import NoteSigner
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer
from tests.support.lossy_exchange import LossyExchange
from tests.support.region import declared, gateway
from tests.support.world import World

pytestmark = pytest.mark.integration

Forge = Callable[[Reply, World], Reply]


def another_place(reply: Reply, world: World) -> Reply:
    receipt = reply.answer.receipt
    assert receipt is not None
    moved = receipt._replace(start=LeafIndex(receipt.start + 1), end=LeafIndex(receipt.end + 1))
    return replace(reply, answer=replace(reply.answer, receipt=moved))


def another_key(reply: Reply, world: World) -> Reply:
    receipt = reply.answer.receipt
    assert receipt is not None
    checkpoint = parse_checkpoint(receipt.checkpoint, world.verifier)
    forged = sign_checkpoint(checkpoint, NoteSigner(world.log_signer.name, world.hub_key))
    return replace(reply, answer=replace(reply.answer, receipt=receipt._replace(checkpoint=forged)))


def another_root(reply: Reply, world: World) -> Reply:
    """Signed by the right key: the hub itself shows a tree that does not hold the batch."""
    receipt = reply.answer.receipt
    assert receipt is not None
    checkpoint = parse_checkpoint(receipt.checkpoint, world.verifier)
    forged = sign_checkpoint(replace(checkpoint, root=Hash(b"\1" * 32)), world.log_signer)
    return replace(reply, answer=replace(reply.answer, receipt=receipt._replace(checkpoint=forged)))


def a_proof_cut_short(reply: Reply, world: World) -> Reply:
    receipt = reply.answer.receipt
    assert receipt is not None
    return replace(reply, answer=replace(reply.answer, receipt=receipt._replace(left=receipt.left[:-1])))


def no_receipt(reply: Reply, world: World) -> Reply:
    return replace(reply, answer=replace(reply.answer, receipt=None))


def a_refusal_that_is_not_recorded(reply: Reply, world: World) -> Reply:
    """The hub says no and records yes."""
    refused = EventResult(0, Outcome.REFUSED, None, Refusal("GUARD_FAILED", "no"))
    return replace(reply, answer=replace(reply.answer, results=(refused,)))


def a_repeat_that_never_was(reply: Reply, world: World) -> Reply:
    """The event is said to be recorded already, with no proof of it."""
    repeated = EventResult(0, Outcome.REPEATED, LeafIndex(3))
    return replace(reply, answer=replace(reply.answer, results=(repeated,)))


@pytest.mark.parametrize(
    "forge",
    [
        another_place,
        another_key,
        another_root,
        a_proof_cut_short,
        no_receipt,
        a_refusal_that_is_not_recorded,
        a_repeat_that_never_was,
    ],
)
@runs_in_a_loop
async def test_a_forged_receipt_stops_the_gateway_and_the_event_goes_on_waiting(tmp_path: Path, forge: Forge) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        line = LossyExchange(hub.client, change=lambda reply: forge(reply, hub.world))
        async with gateway(hub.world, "44", line, tmp_path) as region:
            with pytest.raises(EvidenceError):
                await region.submit(declared(hub.world, "44", ref="mine"))
            with pytest.raises(EvidenceError):
                await asyncio.wait_for(region.failed(), 5)
            with pytest.raises(EvidenceError):
                await region.send(declared(hub.world, "44"))

            assert region.outbox_store.counts() == {"WAITING": 1}

        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            sent = await region.submit(declared(hub.world, "44", ref="mine"))

        assert sent.outcome is Outcome.ACCEPTED


def another_event(update: DirectoryUpdate) -> DirectoryUpdate:
    (index, event), *rest = update.events
    header = decode_event(event)
    forged = encode_event(header._replace(occurred_at=header.occurred_at + 1))
    return update._replace(events=((index, forged), *rest))


def a_later_place(update: DirectoryUpdate) -> DirectoryUpdate:
    return update._replace(events=tuple((LeafIndex(index + 1), event) for index, event in update.events))


@pytest.mark.parametrize("forge", [another_event, a_later_place])
@runs_in_a_loop
async def test_a_forged_directory_is_not_believed(
    tmp_path: Path, forge: Callable[[DirectoryUpdate], DirectoryUpdate]
) -> None:
    """A hub, or anybody between, cannot register a key that the ledger does not hold."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        line = LossyExchange(hub.client, change_update=lambda update: forge(update) if update.events else update)
        region = gateway(hub.world, "44", line, tmp_path)
        with pytest.raises(EvidenceError) as error:
            await region.start()

        assert error.value.code == "DIRECTORY_INVALID"
        assert region.replica.through == 0


@runs_in_a_loop
async def test_a_gateway_refuses_a_ledger_with_the_other_sandbox_setting(tmp_path: Path) -> None:
    """DOMAIN 3.6: live and synthetic identities never meet."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = World()
        world.rules = replace(world.rules, is_sandbox=False)
        with pytest.raises(RuleError) as error:
            await gateway(world, "44", hub.client, tmp_path).start()

    assert error.value.code == "SANDBOX_MISMATCH"
