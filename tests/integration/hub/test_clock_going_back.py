"""The time of recording never goes back, whatever the machine's clock does: an audit refuses a ledger where it does."""

from pathlib import Path

from adapters.store.opening import open_store
from hub.submission import Outcome
from tests.support.audit import audit
from tests.support.matters import declaration
from tests.support.world import World


def test_a_clock_that_steps_back_between_commits_and_over_a_restart_leaves_an_audit_clean(place: Path) -> None:
    world = World()
    store = open_store(place)
    application = world.found(store)
    outcomes = []
    for _ in range(2):
        for _ in range(2):
            (answer,) = application.submit([world.batches["44"].batch([declaration(world, "44")])])
            outcomes += [result.outcome for result in answer.results]
            world.clock.advance(-30_000)
        application = world.load(store)

    tally = audit(store, world)

    assert outcomes == [Outcome.ACCEPTED] * 4
    assert tally.events["RegistrationDeclared"] == 4
