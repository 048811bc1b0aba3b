"""A backup holds ledger and ciphertext and no key, and is audited as what it is (DOMAIN 7.3)."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.auditing import run_audit
from adapters.compose.backups import run_backup
from adapters.compose.folder import DataFolder
from contracts.errors import ConflictError, RuleError, UnavailableError
from tests.support.canary_run import write_keys
from tests.support.divided_audit import audited_both_ways
from tests.support.kept_ledger import KeptLedger, opening
from tests.support.matters import notification, residence
from tests.support.order_matters import erasure_order_of
from tests.support.timed_ledger import TimedLedger

pytestmark = pytest.mark.sqlite_file


def bytes_of(folder: Path) -> bytes:
    """Every byte of every file below a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def wrapped_keys(file: Path) -> list[bytes]:
    with closing(sqlite3.connect(file)) as db:
        return [enc for (enc,) in db.execute("SELECT enc FROM wrapped_keys")]


def test_no_key_is_in_any_byte_and_the_audit_explains_every_payload(kept: KeptLedger, tmp_path: Path) -> None:
    write_keys(kept.world, DataFolder(kept.folder))
    keys, out = wrapped_keys(kept.file), tmp_path / "backup"
    files = [path.read_bytes() for path in kept.folder.rglob("*.key")]
    whole = run_audit(str(kept.folder))

    done = run_backup(kept.folder, out)

    held = bytes_of(out)
    assert len(keys) > 50
    assert len(files) > 10
    assert not [key for key in (*keys, *files) if key in held]
    assert wrapped_keys(out / "hub" / "ledger.sqlite") == []
    report = audited_both_ways(str(out))
    assert report.problem is None
    assert report.payload_line() == whole.payload_line()
    assert (report.size, report.root) == (whole.size, whole.root) == (done.size, done.root)
    assert [what for what in report.not_checked if "key" in what]
    assert sorted(path.name for path in out.iterdir()) == ["RESTORE.md", "backup.json", "hub"]


def test_the_verb_writes_a_manifest_and_never_over_something(kept: KeptLedger, tmp_path: Path) -> None:
    out = tmp_path / "backup"
    arguments = ["backup", "--data", str(kept.folder), "--out", str(out), "--json"]

    told = json.loads(CliRunner().invoke(app, arguments).stdout)
    again = CliRunner().invoke(app, arguments)
    audited = CliRunner().invoke(app, ["audit", str(out)])

    manifest = json.loads((out / "backup.json").read_bytes())
    assert {name: manifest[name] for name in ("origin", "size", "root", "sha256")} == {
        name: told[name] for name in ("origin", "size", "root", "sha256")
    }
    assert "wrapped content keys" in manifest["left_out"]
    assert "FOLDER_NOT_EMPTY" in again.output
    assert "0 unexplained, of what was checked" in audited.output
    assert "copy without keys" in audited.output
    with pytest.raises(ConflictError):
        run_backup(kept.folder, out)
    with pytest.raises(UnavailableError):
        run_backup(tmp_path / "nothing", tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("INSERT INTO wrapped_keys SELECT id, 'o00000000', x'00', x'00' FROM payloads LIMIT 1", "wrapped_keys"),
        ("UPDATE payloads SET envelope=zeroblob(length(envelope)) WHERE id=(SELECT min(id) FROM payloads)", "payloads"),
        ("DELETE FROM payloads WHERE id=(SELECT max(id) FROM payloads)", "payloads"),
    ],
)
def test_what_is_wrong_with_a_backup_is_named(kept: KeptLedger, tmp_path: Path, statement: str, place: str) -> None:
    run_backup(kept.folder, tmp_path / "backup")
    with closing(sqlite3.connect(tmp_path / "backup" / "hub" / "ledger.sqlite")) as db:
        assert db.execute(statement).rowcount == 1
        db.commit()

    problem = audited_both_ways(str(tmp_path / "backup")).problem

    assert problem is not None
    assert (problem.code, problem.place) == ("PAYLOAD_INVALID", place)


