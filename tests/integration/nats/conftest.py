"""A broker of its own for each test of the broker's side, and a ledger with notifications of all kinds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.nats_server import NatsServer
from adapters.store.opening import open_store
from tests.support.delivering_ledger import DeliveringLedger
from tests.support.ledger_places import ON_SQLITE, LedgerPlaces


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[NatsServer]:
    """A running broker with an empty store."""
    with NatsServer(folder=tmp_path / "nats") as server:
        yield server


@pytest.fixture
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DeliveringLedger]:
    """A ledger with its writer, on a file where a test does not ask for `places`."""
    places: LedgerPlaces = request.getfixturevalue("places") if "places" in request.fixturenames else ON_SQLITE
    store = open_store(places.new(tmp_path))
    yield DeliveringLedger(store)
    store.close()
