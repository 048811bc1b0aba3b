"""A hub's checkpoints are cosigned beside its traffic; what shows a checkpoint shows what came (LEDGER 8, 9)."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from adapters.compose.publishing import store_files
from adapters.compose.witness_program import WITNESS_FILE
from adapters.store.witness_store import WitnessStore
from adapters.web.follower import Follower, check_witnesses
from adapters.web.site import Site, plain
from contracts.errors import ContractError
from contracts.ids import Hash, LeafIndex, TreeSize
from hub import evidence
from ledger.checkpoint import Checkpoint, checkpoint_size, sign_checkpoint
from ledger.note import NoteVerifier
from ledger.policy import Policy, Witness
from ledger.proof import TlogProof, format_proof, parse_proof, verify_proof
from ledger.witness import AddCheckpoint, format_request, open_request
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer, until
from tests.support.matters import declaration, notification
from tests.support.witnesses import Installed, install, policy_of, running

pytestmark = pytest.mark.integration

NAMES = ("44-a", "45-b", "46-c")


@asynccontextmanager
async def following(hub: HubServer, policy: Policy, *, call_seconds: float = 5.0) -> AsyncIterator[Follower]:
    follower = Follower(hub.store, policy, call_seconds=call_seconds, round_seconds=2.0)
    job = asyncio.create_task(follower.run())
    try:
        yield follower
    finally:
        job.cancel()
        await asyncio.wait((job,))


@asynccontextmanager
async def witnesses(
    folder: Path, log: NoteVerifier, *, ml_dsa: Sequence[str] = ()
) -> AsyncIterator[list[tuple[str, NoteVerifier, str]]]:
    async with AsyncExitStack() as stack:
        rows = []
        for name in NAMES:
            installed = install(folder, name, [log], is_ml_dsa=name in ml_dsa)
            url = await stack.enter_async_context(running(installed))
            rows.append((name, installed.signers.grown.verifier, url))
        yield rows


async def quorum(hub: HubServer) -> None:
    await until(lambda: hub.store.witnessed_size() == hub.size)


@runs_in_a_loop
async def test_everything_that_shows_a_checkpoint_shows_its_cosignatures(tmp_path: Path) -> None:
    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        witnesses(tmp_path, hub.world.verifier, ml_dsa=("46-c",)) as rows,
    ):
        policy = policy_of(hub.world.verifier, rows, 3)
        made = declaration(hub.world, "44")
        await hub.submit([made])
        async with following(hub, policy):
            await quorum(hub)
            note = await hub.client.checkpoint()
            receipt = await hub.client.receipt(made.header.event_id)
            published = store_files(hub.store, policy).file("checkpoint")

    assert [name for name, _ in policy.verify(note).cosigned_at] == list(NAMES)
    assert published == note
    proof = parse_proof(format_proof(TlogProof(receipt.index, receipt.path, receipt.checkpoint, receipt.entry)))
    assert verify_proof(proof, receipt.entry, lambda data: policy.verify(data).checkpoint).size == checkpoint_size(note)


@runs_in_a_loop
async def test_a_receipt_with_three_cosignatures_is_below_one_and_a_half_kilobytes(tmp_path: Path) -> None:
    """The line that carries the entry apart."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub, witnesses(tmp_path, hub.world.verifier) as rows:
        for _ in range(3):
            await hub.submit(notification(hub.world, "44", "45"))
        policy = policy_of(hub.world.verifier, rows, 3)
        async with following(hub, policy):
            await quorum(hub)
            receipt = evidence.entry_receipt(hub.store, LeafIndex(hub.size - 1))

    file = format_proof(TlogProof(receipt.index, receipt.path, receipt.checkpoint, receipt.entry))
    policy.verify(receipt.checkpoint)
    extra = len(b"extra \n") + len(base64.b64encode(receipt.entry))
    # As it is here, and with the 19 hashes of a ledger of half a million entries.
    assert len(file) - extra < 1_000
    assert len(file) - extra + (19 - len(receipt.path)) * 45 < 1_500


