"""fsck names damage in every table of a ledger on PostgreSQL, and repair mends it (LEDGER 7)."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.compose.auditing import run_audit
from adapters.compose.checking import check_ledger, repair_ledger
from adapters.compose.parts import contracts_in_force
from adapters.store.ledger_check import LedgerCheck
from adapters.store.opening import open_store
from adapters.store.pointer import read_pointer
from contracts.errors import EvidenceError
from tests.support.kept_ledger import KeptLedger, make_ledger
from tests.support.ledger_places import LedgerPlaces
from tests.support.postgres_server import PostgresServer

_DERIVED = (
    "event_ids", "tiles", "checkpoints", "matters", "delivery_runs", "heads", "producers", "directory_log",
)  # fmt: skip
DAMAGES = {
    "event_ids": "DELETE FROM event_ids WHERE idx BETWEEN 30 AND 50",
    "tiles": "UPDATE tiles SET hashes=substring(hashes FROM 1 FOR 32) WHERE level=0 AND idx=0",
    "checkpoints": "UPDATE checkpoints SET recorded_at=recorded_at+1 WHERE size=(SELECT min(size) FROM checkpoints)",
    "matters": "DELETE FROM matters WHERE stream_id=(SELECT stream_id FROM matters ORDER BY 1 LIMIT 1)",
    "delivery_runs": "UPDATE delivery_runs SET is_case=NOT is_case WHERE id=3",
    "heads": "UPDATE heads SET n=n+1",
    "producers": "DELETE FROM producers WHERE producer='00-hub'",
    "directory_log": "INSERT INTO directory_log VALUES (100000)",
    "cosignatures": "INSERT INTO cosignatures VALUES (1, 'w', 'no line')",
}


@pytest.fixture
def kept(tmp_path: Path, postgres_server: PostgresServer) -> KeptLedger:
    return make_ledger(tmp_path / "data", matters=6, places=LedgerPlaces(postgres_server))


@pytest.fixture
def tables(kept: KeptLedger) -> Iterator[psycopg.Connection]:
    """A connection beside every hub."""
    pointer = read_pointer(kept.place)
    with closing(psycopg.connect(pointer.conninfo, autocommit=True)) as db:
        db.execute(f"SET search_path TO {pointer.schema}".encode())
        yield db


def dump(tables: psycopg.Connection) -> dict[str, list[Any]]:
    """All that follows from the entries; when time acts next is derived again by a start."""
    asked = dict.fromkeys(_DERIVED, "*") | {"matters": "stream_id, packed"}
    return {
        name: sorted(tables.execute(f"SELECT {what} FROM {name}".encode()).fetchall(), key=str)
        for name, what in asked.items()
    }


def test_every_damaged_row_is_named_and_written_again(kept: KeptLedger, tables: psycopg.Connection) -> None:
    before = dump(tables)
    assert check_ledger(kept.folder).count == 0
    for statement in DAMAGES.values():
        assert tables.execute(statement.encode()).rowcount > 0

    found = check_ledger(kept.folder)
    assert {one.place.split(" ")[0] for one in found.damages} == set(DAMAGES)
    repaired = repair_ledger(kept.folder)

    assert repaired.repaired == len(DAMAGES)
    assert check_ledger(kept.folder).count == 0
    assert dump(tables) == before
    assert run_audit(str(kept.folder)).problem is None
    with closing(open_store(kept.place)) as store:
        kept.world.load(store)


def test_a_changed_checkpoint_is_signed_again_where_the_key_is(kept: KeptLedger, tables: psycopg.Connection) -> None:
    before = dump(tables)
    tables.execute("UPDATE checkpoints SET note='no note' WHERE size=1")
    with LedgerCheck(kept.place, contracts_in_force(is_sandbox=True), signers=[kept.world.log_signer]) as check:
        check.derive()
        check.repair()

    assert dump(tables) == before


def test_entries_that_do_not_lead_to_the_signed_root_are_refused(kept: KeptLedger, tables: psycopg.Connection) -> None:
    tables.execute("UPDATE stored_events SET state=substring(state FROM 2) WHERE notification_id=40")
    tables.execute("DELETE FROM heads")

    with pytest.raises(EvidenceError):
        repair_ledger(kept.folder)
    assert dump(tables)["heads"] == []
