"""Reads the extract of one record: from a data folder, a running hub, or a ledger that somebody published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from adapters.compose.ledger_place import ledger_in
from adapters.compose.parts import contracts_in_force
from adapters.compose.sources import Trust, open_source
from contracts.errors import ContractError, RuleError
from contracts.ids import LeafIndex, RegionCode
from contracts.messages import Language
from hub.plain_rules import PlainRules
from hub.record_extract import ExtractReader, RecordExtract
from ledger.checkpoint import checkpoint_size

_EACH: Final = 1_000


def read_extract(
    stream_id: bytes,
    *,
    data: Path | None,
    hub: str | None,
    ca: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, size: None,
) -> RecordExtract:
    """The extract of a record.

    Args:
        stream_id: The record.
        data: A data folder.
        hub: `HOST:PORT` of a running hub, or an export, in place of the folder.
        ca: Certificates that may have signed the hub's, PEM.
        progress: Told of entries read and of all, now and then.

    Raises:
        RuleError: NOT_FOUND: there is no such record, or an order sealed it.
        ContractError: SETTINGS_INVALID: neither folder nor hub is named.
        UnavailableError: The ledger cannot be found or read.
    """
    reader = ExtractReader(contracts_in_force(is_sandbox=True), stream_id)
    with _entries(data, hub, ca) as (entries, size):
        for done, entry in enumerate(entries):
            reader.take(entry)
            if done % _EACH == 0:
                progress(done, size)
    extract = reader.extract()
    if extract is None:
        raise RuleError("NOT_FOUND", "the ledger has no such record", field="matter")
    return extract


def explain_procedure(procedure: str, region: str, language: Language) -> PlainRules:
    """The rules of a procedure as this release has them.

    Args:
        procedure: Its id.
        region: Whose limits and retention count.
        language: Of its lines.

    Raises:
        RuleError: NOT_FOUND: there is no such procedure, or it is the hub's own and about nobody.
    """
    editions = [one for one in contracts_in_force(is_sandbox=True).procedures.values() if one.id == procedure]
    if not editions or editions[0].kind == "hub":
        raise RuleError("NOT_FOUND", f"{procedure} is no procedure about people", field="procedure")
    newest = max(editions, key=lambda one: one.edition)
    return PlainRules(newest, RegionCode(region), language)


@contextmanager
def _entries(data: Path | None, hub: str | None, ca: Path | None) -> Iterator[tuple[Iterator[bytes], int]]:
    """Entries from the first on, and how many. They are read, not audited: `pprd audit` does that."""
    with ExitStack() as stack:
        if hub is not None:
            source = open_source(stack, hub, Trust(ca))
            size = checkpoint_size(source.checkpoint().data)
            yield source.entries(LeafIndex(0), LeafIndex(size)), size
        elif data is not None:
            store = stack.enter_context(ledger_in(data))
            yield store.entries(LeafIndex(0), LeafIndex(store.size())), store.size()
        else:
            raise ContractError("SETTINGS_INVALID", "say --data or --hub: whose ledger is meant?", field="data")
