"""The hub's side of witnessing: asks its witnesses to cosign the newest checkpoint, again and again, beside traffic.

Rules kept here: all witnesses are asked for the same checkpoint until the quorum is reached, or a round has lasted too
long; only then comes the next one, so that signatures meet. Every witness has a task of its own: a slow or dead one
delays its own cosignature only, waits longer after each failure with jitter, and is asked for nothing else meanwhile.
Nothing here is on the way of a submission: what is recorded is recorded, cosigned or not.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from adapters.web.fetch import client
from adapters.web.witness_client import add_checkpoint
from contracts.errors import ContractError, EvidenceError, UnavailableError
from contracts.ids import TreeSize
from hub import evidence
from hub.ports import LedgerReader
from ledger.checkpoint import checkpoint_size
from ledger.policy import Policy, Witness
from ledger.witness import AddCheckpoint, MovedError

if TYPE_CHECKING:
    import aiohttp

POLL_SECONDS: Final = 0.1
CALL_SECONDS: Final = 5.0
ROUND_SECONDS: Final = 15.0
_PAUSE_SECONDS: Final = (0.2, 30.0)
log = structlog.get_logger()


class CosignatureStore(LedgerReader, Protocol):
    """A ledger that keeps what its witnesses signed."""

    def add_cosignatures(self, size: TreeSize, lines: Mapping[str, bytes]) -> None:
        """Keep verified lines by name of the witness."""

    def mark_witnessed(self, size: TreeSize, reached_at_ms: int) -> None:
        """Remember that the quorum is reached."""

    def cosignatures(self, size: TreeSize) -> Mapping[str, bytes]:
        """The lines of a size by name of the witness."""


@dataclass(frozen=True, slots=True)
class _Round:
    """One checkpoint that all witnesses are asked for."""

    size: TreeSize
    note: bytes
    started: float
    reached: asyncio.Event


class Follower:
    """Follows one ledger; `run` until it is cancelled.

    Args:
        store: The ledger.
        policy: Its witnesses with their addresses, and the quorum.
        call_seconds: Of one question to one witness.
        round_seconds: After which the next checkpoint comes although the quorum is not reached.
    """

    def __init__(
        self,
        store: CosignatureStore,
        policy: Policy,
        *,
        call_seconds: float = CALL_SECONDS,
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        self._store = store
        self._policy = policy
        self._call_seconds = call_seconds
        self._round_seconds = round_seconds
        self._round: _Round | None = None
        self._turn = asyncio.Condition()
        self._chance = random.Random()

    async def run(self) -> None:
        """Ask for ever."""
        asked = [(witness, witness.url) for witness in self._policy.witnesses if witness.url is not None]
        async with client(seconds=self._call_seconds) as session, asyncio.TaskGroup() as tasks:
            for witness, url in asked:
                tasks.create_task(self._follow(session, witness, url.rstrip("/")), name=f"witness {witness.name}")
            tasks.create_task(self._lead(), name="witnesses")

    async def _lead(self) -> None:
        """Choose what is asked for."""
        last = 0
        while True:
            with suppress(UnavailableError):
                note = await asyncio.to_thread(self._store.checkpoint)
                if note is not None and checkpoint_size(note) != last:
                    last = checkpoint_size(note)
                    await self._play(_Round(TreeSize(last), note, time.monotonic(), asyncio.Event()))
                    continue
            await asyncio.sleep(POLL_SECONDS)

    async def _play(self, played: _Round) -> None:
        async with self._turn:
            self._round = played
            self._turn.notify_all()
        try:
            async with asyncio.timeout(self._round_seconds):
                await played.reached.wait()
        except TimeoutError:
            log.warning("quorum.missed", size=played.size)

    async def _next(self, done: int) -> _Round:
        async with self._turn:
            while self._round is None or self._round.size == done:
                await self._turn.wait()
            return self._round

    async def _follow(self, session: aiohttp.ClientSession, witness: Witness, url: str) -> None:
        """Ask one witness, round after round."""
        done, known, failures = 0, TreeSize(0), 0
        while True:
            played = await self._next(done)
            try:
                line = await self._ask(session, witness, url, known, played)
                await self._collect(witness, line, played)
            except MovedError as moved:
                if moved.size > played.size or moved.size == known:
                    # It has seen more of this ledger than is here, or contradicts itself.
                    log.error("witness.disagreed", peer=witness.name, size=moved.size, code=moved.code)
                    failures = await self._rest(failures)
                known = moved.size
            except (UnavailableError, EvidenceError, ContractError) as error:
                level = log.error if error.family == "evidence" else log.warning
                level("witness.failed", peer=witness.name, size=played.size, code=error.code)
                failures = await self._rest(failures)
            else:
                done, known, failures = played.size, played.size, 0

    async def _ask(
        self, session: aiohttp.ClientSession, witness: Witness, url: str, known: TreeSize, played: _Round
    ) -> bytes:
        if known > played.size:
            raise MovedError(known, played.size)
        path = await asyncio.to_thread(evidence.consistency, self._store, known, played.size)
        request = AddCheckpoint(known, path, played.note)
        return await add_checkpoint(session, url, witness.verifier, request)

    async def _collect(self, witness: Witness, line: bytes, played: _Round) -> None:
        await asyncio.to_thread(self._store.add_cosignatures, played.size, {witness.name: line})
        names = await asyncio.to_thread(self._store.cosignatures, played.size)
        took_ms = round((time.monotonic() - played.started) * 1000)
        log.info("checkpoint.cosigned", peer=witness.name, size=played.size, duration_ms=took_ms)
        if not played.reached.is_set() and self._policy.is_reached(names):
            await asyncio.to_thread(self._store.mark_witnessed, played.size, time.time_ns() // 1_000_000)
            played.reached.set()

    async def _rest(self, failures: int) -> int:
        """Wait longer after each failure, never as long as another one waits."""
        low, high = _PAUSE_SECONDS
        await asyncio.sleep(min(high, low * 2**failures) * self._chance.uniform(0.5, 1.0))
        return min(failures + 1, 20)


def check_witnesses(policy: Policy, operator: str) -> None:
    """Check that nobody who runs a ledger is a witness for it.

    A witness is named `<two digits of its region>-<name>`, or `00-<name>` by the hub's own people, or `99-<name>` by
    somebody outside the regions.

    Args:
        policy: Witnesses of a ledger.
        operator: Region of who runs the ledger.

    Raises:
        ContractError: SETTINGS_INVALID.
    """
    for witness in policy.witnesses:
        region, dash, _ = witness.name.partition("-")
        if not dash or len(region) != 2 or not (region.isascii() and region.isdecimal()):
            raise ContractError(
                "SETTINGS_INVALID", f"witness {witness.name}: the name begins with who runs it, `44-…`", field="policy"
            )
        if region == operator:
            raise ContractError(
                "SETTINGS_INVALID", f"witness {witness.name}: who runs a ledger is no witness for it", field="policy"
            )
