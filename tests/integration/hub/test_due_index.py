"""The due index: what the store keeps is what can be derived, always; the hub asks it and nothing else (ADR 0014)."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.store.opening import open_store
from contracts.instant import DAY_MS
from hub.due_index import basis_of, derived
from hub.submission import Outcome
from tests.support.audit import audit
from tests.support.batches import Made
from tests.support.matters import correction, notification, permit, residence
from tests.support.world import World


class Hub:
    """A world's hub on a file, whose index is compared at every step."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.world = World()
        self.store = open_store(path)
        self.application = self.world.found(self.store)

    def load(self) -> None:
        """Stop the hub and load it from its file."""
        self.store.close()
        self.store = open_store(self.path)
        self.application = self.world.load(self.store)

    def change(self, *statements: str) -> None:
        """Change the file behind the hub's back, while it is stopped."""
        self.store.close()
        with closing(sqlite3.connect(self.path)) as db:
            for statement in statements:
                db.execute(statement)
            db.commit()
        self.store = open_store(self.path)

    def record(self, *events: Made) -> None:
        """Record events one after another; after each the index is right."""
        for made in events:
            (answer,) = self.application.submit([self.world.batches[made.region].batch([made])])
            assert [result.outcome for result in answer.results] == [Outcome.ACCEPTED]
            self.check()

    def let_pass(self, days: int) -> int:
        """Let days pass and ask the time."""
        self.world.clock.ms += days * DAY_MS
        recorded = self.application.run_timers()
        self.check()
        return recorded

    def kept(self) -> dict[bytes, int]:
        """The index as it stands in the store."""
        return dict(self.store.due_index())

    def right(self) -> dict[bytes, int]:
        """The index as it follows from matters, rules and recorded ids."""
        now = self.application.now_ms()
        rows = derived(self.store, self.world.rules.procedures, now)
        return {stream_id: due_ms for stream_id, due_ms in rows if due_ms is not None}

    def check(self) -> None:
        """Compare the two."""
        assert self.kept() == self.right()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path / "ledger.sqlite")
    yield hub
    audit(hub.store, hub.world)
    hub.store.close()


def test_the_index_follows_every_event_miss_and_timer(hub: Hub) -> None:
    world = hub.world
    hub.record(*permit(world), *notification(world), *residence(world, "44"))
    late = notification(world)
    hub.record(*late[:3])
    transfer = correction(world)
    hub.record(*transfer[:2])

    assert [hub.let_pass(days) for days in (4, 4, 100, 300, 30)] == [1, 1, 2, 1, 0]


def test_a_recorded_miss_is_looked_at_no_more_until_something_else_falls_due(hub: Hub) -> None:
    events = notification(hub.world)
    hub.record(*events[:3])
    assert hub.let_pass(5) == 1

    assert hub.kept() == {}
    assert list(hub.store.due_matters(1 << 60)) == []
    hub.record(*events[3:])
    assert list(hub.kept()) == [events[0].header.stream_id]
    assert hub.let_pass(100) == 2


def test_only_what_is_due_is_read(hub: Hub) -> None:
    hub.record(*permit(hub.world), *notification(hub.world)[:3])

    assert len(list(hub.store.due_matters(hub.world.clock.ms))) == 0
    assert len(list(hub.store.due_matters(hub.world.clock.ms + 5 * DAY_MS))) == 1
    assert len(list(hub.store.due_matters(hub.world.clock.ms + 500 * DAY_MS))) == 2


@pytest.mark.sqlite_file
def test_a_store_of_an_earlier_release_gets_its_index_at_start_up(hub: Hub) -> None:
    hub.record(*permit(hub.world), *notification(hub.world)[:3])
    right = hub.kept()
    hub.change("DROP INDEX matters_due", "ALTER TABLE matters DROP COLUMN due_ms", "DROP TABLE derived")

    hub.load()

    assert hub.kept() == right
    assert hub.let_pass(5) == 1


@pytest.mark.sqlite_file
def test_an_index_of_other_contracts_is_derived_again(hub: Hub) -> None:
    hub.record(*notification(hub.world)[:3])
    right = hub.kept()
    hub.change("UPDATE matters SET due_ms=1", "UPDATE derived SET basis=x'00'")

    hub.load()

    assert hub.kept() == right
    assert hub.store.due_basis() == basis_of(hub.world.rules.editions)


def test_pages_of_the_index_leave_nothing_out(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.store.ledger_reader._PAGE", 2)
    for _ in range(7):
        hub.record(*notification(hub.world)[:3])

    assert len(hub.kept()) == 7
    assert hub.let_pass(5) == 7
