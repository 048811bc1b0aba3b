"""The quick audit: hashes, signatures, chains and checkpoints; its report says what it left out (LEDGER 3 to 5)."""

import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from adapters.cli.audit import audit_command
from adapters.cli.export import export_command
from adapters.compose.auditing import run_audit
from adapters.store.folder_source import FolderSource
from adapters.store.tiles_source import TilesSource
from contracts.event import class_of, decode_event
from contracts.ids import HUB_REGION
from hub.audit_hashes import NOT_CHECKED
from hub.audit_report import Problem
from hub.tally import UNREAD
from ledger.entry import BatchEntry, decode_entry, encode_batch_entry, event_of
from tests.support.divided_audit import audited_both_ways
from tests.support.kept_ledger import KeptLedger, forge


def program() -> Typer:
    app = Typer()
    app.command("audit")(audit_command)
    app.command("export")(export_command)
    return app


def problem_of(folder: Path) -> Problem:
    """What the quick audit of a folder finds; divided it finds something too."""
    problem = audited_both_ways(str(folder), hashes_only=True).problem
    assert problem is not None
    return problem


@pytest.mark.parametrize("source", ["folder", "export"])
def test_an_honest_ledger_has_the_same_root_and_counts(honest: KeptLedger, honest_export: Path, source: str) -> None:
    named = str(honest.folder if source == "folder" else honest_export)
    whole = run_audit(named)

    quick = run_audit(named, hashes_only=True)

    assert quick.problem is None
    assert (quick.root, quick.size, quick.checkpoints) == (whole.root, whole.size, whole.checkpoints)
    assert (quick.tally.entries, quick.tally.batches) == (whole.tally.entries, whole.tally.batches)
    assert quick.tally.refusals == whole.tally.refusals
    assert quick.tally.events == {UNREAD: sum(whole.tally.events.values())}
    beside = FolderSource.only_replayed if source == "folder" else TilesSource.only_replayed
    assert (quick.not_checked, whole.not_checked) == ((*NOT_CHECKED, *beside), ())


def test_the_report_says_plainly_what_was_not_checked(honest: KeptLedger) -> None:
    people = CliRunner().invoke(program(), ["audit", str(honest.folder), "--hashes-only"])
    machines = CliRunner().invoke(program(), ["audit", str(honest.folder), "--hashes-only", "--json", "--projections"])

    assert "projections" not in json.loads(machines.stdout)
    assert people.exit_code == machines.exit_code == 0
    assert "Hashes, signatures and checkpoints only. Not checked:" in people.stdout
    assert "the state of their matter" in " ".join(people.stdout.split())
    assert json.loads(machines.stdout)["not_checked"] == [*NOT_CHECKED, *FolderSource.only_replayed]


@pytest.mark.sqlite_file
@pytest.mark.parametrize("at", [0, 30, -1])
def test_a_changed_byte_of_an_entry_is_named(kept: KeptLedger, at: int) -> None:
    entry = bytearray(kept.entries()[200])
    entry[at] ^= 1
    kept.change("UPDATE stored_events SET state=? WHERE rowid=201", bytes(entry))

    problem = problem_of(kept.folder)

    assert (problem.index, problem.code) == (200, "TILE_INVALID")


@pytest.mark.sqlite_file
def test_a_removed_entry_is_named(kept: KeptLedger) -> None:
    kept.change("DELETE FROM stored_events WHERE rowid=201")

    assert problem_of(kept.folder).index == 200


@pytest.mark.sqlite_file
def test_a_changed_checkpoint_is_named(kept: KeptLedger) -> None:
    kept.change(
        "UPDATE checkpoints SET note=zeroblob(200) WHERE size=(SELECT min(size) FROM checkpoints WHERE size>99)"
    )

    assert (problem_of(kept.folder).place or "").startswith("checkpoints")


@pytest.mark.sqlite_file
@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE producers SET next_seq=next_seq+1 WHERE producer='44-node'", "producers 44-node"),
        ("DELETE FROM directory_log WHERE idx=(SELECT max(idx) FROM directory_log)", "directory_log"),
    ],
)
def test_what_is_kept_of_chains_and_of_the_directory_is_compared(kept: KeptLedger, statement: str, place: str) -> None:
    kept.change(statement)

    assert problem_of(kept.folder).place == place


def last_batch(entries: list[bytes]) -> tuple[int, BatchEntry]:
    """The last batch of a province whose first event was accepted."""
    for index in range(len(entries) - 2, 0, -1):
        batch, event = decode_entry(entries[index]), event_of(entries[index + 1])
        if isinstance(batch, BatchEntry) and event is not None and decode_event(event).producer_region != HUB_REGION:
            return index, batch
    raise AssertionError("there is no such batch")


def test_a_signature_that_does_not_hold_is_named_in_a_ledger_signed_anew(honest: KeptLedger, tmp_path: Path) -> None:
    entries = honest.entries()
    index, batch = last_batch(entries)
    entries[index] = encode_batch_entry(batch._replace(signature=bytes(64)))

    problem = problem_of(forge(honest, tmp_path / "forged", entries).folder)

    assert (problem.index, problem.code) == (index, "SIGNATURE_INVALID")


def test_a_key_that_the_directory_never_named_is_named(honest: KeptLedger, tmp_path: Path) -> None:
    entries = honest.entries()
    index, batch = last_batch(entries)
    entries[index] = encode_batch_entry(batch._replace(key_id=type(batch.key_id)(bytes(8))))

    problem = problem_of(forge(honest, tmp_path / "forged", entries).folder)

    assert (problem.index, problem.code) == (index, "KEY_UNKNOWN")


def test_events_that_change_places_are_named(honest: KeptLedger, tmp_path: Path) -> None:
    entries = honest.entries()
    first = next(
        i for i in range(100, len(entries)) if event_of(entries[i]) is not None and event_of(entries[i + 1]) is not None
    )
    entries[first : first + 2] = entries[first + 1], entries[first]

    problem = problem_of(forge(honest, tmp_path / "forged", entries).folder)

    assert problem.code == "ENTRY_UNEXPLAINED"
    assert "signed root" in problem.reason


def test_an_event_that_is_left_out_is_named(honest: KeptLedger, tmp_path: Path) -> None:
    entries = honest.entries()
    index, _ = last_batch(entries)
    del entries[index + 1]

    assert problem_of(forge(honest, tmp_path / "forged", entries).folder).index is not None


def test_the_class_of_an_event_is_read_without_the_rest(honest: KeptLedger) -> None:
    events = [event for event in map(event_of, honest.entries()) if event is not None]

    assert [class_of(event) for event in events] == [decode_event(event).event_class for event in events]
    assert class_of(b"") is class_of(events[0][:20]) is class_of(events[0][:50]) is None
