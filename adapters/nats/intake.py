"""What a region does with runs that arrive: open, check, count, store once. No broker in here.

Rules kept here: a run is believed only after everything about it was checked against the region's own directory; a
repeat is stored no second time and its head must agree; what is missing before a run is asked for and checked the same
way; counters and notifications are stored in one transaction, before anybody is told. What disagrees stops the line:
from then on nothing is stored or acknowledged until a person has looked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, NamedTuple, Protocol

import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters.nats.messages import decode_run, is_sealed, open_run
from contracts.errors import ContractError, EvidenceError, UnavailableError
from contracts.event import leaf_hash
from contracts.ids import Hash, KeyId, LeafIndex, PointId, RegionCode
from hub.delivery_receipt import DeliveryReceipt
from hub.notification import KeyAt, NotificationRun, Received, verify_run
from ledger.heads import HEAD_ZERO, head_next
from ledger.log_keys import LogKeys
from ledger.note import NoteVerifier

DIRECTORY_SECONDS: Final = 20.0
"""How long a run waits for the region's directory to reach its last event."""
GAP_SECONDS: Final = 60.0
"""How long the missing runs may take to come."""

_log = structlog.get_logger()


class Standing(NamedTuple):
    """Where a delivery point stands: its last counter and the running hash after it."""

    n: int
    head: Hash


NOTHING: Final = Standing(0, HEAD_ZERO)
"""Where a point stands before its first notification."""


class InboxStore(Protocol):
    """Where received notifications are kept. One inbox uses it."""

    def standings(self) -> dict[PointId, tuple[int, Hash]]:
        """Where every delivery point stands that got anything."""

    def head_at(self, point: PointId, n: int) -> Hash | None:
        """The running hash after a stored notification; None if it is not stored."""

    def store(self, received: Sequence[Received]) -> None:
        """Store notifications and move their points' standings on, in one durable transaction."""

    def keep_receipts(self, receipts: Sequence[DeliveryReceipt]) -> None:
        """Keep what the region signs, the first of each counter, before it is sent; durable when this returns."""


class Heads(Protocol):
    """What the region knows of the ledger's head, whoever showed it: its gateway, this inbox, the common subject."""

    def see(self, note: bytes) -> object:
        """Compare a signed head with all others of its size; from now on it waits to be connected.

        Raises:
            EvidenceError: They contradict each other.
        """

    async def connect(self) -> None:
        """Have the exchange prove that all heads that wait are of one ledger.

        Raises:
            EvidenceError: They are not, or no proof was given.
            UnavailableError: The exchange cannot be reached.
        """


class Keeper(Protocol):
    """Keeps what others can check of what does not hold. It never raises for what it cannot get."""

    async def run(self, run: NotificationRun, head: Hash) -> None:
        """Keep what is wrong with a run; `head` is our own running hash after its last notification."""

    def gap(self, run: NotificationRun, held: int) -> None:
        """Keep that what lies between notification `held` and a run was asked for and not given."""


class Ports(NamedTuple):
    """What an intake needs from the rest of its region.

    Attributes:
        verifier: The ledger's key; what is known of its replacement comes from `log_keys`.
        directory_through: Waits until the region's directory holds every event up to a ledger index, and gives the
            batch keys that it and the genesis entry know; raises `UnavailableError` when it cannot get there.
        private_of: The private key of a delivery point with an id, if the region has it.
        fetch_runs: Asks the exchange for a point's runs again, starting with the one that holds a counter; gives the
            data of each, as on the broker.
        heads: What the region knows of the ledger's head; None where an intake stands without a gateway.
        keeper: Keeps evidence; None there too.
        log_keys: Gives the keys of the ledger, complete for a checkpoint; None where it never had another one.
    """

    verifier: NoteVerifier
    directory_through: Callable[[LeafIndex], Awaitable[KeyAt]]
    private_of: Callable[[PointId, KeyId], X25519PrivateKey | None]
    fetch_runs: Callable[[PointId, int], AsyncIterator[bytes]]
    heads: Heads | None = None
    keeper: Keeper | None = None
    log_keys: Callable[[bytes], Awaitable[LogKeys]] | None = None


