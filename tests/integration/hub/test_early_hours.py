"""Whatever the hour, a day's work is that day's: every procedure goes through at each hour of the day (ADR 0012)."""

from pathlib import Path

import pytest

from adapters.store.opening import open_store
from contracts.instant import HOUR_MS
from hub.submission import Outcome
from tests.support.all_matters import one_of_each
from tests.support.audit import audit
from tests.support.world import MORNING_MS, World


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_a_matter_of_every_procedure_is_recorded_at_every_hour(tmp_path: Path, hour: int) -> None:
    world = World()
    store = open_store(tmp_path / "ledger.sqlite")
    application = world.found(store)
    # The world begins at ten in the morning; from there on to the same hour of the next day.
    world.clock.ms = MORNING_MS + (hour + 14) % 24 * HOUR_MS
    outcomes = set()
    for matter in one_of_each(world).values():
        for made in matter:
            (answer,) = application.submit([world.batches[made.region].batch([made])])
            outcomes |= {(result.outcome, result.refusal and result.refusal.code) for result in answer.results}

    assert outcomes == {(Outcome.ACCEPTED, None)}
    audit(store, world)
