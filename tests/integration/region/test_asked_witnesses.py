"""A region asks witnesses itself: one that is dead stops nothing, an honest ledger is not accused, another is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from adapters.compose.region_witnesses import ask_witnesses, region_policy
from adapters.region.quorum import Quorum
from adapters.settings import DEPLOY, RegionSettings
from adapters.web.fetch import client
from adapters.web.witness_client import add_checkpoint
from contracts.errors import ContractError, EvidenceError
from contracts.ids import Hash, TreeSize
from ledger.checkpoint import parse_checkpoint, sign_checkpoint
from ledger.note import Cosigner, NoteSigner, add_lines, split_note
from ledger.policy import Group, Log, Policy, Witness, format_policy
from ledger.witness import AddCheckpoint
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer, until
from tests.support.region import declared, gateway
from tests.support.witnesses import Installed, install, running
from tests.support.world import World

pytestmark = pytest.mark.integration


@asynccontextmanager
async def shown_another(hub: HubServer, folder: Path) -> AsyncIterator[tuple[Installed, str]]:
    """A witness that runs, with its address; the ledger's key signed it another head than the hub shows."""
    installed = install(folder, "45-w", [hub.world.verifier])
    true = parse_checkpoint(await hub.client.checkpoint(), hub.world.verifier)
    other = sign_checkpoint(replace(true, root=Hash(b"\2" * 32)), hub.world.log_signer)
    async with running(installed) as url, client(seconds=5) as session:
        await add_checkpoint(session, url, installed.signers.grown.verifier, AddCheckpoint(TreeSize(0), (), other))
        yield installed, url


@runs_in_a_loop
async def test_a_region_trusts_what_an_honest_witness_saw_and_a_dead_one_stops_nothing(tmp_path: Path) -> None:
    """The region has heard nothing of the newest head but from the witness."""
    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        gateway(hub.world, "44", hub.client, tmp_path) as sender,
        gateway(hub.world, "45", hub.client, tmp_path) as region,
    ):
        installed = install(tmp_path, "43-w", [hub.world.verifier])
        verifier = installed.signers.grown.verifier
        await sender.submit(declared(hub.world, "44"))
        note = await hub.client.checkpoint()
        async with running(installed) as url, client(seconds=5) as session:
            await add_checkpoint(session, url, verifier, AddCheckpoint(TreeSize(0), (), note))
            asked = [Witness("43-dead", verifier, "http://127.0.0.1:9"), Witness("43-w", verifier, url)]
            asking = asyncio.ensure_future(ask_witnesses(asked, region.checkpoints))
            await until(
                lambda: region.checkpoints.trusted is not None and region.checkpoints.trusted[0].size == hub.size
            )
            is_running = not asking.done()
            asking.cancel()

    assert is_running


@runs_in_a_loop
async def test_a_head_that_a_witness_saw_and_the_region_did_not_stops_it(tmp_path: Path) -> None:
    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        gateway(hub.world, "44", hub.client, tmp_path) as region,
        shown_another(hub, tmp_path) as (installed, url),
    ):
        asked = [Witness("45-w", installed.signers.grown.verifier, url)]
        with pytest.raises(EvidenceError) as error:
            await asyncio.wait_for(ask_witnesses(asked, region.checkpoints), 10)

    assert error.value.code == "CHECKPOINT_INVALID"


@runs_in_a_loop
async def test_a_witness_that_was_away_is_asked_again_soon(tmp_path: Path) -> None:
    """Not a round later: what it knows may be the only thing that shows a fork."""
    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        gateway(hub.world, "44", hub.client, tmp_path) as region,
    ):
        async with shown_another(hub, tmp_path) as (installed, url):
            asked = [Witness("45-w", installed.signers.grown.verifier, url)]
        with capture_logs() as lines:
            asking = asyncio.ensure_future(ask_witnesses(asked, region.checkpoints))
            await until(lambda: any(line["event"] == "witness.failed" for line in lines))
            again = installed.settings.model_copy(update={"listen": url.removeprefix("http://")})
            async with running(installed._replace(settings=again)):
                with pytest.raises(EvidenceError) as error:
                    await asyncio.wait_for(asking, 30)

    assert error.value.code == "CHECKPOINT_INVALID"


@runs_in_a_loop
async def test_heads_from_everywhere_count_for_the_quorum_and_nothing_waits_for_it(tmp_path: Path) -> None:
    """The region sends and proves without; a witness that it asks itself and one whose line it is shown make two."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        asked = install(tmp_path, "43-w", [world.verifier])
        shown = Cosigner("46.witness.example", Ed25519PrivateKey.from_private_bytes((7).to_bytes(32, "big")))
        members = (Witness("43-w", asked.signers.grown.verifier), Witness("46-w", shown.verifier))
        group = Group("both", 2, ("43-w", "46-w"))
        quorum = Quorum(Policy((Log(world.verifier),), members, (group,), "both"))
        async with gateway(world, "44", hub.client, tmp_path, quorum=quorum) as region:
            assert (await region.submit(declared(world, "44"))).index is not None
            assert quorum.reached == 0
            note = await hub.client.checkpoint()
            region.checkpoints.see(add_lines(note, [shown.line(split_note(note)[0], seconds=5)]))
            async with running(asked) as url, client(seconds=5) as session:
                request = AddCheckpoint(TreeSize(0), (), note)
                await add_checkpoint(session, url, asked.signers.grown.verifier, request)
                asking = asyncio.ensure_future(
                    ask_witnesses([Witness("43-w", asked.signers.grown.verifier, url)], region.checkpoints)
                )
                await until(lambda: quorum.reached == hub.size)
                asking.cancel()

    assert quorum.waiting_seconds() == 0


def test_the_policy_of_a_region_names_its_ledger(tmp_path: Path) -> None:
    world, other = World(), NoteSigner("other.example", Ed25519PrivateKey.from_private_bytes((8).to_bytes(32, "big")))
    file = tmp_path / "witness.policy"
    settings = RegionSettings.load(
        DEPLOY / "region.toml", region="44", data_dir=tmp_path, log_vkey=world.verifier.vkey, witness_policy=file
    )
    file.write_bytes(format_policy(Policy((Log(other.verifier),), (), (), "none")))
    with pytest.raises(ContractError, match="SETTINGS_INVALID"):
        region_policy(settings)
    file.write_bytes(format_policy(Policy((Log(world.verifier),), (), (), "none")))

    assert region_policy(settings) == region_policy(settings.model_copy(update={"witness_policy": None}))
