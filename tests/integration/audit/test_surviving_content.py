"""Content that outlives its end is named: at the hub, at a gateway, destroyed by an order or due by the clock."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.compose.auditing import run_audit
from adapters.region.database import RegionDatabase
from contracts.ids import LeafIndex
from hub.audit_report import Problem
from tests.support.batches import Made
from tests.support.divided_audit import audited_both_ways
from tests.support.kept_ledger import KeptLedger
from tests.support.matters import declaration, notification
from tests.support.order_matters import erasure_order, erasure_order_of
from tests.support.timed_ledger import TimedLedger

pytestmark = pytest.mark.sqlite_file


def problem_of(folder: Path) -> Problem:
    """What an audit of a folder finds."""
    problem = audited_both_ways(str(folder)).problem
    assert problem is not None
    return problem


class Folder:
    """A data folder with a record that was erased, one that ended long ago and one that goes on."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "hub").mkdir(parents=True)
        self.ledger = TimedLedger(root / "hub" / "ledger.sqlite")
        self.erased = erasure_order(self.ledger.world)
        self.old = notification(self.ledger.world)
        self.ledger.record(*self.erased, *self.old)

    def region(self) -> RegionDatabase:
        """The file of region 45, made if it is not there."""
        return RegionDatabase(self.root / "regions" / "45" / "region.sqlite")

    def index_of(self, made: Made) -> LeafIndex:
        """Where an event stands."""
        return self.ledger.store.recorded([made.header.event_id])[made.header.event_id]

    def keep(self, made: Made) -> None:
        """Let region 45 hold a copy of what an event brought."""
        header = made.header
        with closing(self.region()) as db, db.transaction():
            index = self.index_of(made)
            db.write(
                "INSERT INTO stream_events VALUES (?,?,?,?,?)",
                *(header.stream_id, header.stream_seq, header.event_id, index, made.event),
            )
            request = self.ledger.world.fresh_id()
            db.write(
                "INSERT INTO openings VALUES (?,?,'o00000000','NP-RES',?,'TASK','',?,1,1)",
                *(request, header.event_id, bytes(16), bytes(32)),
            )
            db.write("INSERT INTO withheld VALUES (?,?,?,?,1)", request, bytes(100), bytes(8), bytes(48))

    def note_order(self, *, done_at: int | None) -> None:
        """Let region 45 know of the order to erase."""
        ordered = self.erased[-3].header
        with closing(self.region()) as db, db.transaction():
            db.write(
                "INSERT INTO orders VALUES (?,?,'ERASE_AND_CLOSE',?,?,1,?,NULL)",
                *(ordered.stream_id, ordered.event_id, self.erased[0].header.stream_id),
                *(self.index_of(self.erased[-3]), done_at),
            )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path / "data")
    yield folder
    folder.ledger.store.close()


@pytest.mark.parametrize("table", ["payloads", "wrapped_keys"])
def test_a_payload_or_a_key_that_survived_an_order_is_named(folder: Folder, table: str) -> None:
    """Somebody puts back what he had copied before."""
    ledger, record = folder.ledger, notification(folder.ledger.world)
    ledger.record(*record)
    row = folder.index_of(record[1]) << 8
    with closing(sqlite3.connect(folder.root / "hub" / "ledger.sqlite")) as db:
        column = "id" if table == "payloads" else "payload"
        copied = db.execute(f"SELECT * FROM {table} WHERE {column}=?", (row,)).fetchall()
    ordered = erasure_order_of(ledger.world, record)
    ledger.record(ordered)
    with closing(sqlite3.connect(folder.root / "hub" / "ledger.sqlite")) as db:
        db.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(copied[0]))})", copied)
        db.commit()

    problem = problem_of(folder.root)

    assert (problem.code, problem.place, problem.index) == ("PAYLOAD_INVALID", table, folder.index_of(ordered))


def test_a_record_that_is_no_longer_kept_as_closed_is_named(kept: KeptLedger) -> None:
    kept.change("UPDATE effects SET does='ERASE' WHERE does='ERASE_AND_CLOSE'")

    assert problem_of(kept.folder).place == "effects"


def test_content_that_nobody_destroyed_in_its_time_is_named(folder: Folder) -> None:
    """The hub's timers were not asked for a day after retention was over; what is recorded next shows it."""
    folder.ledger.midnight_after(90)
    folder.ledger.record(declaration(folder.ledger.world, "44"))
    in_time = run_audit(str(folder.root)).problem
    folder.ledger.midnight_after(95)
    folder.ledger.record(declaration(folder.ledger.world, "44"))

    late = problem_of(folder.root)
    folder.ledger.application.run_timers()

    assert in_time is None
    assert (late.code, late.place) == ("PAYLOAD_INVALID", f"matters {folder.old[0].header.stream_id.hex()}")
    assert "their time is over" in late.reason
    assert run_audit(str(folder.root)).problem is None


def test_what_a_gateway_still_holds_of_an_order_that_it_has_carried_out_is_named(folder: Folder) -> None:
    folder.keep(folder.erased[1])
    folder.note_order(done_at=1)

    problem = problem_of(folder.root)

    assert (problem.code, problem.place) == ("PAYLOAD_INVALID", "regions/45 WITHHELD")
    assert problem.index == folder.index_of(folder.erased[-3])


def test_what_a_gateway_has_not_come_to_yet_is_no_fault(folder: Folder) -> None:
    folder.keep(folder.erased[1])
    folder.note_order(done_at=None)

    assert run_audit(str(folder.root)).problem is None


def test_what_a_gateway_holds_past_its_time_is_named(folder: Folder) -> None:
    """A gateway has a day for it, as the hub has."""
    folder.keep(folder.old[1])
    folder.ledger.midnight_after(95)
    folder.ledger.application.run_timers()
    at_once = run_audit(str(folder.root)).problem
    folder.ledger.midnight_after(97)
    folder.ledger.record(declaration(folder.ledger.world, "44"))

    problem = problem_of(folder.root)

    assert at_once is None
    assert (problem.code, problem.place, problem.index) == ("PAYLOAD_INVALID", "regions/45 WITHHELD", None)