class Intake:
    """The intake of one region's inbox. One task uses it.

    Args:
        region: Whose.
        store: Where notifications are kept.
        ports: The rest of the region.
    """

    def __init__(self, *, region: RegionCode, store: InboxStore, ports: Ports) -> None:
        self._region = region
        self._store = store
        self._ports = ports
        self._standings = {point: Standing(*standing) for point, standing in store.standings().items()}
        self._fresh: list[Received] = []

    @property
    def standings(self) -> dict[PointId, Standing]:
        """Where the points stand, counting what `flush` has not stored yet."""
        return dict(self._standings)

    async def take(self, point: PointId, data: bytes) -> None:
        """Check one run; what is new in it waits for `flush`.

        Args:
            point: Whose run it came as.
            data: As it arrived.

        Raises:
            EvidenceError: Something does not hold: stop the line.
            UnavailableError: The directory or the missing runs cannot be had now; nothing of this run was taken.
        """
        try:
            run = self._decode(point, data)
            standing = self._standings.get(point, NOTHING)
            if run.first_n > standing.n + 1:
                await self._fill(point, run)
            await self._accept(point, run)
        except ContractError as error:
            raise EvidenceError("RUN_INVALID", f"a run of {point} cannot be read: {error}") from error

    async def connect(self) -> None:
        """Prove that the heads of what was taken are of one ledger with all that the region was shown; before `flush`.

        Raises:
            EvidenceError: They are not: nothing of it may be stored.
            UnavailableError: The exchange cannot be reached.
        """
        if self._ports.heads is not None and self._fresh:
            await self._ports.heads.connect()

    def flush(self) -> None:
        """Store what was taken.

        Raises:
            FatalError: Whether it is stored is unknown.
        """
        if self._fresh:
            self._store.store(self._fresh)
            self._fresh = []

    def _decode(self, point: PointId, data: bytes) -> NotificationRun:
        if point[:2] != self._region:
            raise EvidenceError("RUN_INVALID", f"a run of {point} came to region {self._region}", field="point")
        if is_sealed(data):
            data = open_run(data, point=point, private_of=lambda key_id: self._ports.private_of(point, key_id))
        run = decode_run(data)
        if not run.notifications:
            raise EvidenceError("RUN_INVALID", f"a run of {point} holds nothing")
        return run

    async def _accept(self, point: PointId, run: NotificationRun) -> None:
        """Check a run that begins where the point stands or before, and take what is new in it."""
        try:
            await self._check(point, run)
        except EvidenceError:
            if self._ports.keeper is not None:
                await self._ports.keeper.run(run, self._ours(point, run))
            raise

    async def _check(self, point: PointId, run: NotificationRun) -> None:
        standing = self._standings.get(point, NOTHING)
        if run.last_n <= standing.n:
            self._check_repeat(point, run)
            return
        keys = await self._keys_through(run)
        known_head = self._head_at(point, run.first_n - 1)
        ports = self._ports
        log_keys = ports.verifier if ports.log_keys is None else await ports.log_keys(run.checkpoint)
        received = verify_run(run, point=point, known_head=known_head, verifier=log_keys, key_at=keys)
        if ports.heads is not None:
            ports.heads.see(run.checkpoint)
        self._fresh += received[standing.n + 1 - run.first_n :]
        self._standings[point] = Standing(run.last_n, run.head_after)

    def _ours(self, point: PointId, run: NotificationRun) -> Hash:
        """Our own running hash after a run: what is stored there, or what its events lead to from where we stand."""
        if run.last_n <= self._standings.get(point, NOTHING).n:
            return self._head_at(point, run.last_n)
        head = self._head_at(point, run.first_n - 1)
        for n, notification in enumerate(run.notifications, run.first_n):
            head = head_next(head, n, leaf_hash(notification.event))
        return head

    def _check_repeat(self, point: PointId, run: NotificationRun) -> None:
        ours = self._head_at(point, run.last_n)
        if run.point != point or run.head_after != ours:
            raise EvidenceError(
                "HEAD_MISMATCH", f"a repeat of {point} up to {run.last_n} has another head than {ours.hex()}"
            )

    def _head_at(self, point: PointId, n: int) -> Hash:
        """Our running hash after a notification that we have."""
        standing = self._standings.get(point, NOTHING)
        if n == standing.n:
            return standing.head
        waiting = next((r.head for r in self._fresh if r.point == point and r.n == n), None)
        head = HEAD_ZERO if n == 0 else waiting or self._store.head_at(point, n)
        if head is None:
            raise EvidenceError("RUN_INVALID", f"notification {n} of {point} is not stored here")
        return head

    async def _keys_through(self, run: NotificationRun) -> KeyAt:
        last = max(notification.leaf_index for notification in run.notifications)
        try:
            async with asyncio.timeout(DIRECTORY_SECONDS):
                return await self._ports.directory_through(last)
        except TimeoutError as error:
            raise UnavailableError("DIRECTORY_BEHIND", f"the directory did not reach entry {last} in time") from error

    async def _fill(self, point: PointId, behind: NotificationRun) -> None:
        """Ask for the notifications of a point that are missing before a run."""
        first_n, last_n = self._standings.get(point, NOTHING).n + 1, behind.first_n - 1
        _log.warning("gap.found", code="COUNTER_GAP", point=point, first_n=first_n, n=last_n)
        try:
            async with asyncio.timeout(GAP_SECONDS):
                async for data in self._ports.fetch_runs(point, first_n):
                    run = self._decode(point, data)
                    self._check_goes_on(point, run)
                    await self._accept(point, run)
                    if self._standings.get(point, NOTHING).n >= last_n:
                        return
        except TimeoutError as error:
            raise UnavailableError(
                "GAP_OPEN", f"notifications {first_n} to {last_n} of {point} did not come"
            ) from error
        # It answered, and what is missing was not in the answer.
        self._keep_gap(point, behind)
        raise UnavailableError("GAP_OPEN", f"the exchange gave no notification {last_n} of {point}")

    def _check_goes_on(self, point: PointId, run: NotificationRun) -> None:
        """Check that a run that was asked for begins where the point stands: an answer may not leave a gap itself."""
        n = self._standings.get(point, NOTHING).n
        if run.first_n > n + 1:
            self._keep_gap(point, run)
            raise EvidenceError("RUN_INVALID", f"asked for {n + 1} of {point}, the exchange goes on with {run.first_n}")

    def _keep_gap(self, point: PointId, behind: NotificationRun) -> None:
        if self._ports.keeper is not None:
            self._ports.keeper.gap(behind, self._standings.get(point, NOTHING).n)
