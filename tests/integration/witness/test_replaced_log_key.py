"""A witness and a gateway cross the replacement of a ledger's key: the one from its list, the other from the ledger."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from adapters.compose.publishing import store_files
from contracts.errors import ContractError, EvidenceError
from contracts.schema import load_registry
from hub.log_key_chain import verify_chain
from ledger.policy import Log
from tests.integration.witness.test_witnessed_hub import following, quorum
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer
from tests.support.log_keys import NEXT, announce, end
from tests.support.lossy_exchange import LossyExchange
from tests.support.matters import declaration
from tests.support.region import declared, gateway
from tests.support.witnesses import install, policy_of, running

pytestmark = pytest.mark.integration


@runs_in_a_loop
async def test_a_witness_that_lists_both_keys_cosigns_before_between_and_after(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite", next_signer=NEXT) as hub:
        installed = install(tmp_path, "44-a", [hub.world.verifier, NEXT.verifier])
        async with running(installed) as url:
            policy = policy_of(hub.world.verifier, [("44-a", installed.signers.grown.verifier, url)], 1)
            notes = []
            async with following(hub, policy):
                for turn in (announce, end, None):
                    await hub.submit([declaration(hub.world, "44")])
                    await quorum(hub)
                    notes.append(await hub.client.checkpoint())
                    if turn is not None:
                        await hub.sequencer.call(partial(turn, hub.application))
            chain = store_files(hub.store, None).file("log-keys")
    keys = verify_chain(chain, NEXT.verifier, load_registry())
    later = replace(policy, logs=(Log(NEXT.verifier),))

    for note in notes:
        assert [name for name, _ in later.following(keys).verify(note).cosigned_at] == ["44-a"]
    with pytest.raises(EvidenceError):
        later.verify(notes[0])


@runs_in_a_loop
async def test_a_gateway_asks_for_the_chain_and_believes_none_that_does_not_begin_with_its_key(tmp_path: Path) -> None:
    """It is sending while the key is announced, and away while it is switched."""
    async with HubServer(tmp_path / "ledger.sqlite", next_signer=NEXT) as hub:
        world = hub.world
        async with gateway(world, "44", hub.client, tmp_path) as sender:
            await hub.sequencer.call(lambda: announce(hub.application))
            await sender.submit(declared(world, "44"))
            assert sender.checkpoints.keys.announced == NEXT.verifier
        await hub.sequencer.call(lambda: end(hub.application))
        lying = LossyExchange(hub.client, change_keys=lambda chain: chain[: len(chain) // 2])
        with pytest.raises(ContractError, match="LOG_KEYS_MALFORMED"):
            async with gateway(world, "45", lying, tmp_path):
                raise AssertionError("it started")
        async with gateway(world, "44", hub.client, tmp_path) as sender, gateway(world, "45", hub.client, tmp_path):
            await sender.submit(declared(world, "44"))
            assert sender.checkpoints.keys.in_use == NEXT.verifier
        hub.audit()