@runs_in_a_loop
async def test_a_dead_and_a_slow_witness_delay_nothing(tmp_path: Path) -> None:
    """Traffic goes on, and the quorum of the others is reached."""

    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return plain(200, "")

    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        witnesses(tmp_path, hub.world.verifier) as rows,
        Site([("POST", "/add-checkpoint", slow)], address="127.0.0.1:0", max_body_bytes=1 << 20) as tar_pit,
    ):
        extra = [install(tmp_path, name, [hub.world.verifier]).signers.grown.verifier for name in ("50-d", "53-e")]
        dead = ("50-d", extra[0], "http://127.0.0.1:1")
        stuck = ("53-e", extra[1], f"http://{tar_pit.address}")
        policy = policy_of(hub.world.verifier, [*rows, dead, stuck], 3)
        async with following(hub, policy):
            for _ in range(5):
                await hub.submit([declaration(hub.world, "44")])
                await quorum(hub)
        names = hub.store.cosignatures(TreeSize(hub.size))

    assert set(names) == set(NAMES)


@runs_in_a_loop
async def test_without_a_quorum_everything_is_recorded_and_only_the_signatures_are_late(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        installed = install(tmp_path, "44-a", [hub.world.verifier])
        verifier = installed.signers.grown.verifier
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(running(installed))
            await hub.submit([declaration(hub.world, "44")])
            policy = policy_of(hub.world.verifier, [("44-a", verifier, url)], 1)
            async with following(hub, policy):
                await quorum(hub)
            first = hub.size
        # Now nobody is there.
        async with following(hub, policy, call_seconds=0.2):
            await hub.submit(notification(hub.world, "44", "45"))
            shown = store_files(hub.store, policy).file("checkpoint")
        assert checkpoint_size(shown) == first < hub.size
        installed = Installed(
            installed.settings.model_copy(update={"listen": url.removeprefix("http://")}), installed.signers
        )
        async with running(installed), following(hub, policy):
            await quorum(hub)


@runs_in_a_loop
async def test_a_witness_that_knows_another_history_does_not_cosign_this_one(tmp_path: Path) -> None:
    """Somebody showed the witness a fork that the ledger's own key had signed."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        installed = install(tmp_path, "44-a", [hub.world.verifier])
        fork = sign_checkpoint(
            Checkpoint(hub.world.verifier.name, TreeSize(hub.size - 1), Hash(bytes(32))),
            hub.world.log_signer,
        )
        with WitnessStore(installed.settings.data_dir / WITNESS_FILE) as store:
            body = format_request(AddCheckpoint(TreeSize(0), (), fork))
            opened = open_request(body, {hub.world.verifier.name: [hub.world.verifier]})
            store.advance(opened, lambda text: installed.signers.grown.line(text, seconds=1), 1)
        async with running(installed) as url:
            policy = policy_of(hub.world.verifier, [("44-a", installed.signers.grown.verifier, url)], 1)
            async with following(hub, policy):
                await hub.submit([declaration(hub.world, "44")])
                await until(lambda: "CONSISTENCY_INVALID" in _kept(installed))

        assert hub.store.cosignatures(TreeSize(hub.size)) == {}


def _kept(installed: Installed) -> set[str]:
    with WitnessStore(installed.settings.data_dir / WITNESS_FILE) as store:
        return {row.code for row in store.evidence()}


@pytest.mark.parametrize("answer", ["junk", "", "\u2014 x.example AAAAAAA=\n", "\u2014 x AAAA\n\n\u2014 x AAAA\n"])
@runs_in_a_loop
async def test_an_answer_that_is_no_cosignature_is_not_kept(tmp_path: Path, answer: str) -> None:
    asked = asyncio.Event()

    async def odd(request: web.Request) -> web.StreamResponse:
        asked.set()
        return plain(200, answer)

    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        Site([("POST", "/add-checkpoint", odd)], address="127.0.0.1:0", max_body_bytes=1 << 20) as site,
    ):
        verifier = install(tmp_path, "44-a", [hub.world.verifier]).signers.grown.verifier
        policy = policy_of(hub.world.verifier, [("44-a", verifier, f"http://{site.address}")], 1)
        async with following(hub, policy):
            await asyncio.wait_for(asked.wait(), 10)
            await hub.submit([declaration(hub.world, "44")])

        assert hub.store.cosignatures(TreeSize(hub.size)) == {}
        assert hub.store.witnessed_size() is None


def test_who_runs_a_ledger_is_none_of_its_witnesses(tmp_path: Path) -> None:
    key = install(tmp_path, "44-a", []).signers.grown.verifier

    def policy(name: str) -> Policy:
        return Policy((), (Witness(name, key),), (), "none")

    check_witnesses(policy("44-a"), "45")
    for name, operator in (("44-a", "44"), ("00-hub", "00"), ("nobody", "44"), ("4-a", "45"), ("\u0664\u0664-a", "45")):
        with pytest.raises(ContractError, match="SETTINGS_INVALID"):
            check_witnesses(policy(name), operator)
