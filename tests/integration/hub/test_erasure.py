"""Content ends by its clock and by order: keys and ciphertext are gone from every byte, and the audit says why."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.store.opening import open_store
from contracts.ids import LeafIndex
from hub import evidence
from hub.submission import Outcome
from tests.support.batches import Made
from tests.support.matters import notification
from tests.support.order_matters import erasure_order, seal_order
from tests.support.timed_ledger import TimedLedger

KEPT_DAYS = 90


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[TimedLedger]:
    ledger = TimedLedger(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.finish()


def marks(ledger: TimedLedger, path: Path, made: Made) -> list[bytes]:
    """Pieces of every envelope and wrapped key that is held of an event's matter."""
    with closing(sqlite3.connect(path)) as db:
        rows = [
            row
            for (row,) in db.execute(
                "SELECT rowid-1 FROM stored_events WHERE originator_id=?", (made.header.stream_id.hex(),)
            )
        ]
        found: list[bytes] = []
        for index in rows:
            found += [r[0][100:148] for r in db.execute("SELECT envelope FROM payloads WHERE id>>8=?", (index,))]
            found += [r[0] for r in db.execute("SELECT enc FROM wrapped_keys WHERE payload>>8=?", (index,))]
    return found


def files_with(path: Path, pieces: list[bytes]) -> list[str]:
    """Files of the store that hold one of the pieces."""
    return [
        file.name for file in sorted(path.parent.glob(path.name + "*")) if any(p in file.read_bytes() for p in pieces)
    ]


def held(ledger: TimedLedger, made: Made) -> tuple[int, int]:
    return ledger.store.held_of(made.header.stream_id, ledger.store.size())


def test_an_order_destroys_keys_and_ciphertext_in_the_commit_that_records_it(
    ledger: TimedLedger, tmp_path: Path
) -> None:
    events = erasure_order(ledger.world)
    ledger.record(*events[:-3])
    pieces = marks(ledger, tmp_path / "ledger.sqlite", events[0])
    before = files_with(tmp_path / "ledger.sqlite", pieces)

    ledger.record(events[-3])

    assert pieces
    assert before
    assert held(ledger, events[0]) == (0, 0)
    assert files_with(tmp_path / "ledger.sqlite", pieces) == []
    ledger.record(*events[-2:])
    for index in range(ledger.store.size()):
        assert evidence.inclusion(ledger.store, LeafIndex(index), ledger.store.size()) is not None


def test_another_matter_keeps_its_content(ledger: TimedLedger) -> None:
    other = notification(ledger.world)
    ledger.record(*other)
    kept = held(ledger, other[0])

    ledger.record(*erasure_order(ledger.world))

    assert held(ledger, other[0]) == kept != (0, 0)


def test_a_reader_who_holds_the_log_only_puts_the_scrubbing_off(ledger: TimedLedger, tmp_path: Path) -> None:
    events = erasure_order(ledger.world)
    ledger.record(*events[:-3])
    pieces = marks(ledger, tmp_path / "ledger.sqlite", events[0])
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM payloads").fetchone()
        ledger.record(events[-3])
        assert not ledger.application.scrub()

    assert ledger.application.scrub()
    assert files_with(tmp_path / "ledger.sqlite", pieces) == []


def test_a_hub_that_was_killed_before_it_scrubbed_scrubs_when_it_starts(
    ledger: TimedLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = erasure_order(ledger.world)
    ledger.record(*events[:-3])
    pieces = marks(ledger, tmp_path / "ledger.sqlite", events[0])
    with monkeypatch.context() as patched:
        patched.setattr(type(ledger.store), "scrub", lambda self: False)
        ledger.record(events[-3])
    copy = tmp_path / "killed"
    copy.mkdir()
    for file in tmp_path.glob("ledger.sqlite*"):
        (copy / file.name).write_bytes(file.read_bytes())
    assert files_with(copy / "ledger.sqlite", pieces)

    restarted = open_store(copy / "ledger.sqlite")
    ledger.world.load(restarted)

    assert files_with(copy / "ledger.sqlite", pieces) == []
    restarted.close()


def test_content_ends_with_its_retention_and_only_once(ledger: TimedLedger) -> None:
    """DOMAIN 7.4: a residence notice, 90 days after it was acknowledged."""
    events = notification(ledger.world)
    ledger.record(*events)
    assert ledger.matter(events[0]).state == "ACKNOWLEDGED"
    ledger.midnight_after(KEPT_DAYS)
    ledger.application.run_timers()
    kept = held(ledger, events[0])

    ledger.midnight_after(KEPT_DAYS + 2)
    ledger.application.run_timers()
    ledger.restart()
    ledger.application.run_timers()

    ended = [body["target"] for header, body in ledger.made_by_time() if header.event_type == "ContentEnded"]
    assert kept != (0, 0)
    assert ended == [events[0].header.stream_id]
    assert held(ledger, events[0]) == (0, 0)


def test_nothing_is_added_to_a_sealed_stream_and_its_answer_is_that_of_an_unknown_one(ledger: TimedLedger) -> None:
    events = seal_order(ledger.world)
    ledger.record(*events)
    stream_id, event_id = events[0].header.stream_id, events[0].header.event_id

    assert ledger.store.visible_stream(stream_id, 0, 10) == []
    assert ledger.store.visible(event_id) is None
    assert ledger.store.visible(events[-1].header.event_id) is not None
    ledger.restart()
    again = notification(ledger.world)[0]
    (answer,) = ledger.application.submit([ledger.world.batches[again.region].batch([again])])
    assert answer.results[0].outcome is Outcome.ACCEPTED


def test_a_sealed_and_an_unknown_stream_take_the_same_questions(
    ledger: TimedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = seal_order(ledger.world)
    ledger.record(*events)
    store, asked = ledger.store, list[str]()

    def heard(name: str) -> None:
        original = getattr(store, name)

        def ask(statement: str, *parameters: object) -> object:
            asked.append(statement)
            return original(statement, *parameters)

        monkeypatch.setattr(store, name, ask)

    def questions(look: Callable[[], object]) -> list[str]:
        asked.clear()
        look()
        return list(asked)

    heard("_one")
    heard("_all")
    unknown = ledger.world.fresh_id()
    sealed = events[0].header
    of_sealed = questions(lambda: store.visible_stream(sealed.stream_id, 0, 9))
    assert of_sealed == questions(lambda: store.visible_stream(unknown, 0, 9)) != []
    assert questions(lambda: store.visible(sealed.event_id)) == questions(lambda: store.visible(unknown)) != []
