"""The same ledger on PostgreSQL: whatever reads it finds what it finds in a file, down to the root."""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.audit_jobs import reader_process
from adapters.compose.auditing import audit_in_two, run_audit, run_export
from adapters.compose.backups import run_backup
from adapters.compose.checking import check_ledger, repair_ledger
from adapters.compose.day_replaying import replay_to
from adapters.compose.projecting import rebuild
from adapters.compose.publishing import LedgerProgram
from adapters.settings import PublishSettings
from adapters.store.folder_source import FolderSource
from adapters.store.opening import LEDGER_FILE, open_store
from adapters.store.store_shelf import StoreShelf
from contracts.errors import ConflictError
from hub.audit import Audit
from hub.day_replay import By
from tests.integration.audit.test_backups import bytes_of
from tests.integration.audit.test_clean_audits import derived, interrupt_here
from tests.support.divided_audit import audited_both_ways
from tests.support.hub_keys import NEXT_HUB_KEY
from tests.support.hub_server import HubServer
from tests.support.kept_ledger import KeptLedger, make_ledger
from tests.support.ledger_places import LedgerPlaces, run_sql
from tests.support.log_keys import NEXT
from tests.support.matters import declaration
from tests.support.postgres_server import PostgresServer
from tests.support.small_ledger import make_small_ledger

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def there(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> KeptLedger:
    """The honest ledger once more, in a database; nobody may change it."""
    made = make_ledger(tmp_path_factory.mktemp("there") / "data", places=LedgerPlaces(postgres_server))
    for chain in made.world.batches.values():
        chain.is_shared = True
    return made


@pytest.fixture
def small(postgres_server: PostgresServer, tmp_path: Path) -> KeptLedger:
    """A small ledger in a database, to be written to."""
    return make_small_ledger(tmp_path / "small", places=LedgerPlaces(postgres_server))


@pytest.mark.parametrize("hashes_only", [False, True])
def test_one_process_and_two_halves_report_what_they_report_of_a_file(
    honest: KeptLedger, there: KeptLedger, hashes_only: bool
) -> None:
    of_file = run_audit(str(honest.folder), jobs=1, hashes_only=hashes_only)

    report = audited_both_ways(str(there.folder), hashes_only=hashes_only)

    assert report.problem is None
    assert replace(report, source="") == replace(of_file, source="")


def test_the_second_process_of_an_audit_opens_the_same_place(there: KeptLedger) -> None:
    alone = run_audit(str(there.folder), jobs=1)

    assert audit_in_two(str(there.folder), reader=reader_process) == alone
    assert run_audit(str(there.place), jobs=1).root == alone.root


def test_an_interrupted_audit_goes_on(there: KeptLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_audit(str(there.folder), jobs=1)
    interrupt_here(str(there.folder), tmp_path / "state", monkeypatch)

    assert run_audit(str(there.folder), resume=tmp_path / "state") == whole


def test_the_verb_audits_a_place_without_being_told_where_it_is(there: KeptLedger) -> None:
    said = CliRunner().invoke(app, ["audit", str(there.folder), "--json"])

    assert said.exit_code == 0
    assert json.loads(said.stdout)["problem"] is None


def test_a_hub_on_it_answers_an_audit_over_the_network(there: KeptLedger, honest: KeptLedger) -> None:
    async def over_grpc() -> dict[str, object]:
        async with HubServer(there.place, world=there.world) as hub:
            return derived(await asyncio.to_thread(run_audit, hub.address))

    assert asyncio.run(over_grpc()) == derived(run_audit(str(honest.folder)))


def test_its_export_is_that_of_the_file(there: KeptLedger, honest_export: Path, tmp_path: Path) -> None:
    run_export(there.folder, tmp_path / "out")

    assert digests_of(tmp_path / "out") == digests_of(honest_export)
    assert run_audit(str(tmp_path / "out")).problem is None
    assert run_export(there.folder, tmp_path / "out").tiles == 0


def digests_of(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_it_is_published_as_the_file_is(there: KeptLedger) -> None:
    async def published() -> dict[str, object]:
        settings = PublishSettings(source=there.folder, listen="127.0.0.1:0")
        async with LedgerProgram(settings) as program:
            return derived(await asyncio.to_thread(run_audit, f"http://{program.address}"))

    assert asyncio.run(published())["root"] == run_audit(str(there.folder)).root


def test_replays_and_projections_are_those_of_the_file(honest: KeptLedger, there: KeptLedger) -> None:
    at_ms = honest.world.clock.now_ms()

    for by in (By.RECORDED, By.OCCURRED):
        found = replay_to(there.folder, at_ms, by, office=None, stream_id=None)
        assert found == replay_to(honest.folder, at_ms, by, office=None, stream_id=None) != []
    assert rebuild(there.folder) == rebuild(honest.folder)


def test_a_check_derives_everything_again_and_finds_no_damage(there: KeptLedger, tmp_path: Path) -> None:
    run_export(there.folder, tmp_path / "out")

    checked = check_ledger(there.folder, tmp_path / "out")

    assert (checked.damages, checked.count) == ((), 0)
    assert checked.size == len(there.entries())


def test_nothing_is_repaired_while_a_hub_runs(small: KeptLedger) -> None:
    run_sql(small.place, "DELETE FROM heads")
    with closing(open_store(small.place)), pytest.raises(ConflictError, match="FOLDER_IN_USE"):
        repair_ledger(small.folder)

    assert run_sql(small.place, "SELECT * FROM heads") == []
    assert repair_ledger(small.folder).repaired == 1


@pytest.mark.sqlite_file
def test_a_backup_is_a_file_without_keys_that_needs_no_server(there: KeptLedger, tmp_path: Path) -> None:
    whole = run_audit(str(there.folder))

    done = run_backup(there.folder, tmp_path / "backup")

    held = bytes_of(tmp_path / "backup")
    keys = [enc for (enc,) in run_sql(there.place, "SELECT enc FROM wrapped_keys")]
    assert len(keys) > 50
    assert not [key for key in keys if key in held]
    assert (tmp_path / "backup" / "hub" / LEDGER_FILE).is_file()
    report = audited_both_ways(str(tmp_path / "backup"))
    assert report.problem is None
    assert report.payload_line() == whole.payload_line()
    assert (report.size, report.root) == (whole.size, whole.root) == (done.size, done.root)


def test_a_hub_that_goes_on_writing_does_not_disturb_an_audit(small: KeptLedger) -> None:
    world = small.world
    with (
        closing(open_store(small.place)) as store,
        closing(open_store(small.place, read_only=True)) as reader,
        StoreShelf(reader) as shelf,
    ):
        application = world.load(store, next_signer=NEXT, next_hub_key=NEXT_HUB_KEY)
        size, source = store.size(), FolderSource(reader, shelf)
        assert application.submit([world.batches["45"].batch([declaration(world, "45")])])[0].refusal is None

        report = Audit(name="folder", source=source, rules=world.rules, shelf=shelf).run()

        assert (report.problem, report.size, store.size()) == (None, size, size + 2)
