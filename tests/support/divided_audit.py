"""Audits one way and the other: alone, and divided with the reading half in this process, so that it costs no start.

Pure of pytest.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any

from adapters.compose.audit_jobs import frames_of
from adapters.compose.audit_reader import read
from adapters.compose.auditing import audit_in_two, run_audit
from contracts.errors import ExchangeError
from hub.audit_report import Report


@contextmanager
def reader_here(name: str, size: int, vkey: str, what: str) -> Iterator[Iterator[Any]]:
    """The reading half, run to its end before the other one begins."""
    written = BytesIO()
    with suppress(ExchangeError):  # the process would end without its last frame
        read(name, size, vkey, written, what=what)
    written.seek(0)
    yield frames_of(written)


def audited_both_ways(source: str, *, hashes_only: bool = False) -> Report:
    """Audit in one process, and check that the two halves never say that all is well where it is not."""
    alone = run_audit(source, jobs=1, hashes_only=hashes_only)
    divided = audit_in_two(source, reader=reader_here, hashes_only=hashes_only)
    if divided is None:
        if alone.problem is None:
            raise AssertionError("the halves found what the audit in one process did not")
    elif divided != alone:
        raise AssertionError(f"the halves say {divided}, the audit in one process {alone}")
    return alone
