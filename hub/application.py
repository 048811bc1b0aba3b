"""The hub: what is submitted is recorded (`hub.recorder`), and the hub records what it does itself.

The directory, openings, heads and what time does are batches of the hub's own, signed with a key that it uses for
nothing else, and pass the same admission as everybody's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, islice

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.edition import FOUNDING
from contracts.errors import ConflictError, ExchangeError, FatalError, UnavailableError
from contracts.ids import HUB_PRODUCER, Hash, KeyId, LeafIndex, PointId, TreeSize
from hub.admission import Rules
from hub.answer import receipts_of
from hub.closing import open_matters
from hub.commit import commit_of
from hub.matter import unpack
from hub.opening_rate import OpeningLimits, OpeningRate
from hub.openings import Each, Found, Opened, OpenRequest, access_draft, check_request, find_payloads, replayed
from hub.own_batch import HubBatchMaker, HubDraft
from hub.ports import Clock, Entropy, Store, StoredEntry
from hub.recorder import Recorder
from hub.submission import BatchAnswer, EventReceipt, EventResult, Outcome
from hub.timers import Timekeeper
from hub.working import Working
from ledger.batch import MAX_BATCH
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.compact import root_of
from ledger.entry import GenesisEntry, Predecessor, encode_genesis
from ledger.note import NoteSigner

MAX_HEADS = 200


class Application(Recorder):
    """The hub of one ledger.

    Args:
        store: Holds a ledger already; see `create`.
        log_signer: Signs checkpoints; its name is the ledger's origin.
        next_signer: The key that takes its place or has just done so; None if there is none.
        hub_key: Signs the hub's own batches and nothing else.
        next_hub_key: The key that takes its place or has just done so; None if there is none.
        rules: The contracts in force.
        clock: Hub time.
        entropy: For ids of hub-made events.
        opening_limits: How much an office and an officer may ask for in an hour; None takes the usual numbers.

    Raises:
        FatalError: The store holds no ledger, or it does not fit these keys or itself.
    """

    def __init__(
        self,
        *,
        store: Store,
        log_signer: NoteSigner,
        hub_key: Ed25519PrivateKey,
        rules: Rules,
        clock: Clock,
        entropy: Entropy,
        opening_limits: OpeningLimits | None = None,
        next_signer: NoteSigner | None = None,
        next_hub_key: Ed25519PrivateKey | None = None,
    ) -> None:
        super().__init__(
            store=store,
            log_signer=log_signer,
            hub_key=hub_key,
            rules=rules,
            clock=clock,
            next_signer=next_signer,
            next_hub_key=next_hub_key,
        )
        self._entropy = entropy
        self._published: dict[PointId, int] = {}
        self._opening_rate = OpeningRate(opening_limits or OpeningLimits())
        self._timekeeper = Timekeeper(store, rules.procedures)

    @classmethod
    def create(
        cls,
        *,
        store: Store,
        log_signer: NoteSigner,
        hub_key: Ed25519PrivateKey,
        rules: Rules,
        clock: Clock,
        entropy: Entropy,
        predecessor: Predecessor | None = None,
    ) -> Application:
        """Make a new ledger in an empty store: entry 0 is its genesis record.

        Args:
            store: Empty.
            log_signer: As of the class.
            hub_key: As of the class.
            rules: As of the class.
            clock: As of the class.
            entropy: As of the class.
            predecessor: The closed ledger from which it goes on, under another origin.

        Raises:
            ConflictError: LEDGER_EXISTS: the store already holds one.
        """
        if store.size() != 0:
            raise ConflictError("LEDGER_EXISTS", f"the store already holds a ledger of {store.size()} entries")
        now = clock.now_ms()
        genesis = GenesisEntry(
            origin=log_signer.name,
            created_at=now,
            log_key=log_signer.verifier.vkey,
            hub_key=hub_key.public_key().public_bytes_raw(),
            edition=FOUNDING,
            sandbox=rules.is_sandbox,
            divisions_hash=Hash(rules.divisions.divisions_hash),
            clock_skew_ms=rules.clock_skew_ms,
            predecessor=predecessor,
        )
        work = Working(TreeSize(0))
        work.append(StoredEntry(bytes(16), 0, "Genesis", encode_genesis(genesis)))
        leaves = work.leaves()
        checkpoint = Checkpoint(log_signer.name, work.size, root_of(leaves))
        store.commit(commit_of(work, leaves, sign_checkpoint(checkpoint, log_signer), store.tile, now, {}))
        return cls(store=store, log_signer=log_signer, hub_key=hub_key, rules=rules, clock=clock, entropy=entropy)

    def record(self, drafts: Sequence[HubDraft]) -> list[LeafIndex]:
        """Record events that the hub makes: directory, heads, timers, openings.

        Args:
            drafts: At most 1,024.

        Returns:
            Ledger index of each, in order; of the first recording where one is a repeat.

        Raises:
            RuleError: LEDGER_CLOSED.
            ContractError: A body is not what its schema says; nothing is recorded.
            ExchangeError: One of them is refused, of the family of its code; its neighbours are recorded all the same.
        """
        answer = self._record_own(drafts)
        refusals = [r.refusal for r in answer.results if r.refusal is not None]
        if refusals:
            raise refusals[0].error()
        return [r.index for r in answer.results if r.index is not None]

    def _record_own(self, drafts: Sequence[HubDraft]) -> BatchAnswer:
        return self._begin_own(drafts)[0]()

    def _begin_own(self, drafts: Sequence[HubDraft]) -> tuple[Callable[[], BatchAnswer], tuple[bytes, ...]]:
        """As `begin`, for one batch of the hub's own; with its events."""
        self.directory.check_open()
        now = self.now_ms()
        edition = self.directory.editions.newest(now, self.rules.editions)
        maker = HubBatchMaker(self.rules, self._entropy, now, edition)
        streams = [d.stream_id for d in drafts if d.stream_id is not None]
        matters = {s: unpack(p) for s, p in self._store.matters(streams).items()}
        events = maker.events(drafts, matters)
        batch = maker.batch(events, self.producer(HUB_PRODUCER), self._hub_key, self._hub_key_id)
        finish = self.begin([batch], about=[draft.about for draft in drafts if draft.about is not None])

        def answer() -> BatchAnswer:
            (answer,) = finish()
            if answer.refusal is not None:
                raise FatalError("STATE_UNKNOWN", f"the hub refuses its own batch: {answer.refusal.error()}")
            return answer

        return answer, events

    def open_payload(self, request: OpenRequest) -> Opened:
        """Record an opening, then give the sealed payload.

        Raises:
            AccessError: The office may not open this, its clearance does not hold, or the request was answered before
                (OPEN_REPEATED).
            EvidenceError: The request is not signed by the key that it names.
            RuleError: CLOCK_SKEW, PAYLOAD_UNKNOWN; LEDGER_CLOSED: an opening could not be recorded any more.
            UnavailableError: OPEN_TOO_MANY: the office or its officer has asked too often in this hour.
        """
        (opened,) = self.begin_openings([request], lambda: None)()
        if isinstance(opened, ExchangeError):
            raise opened
        return opened

    def begin_openings(
        self, requests: Sequence[OpenRequest], wait: Callable[[], None], each: Each = map
    ) -> Callable[[], list[Opened | ExchangeError]]:
        """Decide about requests in order and write the records of those that may into one commit, one record each.

        Who asks is checked while the commit before becomes durable: signatures take the most time. What an office may
        open is read from the store, and so after it.

        Args:
            requests: At least one, of whichever offices; each is decided on its own.
            wait: Returns when no commit is unfinished; raises FatalError if that is unknown.
            each: Calls a function with every request and gives the results in order, from several threads if it likes.

        Returns:
            Makes the commit durable and gives what became of each request, in order, an error as `open_payload` raises
            it; to be called as what `begin` gives.

        Raises:
            FatalError: As `begin`.
        """
        now = self.now_ms()
        found = self._find(requests, now, wait, each)
        drafts = [
            access_draft(request, one.ref.profile)
            for request, one in zip(requests, found, strict=True)
            if isinstance(one, Found)
        ]
        if not drafts:
            return lambda: [one for one in found if not isinstance(one, Found)]
        finish, events = self._begin_own(drafts)

        def answers() -> list[Opened | ExchangeError]:
            answer = finish()
            results = zip(events, receipts_of(answer, events), answer.results, strict=True)
            return [
                _opened(request, one, *next(results)) if isinstance(one, Found) else one
                for request, one in zip(requests, found, strict=True)
            ]

        return answers

    def _find(
        self, requests: Sequence[OpenRequest], now_ms: int, wait: Callable[[], None], each: Each
    ) -> list[Found | ExchangeError]:
        """What each request asks for; the error where it may not have it."""
        asked = each(partial(self._refusal, now_ms=now_ms), requests)
        refused = [error or self._too_many(one, now_ms) for one, error in zip(requests, asked, strict=True)]
        left = [request for request, error in zip(requests, refused, strict=True) if error is None]
        wait()
        try:
            found = find_payloads(left, self._store, self.rules.procedures, self.directory) if left else []
        except ExchangeError as error:
            if error.family == "fatal":
                raise
            found = [error for _ in left]
        rest = iter(found)
        return [next(rest) if error is None else error for error in refused]

    def _refusal(self, request: OpenRequest, *, now_ms: int) -> ExchangeError | None:
        """Why a request is refused before it is looked at what it names; it changes nothing."""
        try:
            self.directory.check_open()
            key = self.directory.open_key(KeyId(request.key_id), LeafIndex(self._tree.size))
            check_request(request, key, self.directory, now_ms, self.rules.clock_skew_ms)
        except ExchangeError as error:
            if error.family == "fatal":
                raise
            return error
        return None

    def _too_many(self, request: OpenRequest, now_ms: int) -> ExchangeError | None:
        """Count a request that is otherwise in order; the refusal where there are too many."""
        try:
            self._opening_rate.take(request.office, request.officer, now_ms, request.reason)
        except UnavailableError as error:
            return error
        return None

    @property
    def is_closed(self) -> bool:
        """Whether the ledger has come to its end."""
        return self.directory.closed_at is not None

    def root(self) -> Hash:
        """Root over all entries."""
        return self._tree.root()

    def open_matters(self) -> int:
        """How many matters of offices have not come to an end."""
        return open_matters((packed for _, packed in self._store.all_matters()), self.rules.procedures)

    def publish_heads(self) -> LeafIndex | None:
        """Record the heads of delivery points that moved since they were last recorded; None if none did."""
        if self.is_closed:
            return None
        moved = [(p, n, h) for p, (n, h) in sorted(self._heads.items()) if self._published.get(p) != n]
        if not moved:
            return None
        rows = [{"point": p, "n": n, "head": h} for p, n, h in moved[:MAX_HEADS]]
        (index,) = self.record([HubDraft("HeadsPublished", "HEADS", {"heads": rows})])
        self._published.update((p, n) for p, n, _ in moved[:MAX_HEADS])
        return index

    def run_timers(self, limit: int = MAX_BATCH) -> int:
        """Record what time itself has done: expiries, suspensions, missed duties.

        What the hub refuses itself, because for example nobody serves a county any more, is recorded as refused,
        keeps nobody else waiting and is tried again after a pause.

        Args:
            limit: Events recorded by this call at most.

        Returns:
            How many were recorded; below `limit` means that nothing is left for now.
        """
        self.scrub()
        if self.is_closed:
            return 0
        now = self.now_ms()
        recorded = 0
        due = self._timekeeper.due(now)
        while recorded < limit and (drafts := list(islice(due, min(limit - recorded, MAX_BATCH)))):
            answer = self._record_own(drafts)
            self._timekeeper.put_off(drafts, answer.results, now)
            recorded += sum(result.outcome is Outcome.ACCEPTED for result in answer.results)
            # First what follows from these, so that no matter stands between two steps that belong together.
            moved = dict.fromkeys(draft.stream_id for draft in drafts if draft.stream_id is not None)
            due = chain(self._timekeeper.following(moved, now), due)
        return recorded


def _opened(
    request: OpenRequest, found: Found, event: bytes, receipt: EventReceipt | None, result: EventResult
) -> Opened | ExchangeError:
    """What an office gets once its opening is recorded; the error where it was not."""
    if result.outcome is not Outcome.ACCEPTED or receipt is None:
        return replayed(request, result.refusal)
    return Opened(found.envelope, found.wrapped, receipt, event)
