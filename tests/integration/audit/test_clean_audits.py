"""A ledger in which everything follows: the same counts from its folder, its export and its hub (DESIGN 2.8)."""

import asyncio
import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner

from adapters.cli.audit import audit_command
from adapters.cli.export import export_command
from adapters.compose.audit_reader import WHOLE
from adapters.compose.auditing import audit_in_two, run_audit, run_export
from adapters.store.folder_source import FolderSource
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from adapters.store.shelf import SpillingShelf
from adapters.store.store_shelf import StoreShelf
from hub.audit import Audit
from hub.audit_report import Report
from tests.support.divided_audit import reader_here
from tests.support.hub_server import HubServer
from tests.support.kept_ledger import KeptLedger
from tests.support.matters import declaration

KEYS: dict[str, type | tuple[type, ...]] = {
    "source": str,
    "vkey": str,
    "key_from_source": bool,
    "origin": str,
    "size": int,
    "root": str,
    "entries": int,
    "batches": int,
    "events": dict,
    "refusals": dict,
    "deliveries": dict,
    "openings": dict,
    "openings_without_task": dict,
    "missed_duties": dict,
    "heads": int,
    "payloads_named": int,
    "retention_unconfirmed": list,
    "payloads_held": (int, type(None)),
    "payloads_erased": (int, type(None)),
    "payloads_restricted": (int, type(None)),
    "checkpoints": int,
    "runs": (int, type(None)),
    "inboxes": (int, type(None)),
    "predecessor": (dict, type(None)),
    "not_checked": list,
    "unexplained": int,
    "problem": (dict, type(None)),
}


def derived(report: Report) -> dict[str, Any]:
    """What follows from the entries alone, whatever the source keeps beside them."""
    kept_beside = {
        "source",
        "payloads_held",
        "payloads_erased",
        "payloads_restricted",
        "checkpoints",
        "runs",
        "inboxes",
    }
    return {name: value for name, value in report.to_json().items() if name not in kept_beside}


def program() -> Typer:
    app = Typer()
    app.command("audit")(audit_command)
    app.command("export")(export_command)
    return app


@pytest.mark.sqlite_file
def test_folder_export_and_hub_give_the_same_counts(honest: KeptLedger, out: Path, kept: KeptLedger) -> None:
    async def over_grpc() -> Report:
        async with HubServer(kept.file, world=kept.world) as hub:
            return await asyncio.to_thread(run_audit, hub.address)

    folder, export, hub = run_audit(str(honest.folder)), run_audit(str(out)), asyncio.run(over_grpc())

    assert folder.problem is None
    assert derived(export) == derived(folder)
    assert derived(hub) == derived(folder)


@pytest.mark.sqlite_file
def test_the_counts_are_those_of_what_happened(honest: KeptLedger) -> None:
    report = run_audit(str(honest.folder))

    tally = report.tally
    assert tally.entries == report.size == len(honest.entries())
    assert tally.events["RegistrationDeclared"] == 31
    assert tally.refusals == {"EVENT_REPEATED": 1, "POSITION_CONFLICT": 1}
    assert tally.openings == {"45": 1}
    assert sum(tally.missed.values()) >= 1
    assert tally.heads >= 4
    assert tally.events["ErasureOrdered"] == 1
    assert report.payloads == (58, 1, 0)
    assert tally.payloads == 59
    assert report.payload_line() == "59 payloads: 58 held, 1 erased, 0 restricted, 0 unexplained"
    assert report.runs == honest.one("SELECT count(*) FROM delivery_runs")[0]
    assert report.checkpoints == honest.one("SELECT count(*) FROM checkpoints")[0]
    assert sum(tally.deliveries.values()) == honest.one("SELECT sum(count) FROM delivery_runs")[0]


@pytest.mark.parametrize("way", ["one process", "divided", "interrupted"])
@pytest.mark.parametrize("source", ["folder", "export"])
def test_memory_that_spills_to_disk_changes_nothing(
    honest: KeptLedger, out: Path, monkeypatch: pytest.MonkeyPatch, source: str, way: str, tmp_path: Path
) -> None:
    """The audit's memory is bounded: with room for a handful of matters and ids it derives the same."""
    named = str(honest.folder if source == "folder" else out)
    whole = run_audit(named)
    shelves: list[SpillingShelf] = []

    def small() -> SpillingShelf:
        shelves.append(SpillingShelf(max_matters=3, max_events=5))
        return shelves[-1]

    def small_over(store: LedgerStore) -> StoreShelf:
        shelf = StoreShelf(store, max_matters=3, max_events=5)
        shelves.append(shelf)
        return shelf

    monkeypatch.setattr("adapters.compose.local_source.SpillingShelf", small)
    monkeypatch.setattr("adapters.compose.local_source.StoreShelf", small_over)

    match way:
        case "one process":
            report: Report | None = run_audit(named, jobs=1)
        case "divided":
            report = audit_in_two(named, reader=reader_here)
        case _:
            interrupt_here(named, tmp_path / "state", monkeypatch)
            report = run_audit(named, resume=tmp_path / "state")

    assert report == whole
    assert not all(shelf.is_in_memory for shelf in shelves)


