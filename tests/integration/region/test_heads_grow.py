"""What a region trusts of the ledger's head only ever grows, and two heads of one size are evidence."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.nats.messages import decode_run
from adapters.region.database import RegionDatabase
from adapters.region.evidence_store import kept_files
from adapters.region.region_store import RegionStore
from contracts.errors import EvidenceError
from contracts.ids import Hash, PointId
from ledger.checkpoint import parse_checkpoint, sign_checkpoint
from ledger.claim import Finding, verify_evidence
from ledger.evidence_file import parse_evidence
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer
from tests.support.matters import notification
from tests.support.region import declared, gateway, receive
from tests.support.world import World

pytestmark = pytest.mark.integration


def evidence_of(folder: Path) -> dict[str, bytes]:
    """Evidence files that the gateway of region 44 has kept, by claim."""
    with closing(RegionDatabase(folder / "region-44.sqlite")) as database:
        return dict(kept_files(RegionStore(database)))


def kept(folder: Path, world: World, claim: str) -> Finding:
    """What a third party finds in a file that was kept."""
    files = evidence_of(folder)
    assert claim in files
    registry = world.rules.registry
    return verify_evidence(
        parse_evidence(files[claim]), log=world.verifier, read_body=lambda body: registry.decode_body(body)[1]
    )


@runs_in_a_loop
async def test_the_trusted_head_is_proved_forward_at_each_start(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            first = region.checkpoints.trusted
            await region.submit(declared(hub.world, "44"))
        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            second = region.checkpoints.trusted

    assert first is not None
    assert second is not None
    assert first[0].size < second[0].size


@runs_in_a_loop
async def test_two_signed_roots_of_one_size_are_refused(tmp_path: Path) -> None:
    """LEDGER 7: a log that shows two histories is caught by whoever sees both."""
    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        gateway(hub.world, "44", hub.client, tmp_path) as region,
    ):
        true = parse_checkpoint(await hub.client.checkpoint(), hub.world.verifier)
        other = sign_checkpoint(replace(true, root=Hash(b"\2" * 32)), hub.world.log_signer)
        with pytest.raises(EvidenceError) as error:
            region.checkpoints.see(other)
        finding = kept(tmp_path, hub.world, "TWO_ROOTS")

    assert error.value.code == "CHECKPOINT_INVALID"
    assert finding.is_conclusive


@runs_in_a_loop
async def test_a_ledger_that_only_grows_leaves_no_evidence(tmp_path: Path) -> None:
    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        gateway(hub.world, "44", hub.client, tmp_path) as region,
    ):
        for _ in range(3):
            await region.submit(declared(hub.world, "44"))
            await region.checkpoints.advance()

    assert evidence_of(tmp_path) == {}


@runs_in_a_loop
async def test_an_inbox_refuses_a_head_that_contradicts_what_its_gateway_was_shown(tmp_path: Path) -> None:
    """A hub that shows its submitters one tree and its recipients another is caught by a region that is both."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        await hub.submit(notification(hub.world, "45", "44"))
        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            (first,) = [decode_run(run.data) async for run in hub.client.runs(PointId("44-node"), from_n=1)][:1]
            true = parse_checkpoint(first.checkpoint, hub.world.verifier)
            region.checkpoints.see(sign_checkpoint(replace(true, root=Hash(b"\2" * 32)), hub.world.log_signer))
            with pytest.raises(EvidenceError) as error:
                await receive(hub.world, "44", region, hub.client)
            stored = region.inbox_store.count()
        finding = kept(tmp_path, hub.world, "TWO_ROOTS")

    assert (error.value.code, stored) == ("CHECKPOINT_INVALID", 0)
    assert finding.is_conclusive


@pytest.mark.sqlite_file
@runs_in_a_loop
async def test_a_shorter_ledger_is_not_the_one_that_was_trusted(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "a.sqlite") as hub, HubServer(tmp_path / "b.sqlite", world=hub.world) as other:
        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            for _ in range(3):
                await region.submit(declared(hub.world, "44"))
            await region.checkpoints.advance()
        with pytest.raises(EvidenceError) as error:
            await gateway(hub.world, "44", other.client, tmp_path).start()
        finding = kept(tmp_path, hub.world, "LEDGER_SHORTER")

    assert error.value.code == "CONSISTENCY_INVALID"
    assert not finding.is_conclusive
