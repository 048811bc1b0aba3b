"""While one commit becomes durable the next one is decided, and it sees everything that the first one decided."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.store.opening import open_store
from contracts.errors import FatalError, UnavailableError
from hub.submission import Outcome
from tests.support.audit import audit
from tests.support.ledger_places import LedgerPlaces
from tests.support.matters import residence
from tests.support.world import World


def test_a_matter_goes_on_and_an_event_is_a_repeat_before_the_first_commit_is_durable(place: Path) -> None:
    world = World()
    store = open_store(place)
    application = world.found(store)
    size = store.size()
    first, second, third = residence(world, "44")

    one = application.begin([world.batches["44"].batch([first])])
    two = application.begin([world.batches["44"].batch([first, second]), world.batches["44"].batch([third])])
    assert store.size() == size
    (original,) = one()
    repeated, ended = two()

    assert [r.outcome for r in original.results] == [Outcome.ACCEPTED]
    assert [r.outcome for r in repeated.results] == [Outcome.REPEATED, Outcome.ACCEPTED]
    assert repeated.results[0].index == original.results[0].index
    assert [r.outcome for r in ended.results] == [Outcome.ACCEPTED]
    assert audit(store, world).refusals == {"EVENT_REPEATED": 1}


def test_a_batch_that_comes_again_in_the_next_commit_gets_the_receipt_of_the_first(place: Path) -> None:
    world = World()
    store = open_store(place)
    application = world.found(store)
    batch = world.batches["44"].batch(residence(world, "44"))

    one = application.begin([batch])
    two = application.begin([batch])
    (original,) = one()
    (again,) = two()

    assert again.receipt is not None
    assert original.receipt is not None
    assert (again.receipt.batch_entry, again.receipt.start) == (original.receipt.batch_entry, original.receipt.start)
    assert [r.index for r in again.results] == [r.index for r in original.results]


def test_commits_are_written_in_their_order_or_not_at_all(place: Path) -> None:
    world = World()
    store = open_store(place)
    application = world.found(store)
    first, second, _ = residence(world, "44")

    one = application.begin([world.batches["44"].batch([first])])
    two = application.begin([world.batches["44"].batch([second])])
    with pytest.raises(FatalError, match="STATE_UNKNOWN"):
        two()
    one()

    assert audit(store, world).events["RegistrationRecorded"] == 0


def test_no_more_than_one_commit_is_decided_ahead(place: Path) -> None:
    """What was decided is remembered of one: a repeat in a third would be taken for a new event."""
    world = World()
    store = open_store(place)
    application = world.found(store)
    first, second, third = residence(world, "44")

    one = application.begin([world.batches["44"].batch([first])])
    two = application.begin([world.batches["44"].batch([second])])
    with pytest.raises(FatalError, match="STATE_UNKNOWN"):
        application.begin([world.batches["44"].batch([third])])
    one()
    two()

    assert audit(store, world).events["RegistrationRecorded"] == 1


def test_what_follows_a_commit_that_was_lost_is_never_recorded(
    place: Path, places: LedgerPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second commit counts on entries that are not there: the store says so, and a new start goes on from them."""
    world = World()
    store = open_store(place)
    application = world.found(store)
    size = store.size()
    first, second, _ = residence(world, "44")
    one = application.begin([world.batches["44"].batch([first])])
    two = application.begin([world.batches["44"].batch([second])])

    with monkeypatch.context() as patch:
        if places.server is None:
            patch.setattr(store, "_writing", FailingConnection(getattr(store, "_writing")))  # noqa: B009
        else:
            places.cut()
        with pytest.raises(FatalError, match="STORE_FAILED"):
            one()
    with pytest.raises(FatalError):
        two()

    store.close()
    with closing(open_store(place)) as again:
        assert again.size() == size
        world.load(again)
        audit(again, world)


class FailingConnection:
    """The connection that writes, on a disk that takes nothing."""

    def __init__(self, connection: object) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        raise sqlite3.OperationalError("disk I/O error")


@pytest.mark.parametrize("question", ["entries", "matters"])
def test_an_event_is_not_refused_for_ever_because_the_store_could_not_be_asked(
    place: Path, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    """A refusal is recorded; that a connection was lost is none. The hub stops, and the repeat passes."""
    world = World()
    store = open_store(place)
    application = world.found(store)
    repeated = residence(world, "44")[0]
    application.submit([world.batches["44"].batch([repeated])])
    application = world.load(store)
    size, batch = store.size(), world.batches["44"].batch([repeated, *residence(world, "44")])
    asked = getattr(store, question)

    def cannot(*what: object) -> object:
        # The matters of a batch are asked for together, before it is decided; what stands in an entry, while it is.
        raise UnavailableError("STORE_BUSY", f"{asked.__name__}{len(what)} cannot be asked now")

    with monkeypatch.context() as patch:
        patch.setattr(store, question, cannot)
        with pytest.raises(UnavailableError, match="STORE_BUSY"):
            application.submit([batch])
    assert store.size() == size

    (answer,) = world.load(store).submit([batch])
    assert [r.outcome for r in answer.results] == [Outcome.REPEATED, *[Outcome.ACCEPTED] * 3]
    assert audit(store, world).refusals == {"EVENT_REPEATED": 1}
    store.close()
