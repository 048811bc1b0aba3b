"""A witness that reads what it signs: it replays the new entries of a ledger before its second key cosigns.

The replay is the audit's own (`hub.replay`), carried on from checkpoint to checkpoint; it begins anew with each start
of the program. One thing that does not follow ends it for good: the first key still says that the ledger only grew, the
second one stays silent, and the log says which entry it was.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from adapters.compose.parts import contracts_in_force
from adapters.compose.sources import Trust, open_source
from adapters.store.shelf import SpillingShelf
from contracts.errors import ExchangeError, UnavailableError
from contracts.ids import LeafIndex
from contracts.schema import load_registry
from hub.audit_notes import log_keys, parse_kept
from hub.replay import Replay
from ledger.checkpoint import Checkpoint
from ledger.note import NoteVerifier

log = structlog.get_logger()


class Validator:
    """The running audit of one ledger; a context. Safe to call from any thread: all work is done on one of its own.

    Args:
        source: What `open_source` takes.
        verifier: A key of the log.
        ca: Certificates that may have signed the source's.
    """

    def __init__(self, source: str, verifier: NoteVerifier, ca: Path | None = None) -> None:
        self._verifier = verifier
        self._open = partial(_Running, source, verifier, ca)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pprd-validate")
        self._running: _Running

    def __enter__(self) -> Self:
        try:
            self._running = self._thread.submit(self._open).result()
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.submit(self._running.close).result()
        self._thread.shutdown()

    def catch_up(self) -> None:
        """Replay up to the source's own checkpoint, so that the first request does not wait for all of history."""
        self._thread.submit(self._running.catch_up).result()

    def follows(self, checkpoint: Checkpoint) -> bool:
        """Whether everything up to a checkpoint follows; False too where that cannot be found out now."""
        return (
            checkpoint.origin == self._verifier.name and self._thread.submit(self._running.follows, checkpoint).result()
        )


class _Running:
    """What belongs to the one thread."""

    def __init__(self, source: str, verifier: NoteVerifier, ca: Path | None) -> None:
        self._verifier = verifier
        self._done = 0
        self._is_sound = True
        with ExitStack() as stack:
            self._source = open_source(stack, source, Trust(ca))
            self._shelf = stack.enter_context(SpillingShelf())
            self._replay = Replay(rules=contracts_in_force(is_sandbox=True), shelf=self._shelf)
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Close the source and throw the replay away."""
        self._stack.close()

    def catch_up(self) -> None:
        """See `Validator.catch_up`."""
        try:
            keys = log_keys(self._source, self._verifier.vkey, load_registry)
            checkpoint = parse_kept(self._source.checkpoint(), keys)
        except ExchangeError as error:
            log.warning("replay.waited", code=error.code)
            return
        self.follows(checkpoint)

    def follows(self, checkpoint: Checkpoint) -> bool:
        """See `Validator.follows`."""
        if not self._is_sound or checkpoint.size < self._done:
            return False
        try:
            return self._advance(checkpoint)
        except UnavailableError as error:
            log.warning("replay.waited", size=checkpoint.size, code=error.code)
        except ExchangeError as error:
            self._stop(error.code)
        return False

    def _advance(self, checkpoint: Checkpoint) -> bool:
        for entry in self._source.entries(LeafIndex(self._done), LeafIndex(checkpoint.size)):
            self._replay.feed_all([entry])
            self._done += 1
        if self._done < checkpoint.size:
            log.warning("replay.waited", size=checkpoint.size, code="DIRECTORY_INCOMPLETE")
            return False
        self._shelf.finish()
        if self._replay.tree.root() != checkpoint.root or not self._replay.is_between_batches:
            self._stop("LEDGER_UNEXPLAINED")
            return False
        return True

    def _stop(self, code: str) -> None:
        self._is_sound = False
        log.error("ledger.unexplained", index=self._done, code=code)
