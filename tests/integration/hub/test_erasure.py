"""Content ends by its clock and by order: keys and ciphertext are gone from every byte, and the audit says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.event import decode_event
from contracts.ids import LeafIndex, OfficeId
from hub import evidence
from hub.submission import Outcome
from ledger.entry import event_of
from tests.support.batches import Made
from tests.support.ledger_places import ON_SQLITE, LedgerPlaces
from tests.support.matters import notification
from tests.support.order_matters import erasure_order, seal_order
from tests.support.timed_ledger import TimedLedger
from tests.support.world import World

KEPT_DAYS = 90


@pytest.fixture
def ledger(place: Path, request: pytest.FixtureRequest) -> Iterator[TimedLedger]:
    """Of a world of this test alone: a server holds what other tests sealed."""
    ledger = TimedLedger(place, World(seed=request.node.name))
    yield ledger
    ledger.finish()


def marks(ledger: TimedLedger, made: Made) -> list[bytes]:
    """Pieces of every envelope and wrapped key that is held of an event's matter."""
    store, found = ledger.store, list[bytes]()
    for index, entry in store.stream(made.header.stream_id, 0, 100):
        header = decode_event(event_of(entry) or b"")
        for number in range(len(header.sealed)):
            found.append((store.payload(index, number) or b"")[100:148])
            for office in store.wrapped_offices([(index, number)])[index, number]:
                wrapped = store.wrapped_key(index, number, OfficeId(office))
                found += [] if wrapped is None else [wrapped[1]]
    return found


def held(ledger: TimedLedger, made: Made) -> tuple[int, int]:
    return ledger.store.held_of(made.header.stream_id, ledger.store.size())


def test_an_order_destroys_keys_and_ciphertext_in_the_commit_that_records_it(
    ledger: TimedLedger, place: Path, places: LedgerPlaces
) -> None:
    events = erasure_order(ledger.world)
    ledger.record(*events[:-3])
    pieces = marks(ledger, events[0])
    before = places.holding(place, pieces)

    ledger.record(events[-3])

    assert pieces
    assert before
    assert held(ledger, events[0]) == (0, 0)
    assert places.holding(place, pieces) == []
    ledger.record(*events[-2:])
    for index in range(0, ledger.store.size(), 29):
        assert evidence.inclusion(ledger.store, LeafIndex(index), ledger.store.size()) is not None


def test_another_matter_keeps_its_content(ledger: TimedLedger) -> None:
    other = notification(ledger.world)
    ledger.record(*other)
    kept = held(ledger, other[0])

    ledger.record(*erasure_order(ledger.world))

    assert held(ledger, other[0]) == kept != (0, 0)


def test_a_reader_who_holds_what_was_only_puts_the_scrubbing_off(
    ledger: TimedLedger, place: Path, places: LedgerPlaces
) -> None:
    events = erasure_order(ledger.world)
    ledger.record(*events[:-3])
    pieces = marks(ledger, events[0])
    with places.reader(place, "payloads"):
        ledger.record(events[-3])
        assert not ledger.application.scrub()

    assert ledger.application.scrub()
    assert places.holding(place, pieces) == []


def test_a_hub_that_could_not_scrub_scrubs_when_it_starts_again(
    ledger: TimedLedger, place: Path, places: LedgerPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = erasure_order(ledger.world)
    ledger.record(*events[:-3])
    pieces = marks(ledger, events[0])
    with monkeypatch.context() as patched:
        patched.setattr(type(ledger.store), "scrub", lambda self: False)
        ledger.record(events[-3])

    ledger.restart()

    assert pieces
    assert places.holding(place, pieces) == []


@pytest.mark.sqlite_file
def test_a_hub_that_was_killed_before_it_scrubbed_scrubs_when_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files as a kill leaves them: nobody has closed the log."""
    ledger = TimedLedger(ON_SQLITE.new(tmp_path))
    events = erasure_order(ledger.world)
    ledger.record(*events[:-3])
    pieces = marks(ledger, events[0])
    with monkeypatch.context() as patched:
        patched.setattr(type(ledger.store), "scrub", lambda self: False)
        ledger.record(events[-3])
    killed = ON_SQLITE.new(tmp_path / "killed")
    for file in tmp_path.glob("ledger.sqlite*"):
        (killed.parent / file.name).write_bytes(file.read_bytes())
    assert ON_SQLITE.holding(killed, pieces)

    TimedLedger(killed, ledger.world).finish()

    assert ON_SQLITE.holding(killed, pieces) == []
    ledger.finish()


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
