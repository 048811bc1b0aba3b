"""The hub's own key is replaced: audits of all kinds follow, regions cross over, either key is refused out of its time.

ADR 0067; docs/spec/replay.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose import hub_key_rolls
from adapters.compose.audit_evidence import audit_evidence
from adapters.compose.auditing import audit_in_two, run_audit, run_export
from adapters.compose.folder import DataFolder
from adapters.compose.hub_program import create_ledger, opened_hub
from adapters.keys import rotation
from adapters.settings import DEPLOY, HubSettings
from adapters.store.opening import open_store
from contracts.errors import FatalError
from contracts.ids import KeyId
from contracts.schema import load_registry
from contracts.signing import key_id, sign
from docs.spec.reference.audit import Contracts, audit
from docs.spec.reference.unproved import UnprovedError
from hub.hub_keys import HUB_KEY_REPLACED, PURPOSE
from hub.own_batch import HubDraft
from ledger.claim import verify_evidence
from ledger.entry import BatchEntry, decode_entry, encode_batch_entry
from tests.support.async_tests import runs_in_a_loop
from tests.support.divided_audit import reader_here
from tests.support.hub_keys import NEXT_HUB_KEY, replace_hub_key, replacement
from tests.support.hub_server import HubServer, until
from tests.support.kept_ledger import KeptLedger, forge
from tests.support.matters import notification
from tests.support.region import declared, gateway
from tests.support.world import World

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
THIRD = Ed25519PrivateKey.from_private_bytes((46).to_bytes(32, "big"))


def id_of(key: Ed25519PrivateKey) -> KeyId:
    return KeyId(key_id(PURPOSE, key.public_key().public_bytes_raw()))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> KeptLedger:
    """A ledger whose hub made batches under three keys."""
    world, folder = World(), tmp_path_factory.mktemp("replaced") / "data"
    (folder / "hub").mkdir(parents=True)
    with closing(open_store(folder / "hub" / "ledger.sqlite")) as store:
        world.found(store)
        application = world.load(store, next_hub_key=NEXT_HUB_KEY)
        made = notification(world, "44", "45")
        for one in made[:2]:
            application.submit([world.batches[one.region].batch([one])])
        replace_hub_key(application, world.hub_key)
        application.publish_heads()
        for one in made[2:]:
            application.submit([world.batches[one.region].batch([one])])
        with pytest.raises(FatalError, match="HUB_KEY_MISSING"):
            world.load(store)
        world.hub_key, before = NEXT_HUB_KEY, world.hub_key
        application = world.load(store, next_hub_key=THIRD)
        application.record([HubDraft(HUB_KEY_REPLACED, "DIRECTORY", replacement(NEXT_HUB_KEY, THIRD))])
        application.publish_heads()
        world.hub_key = before
    return KeptLedger(world, folder, made[1])


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return Contracts.of(ROOT / "contracts")


def hub_batches(entries: list[bytes]) -> list[tuple[int, BatchEntry]]:
    """Index and value of the batches under the keys that followed the first one."""
    found = [(at, entry) for at, data in enumerate(entries) if isinstance(entry := decode_entry(data), BatchEntry)]
    names = {id_of(key) for key in (NEXT_HUB_KEY, THIRD)}
    return [(at, entry) for at, entry in found if entry.key_id in names]


def test_every_reader_follows_three_keys(kept: KeptLedger, tmp_path: Path, contracts: Contracts) -> None:
    run_export(kept.folder, tmp_path / "out")
    for source in (kept.folder, tmp_path / "out"):
        for hashes_only in (False, True):
            assert run_audit(str(source), jobs=1, hashes_only=hashes_only).problem is None
            assert audit_in_two(str(source), reader=reader_here, hashes_only=hashes_only) is not None
    found = audit(tmp_path / "out", contracts)

    assert found.events[HUB_KEY_REPLACED] == 2
    assert {entry.key_id for _, entry in hub_batches(kept.entries())} == {id_of(NEXT_HUB_KEY), id_of(THIRD)}


def test_an_interrupted_audit_goes_on_behind_a_replacement(kept: KeptLedger, tmp_path: Path) -> None:
    state = tmp_path / "state"

    def stopped(done: int, size: int) -> None:
        if state.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_audit(str(kept.folder), resume=state, keep_every_seconds=0, progress=stopped)
    assert state.exists()
    assert run_audit(str(kept.folder), resume=state, keep_every_seconds=0).problem is None


def signed_again(entries: list[bytes], at: int, entry: BatchEntry, key: Ed25519PrivateKey) -> list[bytes]:
    """A batch of the hub under another of its keys."""
    other = entry._replace(key_id=id_of(key), signature=sign(key, entry.tbs))
    return [*entries[:at], encode_batch_entry(other), *entries[at + 1 :]]


def by_the_replaced_key(world: World, entries: list[bytes]) -> tuple[int, list[bytes]]:
    at, entry = hub_batches(entries)[0]
    return at, signed_again(entries, at, entry, world.hub_key)


def by_a_key_that_comes_later(world: World, entries: list[bytes]) -> tuple[int, list[bytes]]:
    at, entry = hub_batches(entries)[0]
    return at, signed_again(entries, at, entry, THIRD)


Lie = Callable[[World, list[bytes]], tuple[int, list[bytes]]]


@pytest.mark.parametrize(
    ("lie", "code", "claim"),
    [
        (by_the_replaced_key, "KEY_REVOKED", "KEY_REVOKED"),
        (by_a_key_that_comes_later, "KEY_UNKNOWN", "ENTRY_UNEXPLAINED"),
    ],
)
def test_a_batch_under_another_of_the_hubs_keys_is_named_and_shown(
    kept: KeptLedger, tmp_path: Path, contracts: Contracts, lie: Lie, code: str, claim: str
) -> None:
    at, entries = lie(kept.world, kept.entries())
    forged = forge(kept, tmp_path / "forged", entries)
    run_export(forged.folder, tmp_path / "out")

    for hashes_only in (False, True):
        problem = run_audit(str(forged.folder), hashes_only=hashes_only).problem
        assert problem is not None
        assert (problem.index, problem.code) == (at, code)
    with pytest.raises(UnprovedError, match=f"^log/tile/entries/.*: entry {at}: "):
        audit(tmp_path / "out", contracts)
    files = audit_evidence(run_audit(str(forged.folder)))
    registry = load_registry()
    shown = [
        verify_evidence(file, log=kept.world.verifier, read_body=lambda b: registry.decode_body(b)[1]) for file in files
    ]
    assert claim in [one.claim for one in shown]


@runs_in_a_loop
async def test_a_region_follows_and_one_that_was_away_catches_up(tmp_path: Path) -> None:
    """What the hub records after its replacement is believed by who was there, and by who reads all of it at once."""
    async with HubServer(tmp_path / "ledger.sqlite", next_hub_key=NEXT_HUB_KEY) as hub:
        world = hub.world

        async def change() -> None:
            await hub.sequencer.call(lambda: replace_hub_key(hub.application, world.hub_key))
            await hub.sequencer.call(lambda: hub.application.record([world.revocation("43")]))

        async with gateway(world, "44", hub.client, tmp_path) as there:
            await change()
            await until(lambda: there.replica.through >= hub.size)
            assert (await there.submit(declared(world, "44"))).index is not None
        async with gateway(world, "45", hub.client, tmp_path) as late:
            keys = [key.key_id for key in late.replica.directory.hub_keys.keys]

    assert keys == [id_of(world.hub_key), id_of(NEXT_HUB_KEY)]


# -- the verb

RUNNER = CliRunner()


def replaced(folder: Path, code: int = 0) -> dict[str, Any]:
    done = RUNNER.invoke(app, ["keys", "replace-hub", "--data", str(folder), "--json"])
    assert done.exit_code == code, done.output
    found: dict[str, Any] = json.loads(done.output.splitlines()[-1])
    return found


def key_files(folder: DataFolder) -> list[str]:
    return sorted(path.name for path in (folder.hub / "keys").glob("hub-events*"))


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    settings = HubSettings.load(DEPLOY / "hub.toml", data_dir=folder.hub)
    create_ledger(settings)
    folder.write_hub(settings)
    return folder


def test_the_verb_replaces_the_key_and_destroys_the_earlier_one(data: DataFolder) -> None:
    first, second = replaced(data.root), replaced(data.root)

    assert first["key_id"] != second["key_id"]
    assert second["index"] == second["since"] > first["since"]
    assert key_files(data) == ["hub-events.key"]
    assert run_audit(str(data.root)).problem is None


def stop_at(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop behind the making of the key, before it is moved, or before the earlier one is destroyed."""
    made, dropped = rotation.make_next, rotation.drop_earlier

    def make_next(*arguments: Any) -> Any:
        made(*arguments)
        raise KeyboardInterrupt

    def switch(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    def drop_earlier(folder: Path, role: str) -> list[str]:
        if any(len(path.name) > len("hub-events.next.key") for path in folder.glob("hub-events.*.key")):
            raise KeyboardInterrupt
        return dropped(folder, role)

    monkeypatch.setattr(hub_key_rolls, step, {"make_next": make_next, "switch": switch}.get(step, drop_earlier))


@pytest.mark.parametrize("step", ["make_next", "switch", "drop_earlier"])
def test_a_stop_in_the_verb_leaves_a_hub_that_starts_and_the_verb_goes_on(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patch:
        stop_at(step, patch)
        with pytest.raises(KeyboardInterrupt):
            hub_key_rolls.replace_hub_key(data.hub_settings())
    with opened_hub(data.hub_settings()) as application:
        application.record([HubDraft("RegionRegistered", "DIRECTORY", {"region": "44"})])
        before = application.directory.hub_keys.in_use
    told = replaced(data.root)

    assert before is not None
    assert (told["index"] is None, told["key_id"] == before.key_id.hex()) == ((True, True), (False, False))[
        step == "make_next"
    ]
    assert key_files(data) == ["hub-events.key"]
    assert run_audit(str(data.root)).problem is None
