"""The audit of need-to-know on a source: reads it once more and compares who was given what with who may get it."""

from __future__ import annotations

from typing import Final

from adapters.compose.audit_sources import opened_source
from adapters.compose.parts import contracts_in_force
from adapters.compose.sources import SYSTEM, Trust
from adapters.store.shelf import SpillingShelf
from contracts.ids import LeafIndex
from hub.audit_report import Progress
from hub.disclosure import DisclosureAudit, DisclosureReport

_TOLD_EVERY: Final = 1_000


def run_disclosure(
    source_text: str, *, size: int, trust: Trust = SYSTEM, progress: Progress | None = None
) -> DisclosureReport:
    """Compare who was given what with who may get it.

    Args:
        source_text: As for an audit.
        size: Entries, as audited.
        trust: Whom the reader believes and what it shows.
        progress: Told how many of how many entries are done.

    Raises:
        UnavailableError: The source cannot be found or read.
        ExchangeError: An entry does not follow; the audit says which.
    """
    with opened_source(source_text, trust=trust) as opened, SpillingShelf() as shelf:
        audit = DisclosureAudit(rules=contracts_in_force(is_sandbox=True), shelf=shelf)
        for done in audit.read(opened.source.entries(LeafIndex(0), LeafIndex(size))):
            if progress is not None and done % _TOLD_EVERY == 0:
                progress(done, size)
        runs = opened.source.runs(size)
        if runs is not None:
            audit.compare_runs(runs)
        if progress is not None:
            progress(size, size)
        return audit.report
