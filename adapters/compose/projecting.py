"""The projections of a data folder: kept by a program of their own, rebuilt by one command, read by who asks.

    hub/projections/projections.sqlite   what is read
    hub/projections/rebuild.sqlite       a rebuild that is under way; it goes on where it stopped

One process writes: the program that follows, or a rebuild.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import structlog

from adapters.compose.ledger_place import known_place, ledger_in
from adapters.compose.parts import bind_plainly, contracts_in_force, keep_loaded, only_one
from adapters.store.projection_follower import ProjectionFollower, form_of_projections
from adapters.store.projection_store import PROJECTIONS, ProjectionStore
from contracts.errors import EvidenceError, UnavailableError
from contracts.ids import Hash
from contracts.instant import local_day
from contracts.statistic import load_statistics
from hub.admission import Rules
from hub.own_batch import HubDraft
from hub.ports import LedgerReader
from hub.projections.published import drafts_of, part_id, parts_of, safe_table
from hub.projections.published_digests import digests_draft, digests_id
from hub.projections.work_list_request import RowPlace, WorkPage, page_of

FOLDER: Final = "projections"
FILE: Final = "projections.sqlite"
REBUILD_FILE: Final = "rebuild.sqlite"
_SHORTEST_PAUSE_SECONDS: Final = 0.01
_LONGEST_PAUSE_SECONDS: Final = 0.25

Progress = Callable[[int, int], None]
"""Told how many of how many entries are done."""

log = structlog.get_logger()


class DigestAt(NamedTuple):
    """One projection's digest.

    Attributes:
        name: Which projection.
        position: Entries that it holds.
        digest: The hash over all of it.
    """

    name: str
    position: int
    digest: Hash


def projections_file(data: Path) -> Path:
    """Where the projections of a data folder, or of a hub's own folder, are kept.

    Raises:
        UnavailableError: STORE_MISSING: there is no ledger.
    """
    return known_place(data).parent / FOLDER / FILE


def rebuild(data: Path, *, progress: Progress | None = None) -> list[DigestAt]:
    """Derive every projection again from the first entry, then put the new file in the place of the old one.

    A rebuild that was stopped goes on where it was. The old file is read by others until the new one is whole.

    Args:
        data: A data folder.
        progress: Told after every page.

    Returns:
        The digests of what is there now.

    Raises:
        ConflictError: FOLDER_IN_USE: the projections are being followed or rebuilt.
        UnavailableError: STORE_MISSING.
        EvidenceError: STATISTICS_MISMATCH: all is rebuilt, and a published table is not what the ledger counts.
    """
    target = projections_file(data)
    with only_one(target.parent), ledger_in(data) as reader:
        made = target.with_name(REBUILD_FILE)
        try:
            store = ProjectionStore(made, form=form_of_projections())
        except UnavailableError as error:
            if error.code != "PROJECTIONS_OUTDATED":
                raise
            _remove(made)
            store = ProjectionStore(made, form=form_of_projections())
        with store:
            keep_loaded()
            bind_plainly()
            follower = ProjectionFollower(reader=reader, store=store, rules=contracts_in_force(is_sandbox=True))
            while left := follower.turn():
                if progress is not None:
                    progress(follower.position, follower.position + left)
            digests = _digests(store)
            findings = store.findings()
        # If we stop between the two, there is no file until the rebuild is asked for again, which then finds it done.
        _remove(target)
        made.replace(target)
    if findings:
        index, what = findings[0]
        raise EvidenceError("STATISTICS_MISMATCH", f"entry {index}: {what}; {len(findings)} such entries in all")
    return digests


def digests(data: Path) -> list[DigestAt]:
    """The digest of every projection as it is kept.

    Raises:
        UnavailableError: STORE_MISSING, PROJECTIONS_MISSING, PROJECTIONS_OUTDATED.
    """
    with reading(projections_file(data)) as store:
        return _digests(store)


@contextmanager
def reading(file: Path) -> Iterator[ProjectionStore]:
    """The projections, to be read; who keeps them goes on meanwhile.

    Raises:
        UnavailableError: PROJECTIONS_MISSING, PROJECTIONS_OUTDATED.
    """
    with ProjectionStore(file, form=form_of_projections(), read_only=True) as store:
        yield store


def work_page(file: Path, office: str, after: RowPlace | None, limit: int) -> WorkPage:
    """A page of an office's work list; the file is opened for it, so that a rebuilt one is seen at once.

    Raises:
        UnavailableError: PROJECTIONS_MISSING, PROJECTIONS_OUTDATED.
    """
    with reading(file) as store:
        rows = store.work_list(office, after=after, limit=limit + 1)
        return page_of(rows, limit, store.place().position)


def unpublished(file: Path, reader: LedgerReader, rules: Rules) -> list[list[HubDraft]]:
    """What the ledger does not hold yet of closed months: their tables, each with all its parts, and the digests of the
    projections, once a month.

    Args:
        file: The projections; nothing is due where they are missing.
        reader: The ledger.
        rules: The contracts in force.
    """
    if not file.exists():
        return []
    drafts: list[list[HubDraft]] = []
    with reading(file) as store:
        # The months before that of the last entry taken are whole: the time of recording never goes back.
        now = local_day(store.place().recorded_at).isoformat()[:7]
        for month in (month for month in store.months() if month < now):
            for statistic in load_statistics():
                first = part_id(statistic.name, month, 1)
                if not reader.recorded((first,)):
                    table = safe_table(statistic, store.statistics(statistic.name, month), rules)
                    drafts.append(drafts_of(parts_of(statistic.name, month, table)))
        drafts += _unpublished_digests(store, reader)
    return drafts


def _unpublished_digests(store: ProjectionStore, reader: LedgerReader) -> list[list[HubDraft]]:
    """The digests of the newest month that has closed and counted anything, if the ledger does not hold them yet."""
    now = local_day(store.place().recorded_at).isoformat()[:7]
    month = max((month for month in store.months() if month < now), default=None)
    if month is None or reader.recorded((digests_id(month),)):
        return []
    place, found = store.digests()
    return [[digests_draft(month, place.position, form_of_projections(), found)]]


def _digests(store: ProjectionStore) -> list[DigestAt]:
    found = [store.projection(name) for name in PROJECTIONS]
    return [DigestAt(one.name, one.position, one.digest()) for one in found]


def _remove(file: Path) -> None:
    """Remove a database; the journal goes last, it means nothing without its file."""
    for name in (file.name, f"{file.name}-shm", f"{file.name}-wal"):
        file.with_name(name).unlink(missing_ok=True)


class ProjectionsProgram:
    """Keeps the projections of a data folder up with its ledger while it runs; an async context.

    Args:
        data: The data folder.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._stack = AsyncExitStack()
        self._stop = asyncio.Event()
        self._job: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            file = projections_file(self._data)
            stack.enter_context(only_one(file.parent))
            reader = stack.enter_context(ledger_in(self._data))
            store = stack.enter_context(ProjectionStore(file, form=form_of_projections()))
            keep_loaded()
            bind_plainly()
            self._job = asyncio.create_task(self._follow(reader, store), name="projections")
            stack.push_async_callback(self._end)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _follow(self, reader: LedgerReader, store: ProjectionStore) -> None:
        rules, pause = contracts_in_force(is_sandbox=True), _SHORTEST_PAUSE_SECONDS
        follower = ProjectionFollower(reader=reader, store=store, rules=rules)
        while not self._stop.is_set():
            before = follower.position
            try:
                follower.turn()
            except UnavailableError as error:
                log.warning("page.missed", code=error.code)
                follower = ProjectionFollower(reader=reader, store=store, rules=rules)
            is_idle = follower.position == before
            pause = min(1.5 * pause, _LONGEST_PAUSE_SECONDS) if is_idle else _SHORTEST_PAUSE_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause if is_idle else 0)

    async def _end(self) -> None:
        """Let it save the page that it is at."""
        self._stop.set()
        await asyncio.wait((self._job,))

    async def failed(self) -> None:
        """Wait until it stops by itself, then raise its reason: FatalError."""
        await asyncio.shield(self._job)