def interrupt_here(source: str, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Audit with a state, and stop at the first time of telling how far it is."""

    def stop(done: int, size: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hub.audit_pass._STEP", 300)
    with pytest.raises(KeyboardInterrupt):
        run_audit(source, resume=state, keep_every_seconds=0, progress=stop)
    assert state.exists()


def test_what_the_reader_of_a_divided_audit_passes_on_at_once_is_bounded(honest: KeptLedger) -> None:
    report = run_audit(str(honest.folder), jobs=1)

    with reader_here(str(honest.folder), report.size, report.vkey, WHOLE) as frames:
        *parts, _ = frames

    assert max(len(entries) for _, _, entries in parts) <= 1024
    assert sum(len(entries) for _, _, entries in parts) == report.size


def test_a_folder_is_named_by_any_of_its_three_names(honest: KeptLedger) -> None:
    reports = [run_audit(str(path)) for path in (honest.folder, honest.folder / "hub", honest.file)]

    assert [report.problem for report in reports] == [None, None, None]
    assert len({report.root for report in reports}) == 1


def test_a_bare_log_is_audited_too(out: Path, honest: KeptLedger) -> None:
    """What a web server shows is the log alone: the genesis record names the key."""
    report = run_audit(str(out / "log"))

    assert report.problem is None
    assert report.vkey == honest.world.verifier.vkey


def test_a_key_from_the_source_is_said_to_be_trusted_on_first_use(honest: KeptLedger) -> None:
    runner = CliRunner()

    trusting = runner.invoke(program(), ["audit", str(honest.folder)])
    knowing = runner.invoke(program(), ["audit", str(honest.folder), "--vkey", honest.world.verifier.vkey])

    assert "trusted on first use" in trusting.stdout
    assert "trusted on first use" not in knowing.stdout
    assert (trusting.exit_code, knowing.exit_code) == (0, 0)
    assert "0 unexplained" in trusting.stdout


def test_the_json_has_the_promised_fields(honest: KeptLedger, out: Path) -> None:
    runner = CliRunner()

    for source in (str(honest.folder), str(out)):
        result = runner.invoke(program(), ["audit", source, "--json"])

        told = json.loads(result.stdout)
        assert result.exit_code == 0
        assert {name: isinstance(told[name], kind) for name, kind in KEYS.items()} == dict.fromkeys(KEYS, True)
        assert set(told) == set(KEYS)
        assert told["unexplained"] == 0
        for counted in ("events", "refusals", "deliveries", "openings", "missed_duties"):
            assert sum(told[counted]["by"].values()) == told[counted]["total"]


@pytest.mark.sqlite_file
def test_the_json_of_a_problem_names_code_entry_place_and_reason(kept: KeptLedger) -> None:
    kept.change("UPDATE stored_events SET state=zeroblob(40) WHERE rowid=101")

    result = CliRunner().invoke(program(), ["audit", str(kept.folder), "--json"])

    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["unexplained"] == 1
    assert set(told["problem"]) == {"code", "entry", "place", "reason"}
    assert told["problem"]["entry"] == 100


@pytest.mark.parametrize("source", ["nowhere", "127.0.0.1:1", "."])
def test_a_source_that_cannot_be_read_ends_with_a_sentence_and_exit_2(tmp_path: Path, source: str) -> None:
    named = source if ":" in source else str(tmp_path / source)

    result = CliRunner().invoke(program(), ["audit", named])

    assert result.exit_code == 2
    assert re.search(r"\((SOURCE_UNKNOWN|PEER_UNAVAILABLE)\)", result.output.replace("\n", ""))
    assert "Traceback" not in result.output


@pytest.mark.sqlite_file
def test_a_file_that_is_no_database_ends_with_a_sentence_and_exit_2(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"no database" * 400)

    result = CliRunner().invoke(program(), ["audit", str(tmp_path)])

    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_a_wrong_key_of_the_auditor_is_a_finding(honest: KeptLedger, out: Path) -> None:
    other = "other.example+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"

    for source in (honest.folder, out):
        assert run_audit(str(source), vkey=vkey).problem is not None
        assert run_audit(str(source), vkey=other).problem is not None


@pytest.mark.sqlite_file
def test_a_hub_that_goes_on_writing_does_not_disturb_an_audit(kept: KeptLedger) -> None:
    """The audit is of the checkpoint that was the last one when it began."""
    world = kept.world
    with (
        closing(open_store(kept.file)) as store,
        closing(open_store(kept.file, read_only=True)) as reader,
        StoreShelf(reader) as shelf,
    ):
        application = world.load(store)
        size = store.size()
        source = FolderSource(reader, shelf)
        batch = world.batches["44"].batch([declaration(world, "44")], step=False)
        assert application.submit([batch])[0].refusal is None

        report = Audit(name="folder", source=source, rules=world.rules, shelf=shelf).run()

        assert report.problem is None
        assert (report.size, store.size()) == (size, size + 2)


def test_an_export_is_audited_by_the_command(kept: KeptLedger, tmp_path: Path) -> None:
    runner = CliRunner()

    exported = runner.invoke(program(), ["export", "--data", str(kept.folder), "--out", str(tmp_path / "new")])
    audited = runner.invoke(program(), ["audit", str(tmp_path / "new"), "--vkey", kept.world.verifier.vkey])

    assert (exported.exit_code, audited.exit_code) == (0, 0)
    assert run_export(kept.folder, tmp_path / "new").tiles == 0
