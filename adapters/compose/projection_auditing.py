"""The second part of an audit, for who asks: keeps the projections again and compares what was published of them.

Digests at the places that they name, statistics where they stand. It derives every row of every list, so it takes about
as long as the audit itself.

Source: ADR 0058.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from adapters.compose.audit_sources import opened_source
from adapters.compose.parts import contracts_in_force
from adapters.compose.sources import SYSTEM, Trust
from adapters.store.projection_follower import PAGE, form_of_projections, new_projector
from adapters.store.projection_store import ProjectionStore
from adapters.store.shelf import SpillingShelf
from contracts.event import Header, decode_event
from contracts.ids import Hash, LeafIndex
from hub.admission import Rules
from hub.audit_report import Problem, Progress
from hub.audit_source import Source
from hub.directory import Directory
from hub.projections.published_digests import DIGESTS_PUBLISHED, differing
from ledger.entry import event_of

_TYPE: Final = DIGESTS_PUBLISHED.encode()


@dataclass(frozen=True, slots=True)
class ProjectionReport:
    """What was compared.

    Attributes:
        digests: Events whose digests were derived again.
        skipped: Events that name other tables of what is counted and hidden than this release has.
        tables: Parts of statistics that were counted again.
        problem: The first entry that does not follow.
    """

    digests: int
    skipped: int
    tables: int
    problem: Problem | None


class _Published:
    """A `DigestsPublished` that was found.

    Attributes:
        index: Its entry.
        body: Its body.
    """

    __slots__ = ("body", "index")

    def __init__(self, index: int, body: Mapping[str, Any]) -> None:
        self.index = index
        self.body = body


def run_projection_audit(
    source_text: str, *, size: int, trust: Trust = SYSTEM, progress: Progress | None = None
) -> ProjectionReport:
    """Keep the projections of a ledger that an audit found whole, and compare what it has published.

    Args:
        source_text: As of the audit.
        size: Of the audited checkpoint.
        trust: As of the audit.
        progress: Told how many of how many entries are done.

    Raises:
        UnavailableError: The source cannot be read.
    """
    rules = contracts_in_force(is_sandbox=True)
    with (
        opened_source(source_text, trust=trust) as opened,
        tempfile.TemporaryDirectory(prefix="pprd-projections-") as folder,
        SpillingShelf() as shelf,
        ProjectionStore(Path(folder) / "audit.sqlite", form=form_of_projections()) as store,
    ):
        return _Recount(opened.source, rules, shelf, store, size, progress or (lambda done, size: None)).run()


class _Memory:
    """What is saved, and which event stands in which stream."""

    def __init__(self, store: ProjectionStore, shelf: SpillingShelf) -> None:
        self.stream = store.stream
        self.statistics = store.statistics
        self.listed = store.listed
        self.stream_of = shelf.stream_of


class _Recount:
    """One pass over the entries; memory does not grow with them."""

    def __init__(
        self, source: Source, rules: Rules, shelf: SpillingShelf, store: ProjectionStore, size: int, progress: Progress
    ) -> None:
        self._source = source
        self._rules = rules
        self._shelf = shelf
        self._store = store
        self._size = size
        self._progress = progress
        self._projector = new_projector(
            rules, Directory(rules.divisions), store.place(), _Memory(store, shelf), hiding=None
        )
        self._tables = 0

    def run(self) -> ProjectionReport:
        """See `run_projection_audit`."""
        published = list(self._published())
        mine = [one for one in published if one.body["form"] == form_of_projections()]
        wanted: dict[int, list[_Published]] = {}
        for one in mine:
            wanted.setdefault(one.body["position"], []).append(one)
        problems: dict[int, Problem] = {}
        for one in published:
            if one.body["position"] > one.index:
                told = f"the projections are told to hold {one.body['position']} entries, {one.index} were recorded"
                problems[one.index] = Problem("DIGEST_MISMATCH", told, one.index)
        before = self._projector.place
        for index, entry in enumerate(self._source.entries(LeafIndex(0), LeafIndex(self._size)), 1):
            self._take(index - 1, entry)
            if index in wanted or not index % PAGE or index == self._size:
                self._store.save(before, self._projector.changes, self._projector.place)
                self._projector.turn()
                before = self._projector.place
                self._progress(index, self._size)
                for one in wanted.get(index, ()):
                    told_of = differing(one.body, self._digests())
                    if told_of is not None:
                        problems.setdefault(one.index, Problem("DIGEST_MISMATCH", told_of, one.index))
        for at, what in self._store.findings():
            problems.setdefault(at, Problem("STATISTICS_MISMATCH", what, at))
        first = problems[min(problems)] if problems else None
        return ProjectionReport(len(mine), len(published) - len(mine), self._tables, first)

    def _digests(self) -> Mapping[str, Hash]:
        _, digests = self._store.digests()
        return digests

    def _take(self, index: int, entry: bytes) -> None:
        header = _header(entry)
        if header is not None:
            self._shelf.add_event(header.event_id, header.stream_id, index)
            self._tables += header.event_class == "stt"
        self._projector.take(entry)

    def _published(self) -> Iterator[_Published]:
        """Every event that publishes digests, found by its name in the bytes of the entry."""
        for index, entry in enumerate(self._source.entries(LeafIndex(0), LeafIndex(self._size))):
            header = _header(entry) if _TYPE in entry else None
            if header is not None and header.event_type == DIGESTS_PUBLISHED:
                yield _Published(index, self._rules.registry.decode_body(header.body)[1])


def _header(entry: bytes) -> Header | None:
    event = event_of(entry)
    return None if event is None else decode_event(event)
