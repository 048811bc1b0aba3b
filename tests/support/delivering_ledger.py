"""A ledger in the test's own process that has something to deliver: notices and case transfers. Pure of pytest."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.store.ledger_store import LedgerStore
from hub.submission import Outcome
from tests.support.batches import Made
from tests.support.matters import correction, notification
from tests.support.world import World


class DeliveringLedger:
    """A world, its hub and its ledger.

    Args:
        store: An empty store.
    """

    def __init__(self, store: LedgerStore) -> None:
        self.store = store
        self.world = World()
        self.application = self.world.found(store)

    def notices(self, count: int, *, destination: str = "44", origin: str = "45") -> None:
        """Record residence notices, each told to both sides; all first events in one commit, then all second ones."""
        matters = [notification(self.world, destination, origin) for _ in range(count)]
        for step in zip(*matters, strict=True):
            self.record(step)

    def case(self) -> None:
        """Record one case transfer, event by event."""
        for made in correction(self.world):
            self.record([made])

    def record(self, made: Iterable[Made]) -> None:
        """Record events in one commit, one batch a region, and see each accepted."""
        by_region: dict[str, list[Made]] = {}
        for one in made:
            by_region.setdefault(one.region, []).append(one)
        answers = self.application.submit(
            [self.world.batches[region].batch(part) for region, part in by_region.items()]
        )
        assert all(result.outcome is Outcome.ACCEPTED for answer in answers for result in answer.results)

    def delivered(self) -> int:
        """Notifications that the ledger says were sent."""
        return sum(n for n, _ in self.store.heads().values())
