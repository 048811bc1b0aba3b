"""A whole audit divided between two processes: one reads, hashes and verifies, the other replays.

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
from typing import IO, Any, Final, TypeAlias

from adapters.compose.audit_reader import FRAME_HEAD
from adapters.compose.audit_sources import Opened
from adapters.store.store_shelf import StoreShelf
from contracts.errors import ExchangeError, UnavailableError
from hub.admission import Rules
from hub.audit_forward import Passed
from hub.audit_notes import check_genesis, log_keys, parse_kept
from hub.audit_payloads import PayloadCount
from hub.audit_report import Progress, Report, predecessor_of
from hub.audit_states import StatesAudit

HALVES: Final = 2
"""Processes into which an audit falls."""
_READER: Final = "adapters.compose.audit_reader"
_END_SECONDS: Final = 10
_PIPE_BYTES: Final = 1 << 20
"""Some frames: with less in between, each half waits whenever the other one is at its own work."""


ReaderProcess: TypeAlias = "Callable[[str, int, str], AbstractContextManager[Iterator[Any]]]"
"""Starts a reader of a source up to a size under a verifier key; gives what it writes, frame by frame."""


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def audit_divided(
    name: str,
    opened: Opened,
    *,
    rules: Rules,
    vkey: str | None,
    progress: Progress | None,
    worth_entries: int,
    reader: ReaderProcess,
) -> Report | None:
    """Audit with a second process that reads.

    Args:
        name: The source in the auditor's words, which the second process opens too.
        opened: The same, open here.
        rules: The contracts.
        vkey: The log's verifier key as the auditor knows it; None asks the source.
        progress: Told now and then.
        worth_entries: Shorter ledgers are not divided.
        reader: Starts the second process.

    Returns:
        The report if everything follows; None if something does not, or if it could not be done like this.
    """
    source, shelf = opened.source, opened.shelf
    told = progress or (lambda done, size: None)
    try:
        key = vkey or source.log_key()
        keys = log_keys(source, key, rules.registry)
        checkpoint = parse_kept(source.checkpoint(), keys)
        if checkpoint.size < worth_entries:
            return None
        if isinstance(shelf, StoreShelf):
            shelf.leave_ids()
        states = StatesAudit(source=source, rules=rules, shelf=shelf, size=checkpoint.size)
        with reader(name, checkpoint.size, key) as frames:
            counted: tuple[str, str, int, tuple[int, int, int] | None] | None = None
            for frame in frames:
                if isinstance(frame, tuple):
                    counted = frame
                    break
                states.take(Passed(*frame))
                told(frame[0], checkpoint.size)
        if counted is None:
            return None
        check_genesis(states.replay.genesis, keys)
        states.finish()
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
        size=checkpoint.size,
        root=root,
        tally=states.replay.tally,
        checkpoints=checkpoints,
        predecessor=predecessor_of(states.replay.genesis),
        runs=states.runs.compared,
        payloads=None if payloads is None else PayloadCount(*payloads),
    )


@contextmanager
def reader_process(name: str, size: int, vkey: str) -> Iterator[Iterator[Any]]:
    """The second process and what it writes; it ends with the context."""
    command = [sys.executable, "-P", "-m", _READER, name, str(size), vkey]
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
