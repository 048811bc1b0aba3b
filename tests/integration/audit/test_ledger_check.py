"""`pprd ledger fsck` names every damaged row and file, `repair` writes them again and never an entry (LEDGER 7)."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.auditing import run_audit
from adapters.compose.checking import check_ledger, repair_ledger
from adapters.compose.parts import contracts_in_force, only_one
from adapters.store.ledger_check import LedgerCheck
from adapters.store.opening import open_store
from contracts.errors import ConflictError, EvidenceError
from ledger.note import Cosigner
from tests.support.kept_ledger import KeptLedger

pytestmark = pytest.mark.sqlite_file

_TABLES = (
    "stored_events", "event_ids", "tiles", "checkpoints", "delivery_runs", "heads", "payloads", "wrapped_keys",
    "producers", "directory_log",
)  # fmt: skip

DAMAGES = {
    "event_ids": [
        "UPDATE event_ids SET idx=idx+1 WHERE event_id=(SELECT min(event_id) FROM event_ids)",
        "DELETE FROM event_ids WHERE idx BETWEEN 30 AND 50",
        "INSERT INTO event_ids VALUES (zeroblob(16), 5)",
    ],
    "tiles": [
        "UPDATE tiles SET hashes=zeroblob(8192) WHERE level=0 AND idx=0",
        "UPDATE tiles SET hashes=substr(hashes, 1, 32) WHERE level=0 AND idx=1",
        "DELETE FROM tiles WHERE level=1",
        "INSERT INTO tiles VALUES (3, 0, zeroblob(32))",
    ],
    "delivery_runs": [
        "UPDATE delivery_runs SET head_after=zeroblob(32) WHERE id=3",
        "UPDATE delivery_runs SET point='50-node' WHERE id=2",
        "UPDATE delivery_runs SET indexes=zeroblob(8) WHERE id=4",
        "DELETE FROM delivery_runs WHERE id>10",
    ],
    "heads": [
        "UPDATE heads SET n=n+1",
        "UPDATE heads SET head=zeroblob(32) WHERE point=(SELECT min(point) FROM heads)",
        "DELETE FROM heads",
        "INSERT INTO heads VALUES ('11-node', 1, zeroblob(32))",
    ],
    "matters": [
        "UPDATE matters SET packed=x'00' WHERE stream_id=(SELECT min(stream_id) FROM matters)",
        "DELETE FROM matters WHERE stream_id IN (SELECT stream_id FROM matters ORDER BY stream_id LIMIT 50)",
    ],
    "producers": ["UPDATE producers SET next_seq=next_seq+1", "DELETE FROM producers WHERE producer='00-hub'"],
    "directory_log": [
        "DELETE FROM directory_log WHERE idx BETWEEN 20 AND 40",
        "INSERT INTO directory_log VALUES (100000)",
    ],
    "checkpoints": [
        "UPDATE checkpoints SET recorded_at=recorded_at+1 WHERE size=(SELECT min(size) FROM checkpoints)",
        "INSERT INTO checkpoints SELECT 3, note, recorded_at FROM checkpoints WHERE size=1",
    ],
}

EXPORTED = (
    "log/checkpoint",
    "log/tile/0/000",
    "log/tile/0/*.p/*",
    "log/tile/1/000.p/*",
    "log/tile/entries/000",
    "log/tile/entries/*.p/*",
    "policy",
    "manifest",
    "history/*1.checkpoint",
    "receipts/*.tlog-proof",
)


def dump(file: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(file)) as db:
        rows = {name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=str) for name in _TABLES}
        return rows | {"matters": db.execute("SELECT stream_id, packed FROM matters ORDER BY 1").fetchall()}


def test_an_honest_ledger_has_no_damage(honest: KeptLedger, honest_export: Path) -> None:
    checked = check_ledger(honest.folder, honest_export)

    assert (checked.count, checked.size) == (0, len(honest.entries()))


@pytest.mark.parametrize("number", range(4))
def test_every_damaged_row_is_named_and_written_again(honest: KeptLedger, kept: KeptLedger, number: int) -> None:
    """One statement for each table at a time."""
    chosen = {table: many[number] for table, many in DAMAGES.items() if number < len(many)}
    for statement in chosen.values():
        kept.change(statement)

    found = check_ledger(kept.folder)
    assert {one.place.split(" ")[0] for one in found.damages} == set(chosen)
    assert all(one.expected != one.found for one in found.damages)
    repaired = repair_ledger(kept.folder)

    assert repaired.repaired == len(chosen)
    assert check_ledger(kept.folder).count == 0
    assert dump(kept.file) == dump(honest.file)
    assert run_audit(str(kept.folder)).problem is None
    with closing(open_store(kept.file)) as store:
        kept.world.load(store)


def test_a_tile_is_named_with_where_it_differs(kept: KeptLedger) -> None:
    kept.change("UPDATE tiles SET hashes=zeroblob(8192) WHERE level=0 AND idx=0")

    (damage,) = check_ledger(kept.folder).damages

    assert damage.place == "tiles 0/0"
    assert damage.found == f"hashes {bytes(16).hex()} at byte 0 of 8192"
    assert damage.expected.startswith("hashes ")


def test_a_changed_checkpoint_is_signed_again_where_the_key_is(honest: KeptLedger, kept: KeptLedger) -> None:
    kept.change("UPDATE checkpoints SET note=x'00' WHERE size=1")
    (damage,) = check_ledger(kept.folder).damages
    assert (damage.place, damage.is_repairable) == ("checkpoints 1", False)

    repair_ledger(kept.folder)
    assert check_ledger(kept.folder).count == 1, "without the key it is named and left"
    with LedgerCheck(kept.file, contracts_in_force(is_sandbox=True), signers=[kept.world.log_signer]) as check:
        check.derive()
        check.repair()

    assert dump(kept.file) == dump(honest.file)


def test_a_lost_checkpoint_is_missed_and_signed_again(honest: KeptLedger, kept: KeptLedger) -> None:
    """The delivery runs of its commit tell that it was there."""
    (size,) = kept.one("SELECT size FROM delivery_runs WHERE id=4")
    kept.change("DELETE FROM checkpoints WHERE size=?", size)

    (damage,) = check_ledger(kept.folder).damages
    assert (damage.place, damage.found) == (f"checkpoints {size}", "nothing")
    with LedgerCheck(kept.file, contracts_in_force(is_sandbox=True), signers=[kept.world.log_signer]) as check:
        check.derive()
        check.repair()

    assert dump(kept.file) == dump(honest.file)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stored_events SET state=substr(state, 2) WHERE rowid=40",
        "UPDATE stored_events SET state=(SELECT state FROM stored_events WHERE rowid=41) WHERE rowid=40",
        "DELETE FROM stored_events WHERE rowid=40",
        "DELETE FROM stored_events WHERE rowid=(SELECT max(rowid) FROM stored_events)",
    ],
)
def test_entries_that_do_not_lead_to_the_signed_root_are_refused(kept: KeptLedger, statement: str) -> None:
    kept.change(statement)
    kept.change("DELETE FROM heads")
    before = dump(kept.file)

    for call in (check_ledger, repair_ledger):
        with pytest.raises(EvidenceError):
            call(kept.folder)
    assert dump(kept.file) == before


def test_an_entry_under_another_stream_is_named_and_left(kept: KeptLedger) -> None:
    kept.change("UPDATE stored_events SET topic='OtherThing' WHERE rowid=40")

    repair_ledger(kept.folder)

    (damage,) = check_ledger(kept.folder).damages
    assert (damage.place, damage.is_repairable) == ("stored_events 39", False)
    assert damage.found == "topic OtherThing"


def test_a_damaged_cosignature_is_left_out_named_and_removed(kept: KeptLedger) -> None:
    with closing(open_store(kept.file)) as store:
        size = store.size()
        note = store.checkpoint()
        line = Cosigner("w.example", Ed25519PrivateKey.from_private_bytes(bytes(32))).line(b"text\n", seconds=1)
        store.add_cosignatures(size, {"44-good": line, "45-bad": b"junk", "46-two": line + line})
        assert store.checkpoint() == (note or b"") + line

    named = {one.place for one in check_ledger(kept.folder).damages}
    repair_ledger(kept.folder)

    assert named == {f"cosignatures {size}/45-bad", f"cosignatures {size}/46-two"}
    assert check_ledger(kept.folder).count == 0
    with closing(open_store(kept.file, read_only=True)) as store:
        assert list(store.cosignatures(size)) == ["44-good"]


def test_a_ledger_whose_hub_runs_is_not_repaired(kept: KeptLedger) -> None:
    with only_one(kept.file.parent), pytest.raises(ConflictError, match="FOLDER_IN_USE"):
        repair_ledger(kept.folder)


@pytest.mark.parametrize("data", [b"", b"junk", None], ids=["emptied", "junk", "deleted"])
def test_every_damaged_file_of_an_export_is_named_and_written_again(
    honest_export: Path, kept: KeptLedger, out: Path, data: bytes | None
) -> None:
    damaged = [sorted(out.glob(name))[0] for name in EXPORTED]
    for file in damaged:
        if data is None:
            file.unlink()
        else:
            file.write_bytes(data)
    (out / "log/extra").write_bytes(b"x")

    named = [one.place for one in check_ledger(kept.folder, out).damages]
    told = " ".join([*named, *(one.expected for one in check_ledger(kept.folder, out).damages)])
    repair_ledger(kept.folder, out)

    for file in [*damaged, out / "log/extra"]:
        assert str(file.relative_to(out)) in told or (data is None and "manifest" in named)
    assert check_ledger(kept.folder, out).count == 0
    assert run_audit(str(out)).problem is None
    assert files(out) == files(honest_export)


def files(out: Path) -> dict[Path, bytes]:
    return {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_the_verbs_say_how_many_and_end_with_their_codes(kept: KeptLedger) -> None:
    def said(*arguments: object) -> tuple[int, dict[str, object]]:
        result = CliRunner().invoke(app, ["ledger", *map(str, arguments), "--data", str(kept.folder), "--json"])
        return result.exit_code, json.loads(result.stdout)

    assert said("fsck") == (0, {"size": len(kept.entries()), "damages": 0, "listed": []})
    kept.change("DELETE FROM tiles WHERE level=1")
    code, answer = said("fsck")
    assert (code, answer["damages"]) == (1, 1)
    code, answer = said("repair")
    assert (code, answer["damages"], answer["repaired"], answer["found_before"]) == (0, 0, 1, 1)
    kept.change("DELETE FROM stored_events WHERE rowid=40")
    assert said("repair")[0] == 1
    plain = CliRunner().invoke(app, ["ledger", "fsck", "--data", str(kept.folder)])
    assert plain.exit_code == 1
    assert "Traceback" not in plain.output
