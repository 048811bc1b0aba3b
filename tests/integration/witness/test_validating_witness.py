"""A witness that validates cosigns with its second key only what it has replayed itself (LEDGER 8)."""

from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from adapters.compose.publishing import LedgerProgram
from adapters.settings import PublishSettings
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from contracts.ids import TreeSize
from hub import evidence
from ledger.checkpoint import checkpoint_size
from ledger.note import add_lines, parse_note
from ledger.witness import AddCheckpoint, format_request
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer
from tests.support.kept_ledger import KeptLedger, forge, make_ledger
from tests.support.matters import declaration, notification
from tests.support.witnesses import Installed, install, running

pytestmark = pytest.mark.integration


def request(store: LedgerStore, old: int) -> AddCheckpoint:
    note = store.checkpoint()
    assert note is not None
    size = checkpoint_size(note)
    return AddCheckpoint(TreeSize(old), evidence.consistency(store, TreeSize(old), size), note)


async def cosigners(url: str, installed: Installed, asked: AddCheckpoint, kept: KeptLedger | HubServer) -> list[str]:
    """Names of the good lines of an answer."""
    async with (
        aiohttp.ClientSession(url) as session,
        session.post("/add-checkpoint", data=format_request(asked)) as answer,
    ):
        assert answer.status == 200
        lines = await answer.read()
    keys = [kept.world.verifier, installed.signers.grown.verifier, installed.signers.validated.verifier]
    return [one.verifier.name for one in parse_note(add_lines(asked.checkpoint, [lines]), keys).verified[1:]]


@runs_in_a_loop
async def test_a_sound_ledger_gets_both_cosignatures_checkpoint_after_checkpoint(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        installed = install(tmp_path, "44-v", [hub.world.verifier], validate=hub.address)
        async with running(installed) as url:
            old = 0
            for events in ([declaration(hub.world, "44")], notification(hub.world, "44", "45")):
                await hub.submit(events)
                asked = request(hub.store, old)
                assert await cosigners(url, installed, asked, hub) == [
                    "44-v.witness.example",
                    "44-v.witness.example/validated",
                ]
                old = hub.size


@runs_in_a_loop
async def test_a_ledger_that_only_grows_but_does_not_follow_gets_the_first_one_alone(tmp_path: Path) -> None:
    honest = make_ledger(tmp_path / "honest", matters=3)
    entries = honest.entries()
    # A batch whose event was left out by the hub, with tiles and checkpoint that fit.
    del entries[-2]
    forged = forge(honest, tmp_path / "forged", entries)
    settings = PublishSettings.load(None, source=forged.folder, listen="127.0.0.1:0")
    async with LedgerProgram(settings) as ledger:
        installed = install(tmp_path, "44-v", [honest.world.verifier], validate=f"http://{ledger.address}")
        with closing(open_store(forged.file, read_only=True)) as store:
            async with running(installed) as url:
                asked = request(store, 0)
                assert await cosigners(url, installed, asked, honest) == ["44-v.witness.example"]
                again = request(store, store.size())
                assert await cosigners(url, installed, again, honest) == ["44-v.witness.example"]


@runs_in_a_loop
async def test_a_source_that_is_away_leaves_the_first_cosignature(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        installed = install(tmp_path, "44-v", [hub.world.verifier], validate="http://127.0.0.1:1")
        async with running(installed) as url:
            asked = request(hub.store, 0)

            assert await cosigners(url, installed, asked, hub) == ["44-v.witness.example"]