def test_a_backup_of_a_hub_that_goes_on_is_of_one_commit(tmp_path: Path) -> None:
    """Batches are recorded while the copy is made; what it holds is what a checkpoint signs."""
    (tmp_path / "data" / "hub").mkdir(parents=True)
    ledger = TimedLedger(tmp_path / "data" / "hub" / "ledger.sqlite")
    stop, recorded = threading.Event(), 0

    def record() -> None:
        nonlocal recorded
        while not stop.is_set():
            ledger.record(*residence(ledger.world, "44"), *notification(ledger.world))
            recorded += 1

    writer = threading.Thread(target=record)
    writer.start()
    try:
        sizes = [run_backup(tmp_path / "data", tmp_path / f"backup {number}").size for number in range(3)]
    finally:
        stop.set()
        writer.join()

    assert recorded > 0
    assert sizes == sorted(sizes)
    for number, size in enumerate(sizes):
        report = run_audit(str(tmp_path / f"backup {number}"))
        assert (report.problem, report.size) == (None, size)
    ledger.finish()


def test_a_hub_on_a_restored_backup_goes_on_and_opens_nothing_from_before(tmp_path: Path) -> None:
    """RESTORE.md, points 2 and 3: what comes later has its keys, and the audit asks for them."""
    (tmp_path / "data" / "hub").mkdir(parents=True)
    ledger = TimedLedger(tmp_path / "data" / "hub" / "ledger.sqlite")
    world, before, later = ledger.world, notification(ledger.world)[:2], notification(ledger.world)[:2]
    ledger.record(*before)
    run_backup(tmp_path / "data", tmp_path / "backup")
    ledger.finish()
    restored = TimedLedger(tmp_path / "backup" / "hub" / "ledger.sqlite", world)

    with pytest.raises(RuleError) as lost:
        restored.application.open_payload(opening(world, before[1]))
    restored.record(*later)
    restored.application.open_payload(opening(world, later[1]))
    restored.store.close()

    assert lost.value.code == "PAYLOAD_UNKNOWN"
    assert len(wrapped_keys(tmp_path / "backup" / "hub" / "ledger.sqlite")) == 2
    assert run_audit(str(tmp_path / "backup")).problem is None
    with closing(sqlite3.connect(tmp_path / "backup" / "hub" / "ledger.sqlite")) as db:
        db.execute("DELETE FROM wrapped_keys WHERE office=(SELECT min(office) FROM wrapped_keys)")
        db.commit()
    problem = run_audit(str(tmp_path / "backup")).problem
    assert problem is not None
    assert problem.place == "wrapped_keys"


def test_an_older_backup_keeps_ciphertext_that_no_key_anywhere_opens(tmp_path: Path) -> None:
    """What a backup has to do after an erasure is to go; until then its ciphertext is nobody's to read."""
    (tmp_path / "data" / "hub").mkdir(parents=True)
    ledger = TimedLedger(tmp_path / "data" / "hub" / "ledger.sqlite")
    record = notification(ledger.world)
    ledger.record(*record)
    keys = wrapped_keys(tmp_path / "data" / "hub" / "ledger.sqlite")
    run_backup(tmp_path / "data", tmp_path / "before")
    ledger.record(erasure_order_of(ledger.world, record))
    run_backup(tmp_path / "data", tmp_path / "after")
    ledger.finish()

    envelope = record[1].payloads[0].envelope
    assert envelope[100:300] in bytes_of(tmp_path / "before")
    assert envelope[100:300] not in bytes_of(tmp_path / "after")
    everywhere = bytes_of(tmp_path)
    assert not [key for key in keys if key in everywhere]
    shutil.rmtree(tmp_path / "before")
    report = run_audit(str(tmp_path / "after"))
    assert report.problem is None
    assert report.payload_line() == "2 payloads: 1 held, 1 erased, 0 restricted, 0 unexplained"
