"""An audit of a ledger that a hub goes on writing: whatever comes between two of its questions, it finds no fault."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.compose.auditing import run_audit
from adapters.store.folder_source import FolderSource
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from adapters.store.store_shelf import StoreShelf
from hub.audit import Audit
from hub.replay import Replay
from tests.support.ledger_places import run_sql
from tests.support.matters import residence
from tests.support.world import World

QUESTIONS = ("size", "event_count", "producer", "directory_entries", "all_matters", "recorded_at", "sealed_streams",
             "closed_streams", "heads", "payload_count")  # fmt: skip
"""What is asked of rows that hold only the newest state."""


class Busy:
    """A store beside which a hub records something right before one question, or in the midst of its answer.

    Args:
        store: Asked in the end.
        question: The method.
        record: What the hub does then.
    """

    def __init__(self, store: Any, question: str, record: Callable[[], object]) -> None:
        self._store = store
        self._question = question
        self._record = record
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._store, name)
        if name != self._question:
            return asked

        def ask(*what: Any) -> Any:
            self.asked += 1
            # The first look at the size says up to where the audit goes.
            if self.asked > 1 or name != "size":
                self._record()
            return asked(*what)

        return ask


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_a_hub_records_between_two_questions_is_no_fault(place: Path, question: str) -> None:
    world = World()
    application = world.found(open_store(place))
    first, *others = residence(world, "44")
    application.submit([world.batches["44"].batch([first])])
    waiting = [others]

    def record() -> None:
        """Go on with a matter that is there, open another, and say how far the recipients are."""
        (answer,) = application.submit(
            [world.batches["44"].batch(waiting.pop() if waiting else residence(world, "44"))]
        )
        assert answer.refusal is None
        assert all(result.refusal is None for result in answer.results)
        application.publish_heads()

    with closing(open_store(place, read_only=True)) as store, StoreShelf(store) as shelf:
        busy = Busy(store, question, record)
        source = FolderSource(cast("LedgerStore", busy), shelf)
        report = Audit(name="here", source=source, rules=world.rules, shelf=shelf, vkey=world.verifier.vkey).run()

    assert report.problem is None
    assert busy.asked


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_was_not_compared_because_the_hub_went_on_is_told(
    place: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    world = World()
    application = world.found(open_store(place))
    application.submit([world.batches["44"].batch(residence(world, "44"))])
    run_sql(place, f"INSERT INTO sealed (stream_id) VALUES ('{bytes(16).hex()}')")
    check_rest = FolderSource.check_rest

    def late(source: FolderSource, replay: Replay) -> None:
        application.submit([world.batches["44"].batch(residence(world, "44"))])
        check_rest(source, replay)

    with monkeypatch.context() as patch:
        patch.setattr(FolderSource, "check_rest", late)
        moved = run_audit(str(place.parent), vkey=world.verifier.vkey, jobs=jobs)
    still = run_audit(str(place.parent), vkey=world.verifier.vkey, jobs=jobs)

    assert moved.problem is None
    assert [one for one in moved.not_checked if "recorded more" in one]
    assert still.problem is not None
    assert still.problem.place == "sealed"
    assert still.not_checked == ()
