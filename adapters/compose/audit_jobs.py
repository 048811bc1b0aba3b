"""An audit divided between two processes.

Of a whole one the first reads, hashes and verifies, and the other replays; of a quick one the first reads and hashes,
and the other verifies.

Only a ledger in which everything follows is told from here. Whatever is found, and whatever becomes of the second
process, is left to the audit in one process, which says what comes first: so both ways give the same report.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, Final, Protocol, TypeAlias

from adapters.compose.audit_reader import FRAME_HEAD, HASHES, WHOLE
from adapters.compose.local_source import Opened
from adapters.compose.parts import contracts_in_force, contracts_of_evidence
from adapters.store.store_shelf import StoreShelf
from contracts.errors import ExchangeError, UnavailableError
from contracts.schema import load_registry
from hub.audit_forward import Passed
from hub.audit_hashes import PassedBatches, left_out
from hub.audit_notes import check_genesis, check_log_keys, log_keys, parse_kept
from hub.audit_payloads import PayloadCount
from hub.audit_report import Progress, Report, predecessor_of
from hub.audit_runs import RunCheck
from hub.audit_states import StatesAudit
from hub.directory import Directory
from hub.tally import Tally
from ledger.entry import GenesisEntry

HALVES: Final = 2
"""Processes into which an audit falls."""
_READER: Final = "adapters.compose.audit_reader"
_END_SECONDS: Final = 10
_STEP: Final = 1000
_PIPE_BYTES: Final = 1 << 20
"""Some frames: with less in between, each half waits whenever the other one is at its own work."""


ReaderProcess: TypeAlias = "Callable[[str, int, str, str], AbstractContextManager[Iterator[Any]]]"
"""Starts a reader of a source up to a size under a verifier key, of `WHOLE` or `HASHES`; gives what it writes, frame by
frame."""
_Counted: TypeAlias = "tuple[str, str, int, tuple[int, int, int] | None]"
"""Origin, root, checkpoints and payloads."""


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


class _Half(Protocol):
    """The half of an audit that is handed what a reader passes on: `StatesAudit`, `PassedBatches`."""

    @property
    def genesis(self) -> GenesisEntry | None:
        """Entry 0."""

    @property
    def directory(self) -> Directory:
        """As of the last entry."""

    @property
    def tally(self) -> Tally:
        """What was counted."""

    @property
    def runs(self) -> RunCheck:
        """Delivery runs, compared so far."""

    def take(self, passed: Passed[Any]) -> None:
        """Follow some entries."""

    def finish(self) -> None:
        """Compare what remains after the last entry."""


def audit_divided(
    name: str,
    opened: Opened,
    *,
    vkey: str | None,
    progress: Progress | None,
    worth_entries: int,
    hashes_only: bool,
    reader: ReaderProcess,
) -> Report | None:
    """Audit with a second process that reads.

    Args:
        name: The source in the auditor's words, which the second process opens too.
        opened: The same, open here.
        vkey: The log's verifier key as the auditor knows it; None asks the source.
        progress: Told now and then.
        worth_entries: Shorter ledgers are not divided.
        hashes_only: Leave out what events say.
        reader: Starts the second process.

    Returns:
        The report if everything follows; None if something does not, or if it could not be done like this.
    """
    source = opened.source
    told = progress or (lambda done, size: None)
    try:
        key = vkey or source.log_key()
        keys = log_keys(source, key, load_registry)
        size = parse_kept(source.checkpoint(), keys).size
        if size < worth_entries:
            return None
        with reader(name, size, key, HASHES if hashes_only else WHOLE) as frames:
            half = _half(opened, size, hashes_only=hashes_only)  # loads the contracts while the other process starts
            counted = _follow(frames, half, told, size)
        if counted is None:
            return None
        check_genesis(half.genesis, keys)
        check_log_keys(half.directory, keys)
        half.finish()
    except UnavailableError:
        raise
    except ExchangeError:
        return None
    origin, root, checkpoints, payloads = counted
    return Report(
        source=name,
        vkey=key,
        is_key_from_source=vkey is None,
        origin=origin,
        size=size,
        root=root,
        tally=half.tally,
        checkpoints=checkpoints,
        predecessor=predecessor_of(half.genesis),
        runs=half.runs.compared,
        payloads=None if payloads is None else PayloadCount(*payloads),
        not_checked=left_out(source) if hashes_only else (),
    )


def _half(opened: Opened, size: int, *, hashes_only: bool) -> _Half:
    if hashes_only:
        return PassedBatches(opened.source, contracts_of_evidence(), size)
    rules = contracts_in_force(is_sandbox=True)
    if isinstance(opened.shelf, StoreShelf):
        opened.shelf.leave_ids()
    return StatesAudit(source=opened.source, rules=rules, shelf=opened.shelf, size=size)


def _follow(frames: Iterator[Any], half: _Half, told: Progress, size: int) -> _Counted | None:
    """Hand on every frame; gives what the last one counts, None if it did not come."""
    done = 0
    for frame in frames:
        if isinstance(frame, tuple):
            return frame
        half.take(Passed(*frame))
        before, done = done, frame[0]
        if before // _STEP != done // _STEP:
            told(done, size)
    return None


@contextmanager
def reader_process(name: str, size: int, vkey: str, what: str) -> Iterator[Iterator[Any]]:
    """The second process and what it writes; it ends with the context."""
    command = [sys.executable, "-P", "-m", _READER, name, str(size), vkey, what]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, pipesize=_PIPE_BYTES) as process:
        if process.stdout is None:
            raise UnavailableError("SOURCE_UNREADABLE", "the second process of the audit has no output")
        try:
            yield frames_of(process.stdout)
            process.stdout.close()
            process.wait(_END_SECONDS)
        finally:
            process.kill()


def frames_of(stream: IO[bytes]) -> Iterator[Any]:
    """Whole frames; what a process that died has begun is left out."""
    while len(head := stream.read(FRAME_HEAD)) == FRAME_HEAD:
        size = int.from_bytes(head, "big")
        data = stream.read(size)
        if len(data) < size:
            return
        yield marshal.loads(data)
