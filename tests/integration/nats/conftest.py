"""A broker of its own for each test of the broker's side, and a ledger with notifications of all kinds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.nats_server import NatsServer
from adapters.store.opening import open_store
from tests.support.delivering_ledger import DeliveringLedger


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[NatsServer]:
    """A running broker with an empty store."""
    with NatsServer(folder=tmp_path / "nats") as server:
        yield server


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[DeliveringLedger]:
    """A ledger with its writer."""
    store = open_store(tmp_path / "ledger.sqlite")
    yield DeliveringLedger(store)
    store.close()
