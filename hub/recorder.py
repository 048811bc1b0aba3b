"""The one writer's rules: batches in, one commit, answers out.

One instance, one thread: the sequencer calls it. It decides in order, records once for all that it was given, and
answers only after the store says that it is durable.

Rules kept here: the bytes that arrived are the bytes that are hashed and stored; a repeat gets its original receipt,
the same id with other bytes a refusal that is itself recorded; a batch whose signature, key, chain or clock is wrong
records nothing; the time of recording never goes back, whatever the machine's clock does; state in memory moves with
what was decided, nobody is answered before it is durable, and when what the store holds is unknown the hub stops. While
one commit is written and becomes durable the next one is decided, and never more than one.
Not here: whether an event may enter (`hub.admission`), what the hub records by itself (`hub.application`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.errors import ConflictError, ContractError, ExchangeError, FatalError
from contracts.event import Header, decode_event
from contracts.ids import Hash, KeyId, LeafIndex, PointId, StreamId, TreeSize
from contracts.procedure_types import ERASE_COPIES
from hub import evidence
from hub.admission import Admitted, Rules, admit
from hub.answer import REPEATED, answer_again, answer_of
from hub.awaited import MatterLookup
from hub.commit import Proofs, Taken, commit_of
from hub.content import ContentEffect
from hub.directory import Directory
from hub.due_index import basis_of, derived, due_of
from hub.intake import ChainError, CheckedBatch, CheckedEvent, Repeat, batch_id_of, check_batch, read_header
from hub.matter import Matter, unpack
from hub.ports import Clock, Commit, ProducerState, Store, StoredEffect, StoredEntry, StoredPayload
from hub.precedent import Precedents
from hub.sealed import SealedStreams
from hub.submission import BatchAnswer, EventResult, Outcome, Refusal, SubmittedBatch
from hub.working import Working
from ledger.batch import batch_hash, chain_id
from ledger.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from ledger.entry import (
    BatchEntry,
    GenesisEntry,
    Refused,
    decode_entry,
    encode_batch_entry,
    encode_event_entry,
    event_of,
)
from ledger.note import NoteSigner, NoteVerifier
from ledger.tree import appended_node_reader, extended

MATTERS_IN_MEMORY = 20_000
_ZERO = Hash(bytes(32))
_ACCEPTED = Outcome.ACCEPTED
# Values of every event are made as `tuple.__new__(Kind, fields)`: the generated constructor takes three times as long.


class Recorder:
    """Decides about batches and records them.

    Args:
        store: Holds a ledger already.
        log_signer: Signs checkpoints; its name is the ledger's origin.
        next_signer: The key that takes its place or has just done so; None if there is none.
        hub_key: The hub's own key.
        next_hub_key: The key that takes its place or has just done so; None if there is none.
        rules: The contracts in force.
        clock: Hub time.

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
        next_signer: NoteSigner | None = None,
        next_hub_key: Ed25519PrivateKey | None = None,
    ) -> None:
        self._store = store
        self._origin = log_signer.name
        self._held = {signer.verifier: signer for signer in (log_signer, next_signer) if signer is not None}
        self.rules = rules
        self._clock = clock
        self._matters: dict[bytes, Matter] = {}
        self._precedents = Precedents()
        self._begun = self._recorded = 0
        self._producers: dict[str, ProducerState] = {}
        hub_keys = [key for key in (hub_key, next_hub_key) if key is not None]
        self._held_hub = {key.public_key().public_bytes_raw(): key for key in hub_keys}
        self._load()

    def _load(self) -> None:
        note = self._store.checkpoint()
        if note is None:
            raise FatalError("LEDGER_MISSING", "the store holds no ledger; make one with `pprd init`")
        (first,) = self._store.entries(LeafIndex(0), LeafIndex(1))
        genesis = decode_entry(first)
        if not isinstance(genesis, GenesisEntry):
            raise FatalError("STORE_DAMAGED", "the first entry is no genesis record")
        if (
            genesis.sandbox is not self.rules.is_sandbox
            or genesis.divisions_hash != self.rules.divisions.divisions_hash
        ):
            raise FatalError("STORE_DAMAGED", "this ledger was made with other settings: sandbox or divisions")
        self.genesis = genesis
        self.directory = Directory(self.rules.divisions)
        self.directory.hub_keys.begin(genesis.hub_key)
        for index, entry in self._store.directory_entries(LeafIndex(0)):
            self.directory.apply_event(index, entry, self.rules.registry)
        self._take_keys()
        checkpoint = parse_checkpoint(note, self.log_keys)
        self._signers(checkpoint.size + 1)
        self._tree = evidence.frontier(self._store, checkpoint.size)
        if self._tree.root() != checkpoint.root:
            raise FatalError("STORE_DAMAGED", "the stored tiles do not lead to the root of the last checkpoint")
        self._heads: dict[PointId, tuple[int, Hash]] = dict(self._store.heads())
        self._sealed = SealedStreams(self._store.sealed_streams(), self._store.closed_streams())
        self._is_scrubbed = self._store.scrub()
        self._edge: dict[tuple[int, int], bytes] = {}
        self._last_leaf_of: dict[bytes, tuple[Hash, LeafIndex]] = {}
        self._recorded_at = self._store.recorded_at()
        self.directory.editions.check_adopted(self.rules.editions)
        basis = basis_of(self.rules.editions)
        if self._store.due_basis() != basis:
            rows = derived(self._store, self.rules.procedures, self.now_ms(), self._sealed.streams)
            self._store.write_due(rows, basis)

    def _take_keys(self) -> None:
        """Find out which keys sign checkpoints and the hub's own batches, from the genesis record and the directory.

        Raises:
            FatalError: HUB_KEY_MISSING: the hub's own key is not at hand.
        """
        self.log_keys = self.directory.log_keys.keys(NoteVerifier.parse(self.genesis.log_key))
        hub = self.directory.hub_keys.in_use
        if hub is None or hub.public_key not in self._held_hub:
            told = "" if hub is None else hub.key_id.hex()
            raise FatalError("HUB_KEY_MISSING", f"key {told} of the hub's own batches is not at hand")
        self._hub_key, self._hub_key_id = self._held_hub[hub.public_key], hub.key_id

    def _signers(self, size: int) -> list[NoteSigner]:
        """Those who sign a checkpoint of a size.

        Raises:
            FatalError: LOG_KEY_MISSING: a key that has to sign is not at hand.
        """
        wanted = self.log_keys.at(size)
        missing = [key.key_id.hex() for key in wanted if key not in self._held]
        if missing:
            raise FatalError("LOG_KEY_MISSING", f"key {', '.join(missing)} of {self.log_keys.origin} is not at hand")
        return [self._held[key] for key in wanted]

    @property
    def reader(self) -> Store:
        """The store, for reading."""
        return self._store

    def now_ms(self) -> int:
        """Hub time: the clock's, but never before what is recorded already."""
        return max(self._clock.now_ms(), self._recorded_at)

    def submit(self, batches: Sequence[SubmittedBatch], *, about: Iterable[StreamId] = ()) -> list[BatchAnswer]:
        """Decide about batches in order and record them in one commit: `begin`, and what it gives, in one.

        Returns:
            One answer a batch, in order.

        Raises:
            FatalError: As `begin` and what it gives.
        """
        return self.begin(batches, about=about)()

    def begin(
        self, batches: Sequence[SubmittedBatch], *, about: Iterable[StreamId] = ()
    ) -> Callable[[], list[BatchAnswer]]:
        """Decide about batches in order and make one commit of them, which is not written yet.

        The next call may decide while this commit is written: memory has moved on, and what the store does not show
        yet is remembered here, of one commit.

        Args:
            batches: At least one; each is decided on its own, later ones see what earlier ones recorded.
            about: Matters of which they say something although they do not change them.

        Returns:
            Writes the commit, makes it durable and gives one answer a batch, in order; to be called once, in the order
            of the commits, from any thread. It raises FatalError if whether the commit is durable is unknown.

        Raises:
            FatalError: Our own state is unknown, or two commits are not durable yet; stop and load again.
            UnavailableError: STORE_BUSY: nothing was recorded, and what was decided is half known; the same.
        """
        if self._begun - self._recorded > 1:
            raise FatalError("STATE_UNKNOWN", "two commits are unfinished, and one is remembered")
        work = Working(TreeSize(self._tree.size), sealed=self._sealed)
        now = self.now_ms()
        checked = [self._check(batch, work, now) for batch in batches]
        known = self._look_up(checked, work)
        taken = [self._take(c, known, work, now) if isinstance(c, CheckedBatch) else c for c in checked]
        proofs, commit = self._close(work, now, about)

        def finish() -> list[BatchAnswer]:
            if commit is not None:
                self._record(commit)
            if work.effects:
                self._is_scrubbed = self._store.scrub()
            return [self._answer(batch, what, proofs) for batch, what in zip(batches, taken, strict=True)]

        return finish

    def _check(self, batch: SubmittedBatch, work: Working, now_ms: int) -> CheckedBatch | Repeat | Refusal:
        try:
            header = read_header(batch)
            state = work.producers.get(header.producer) or self.producer(header.producer)
            if header.batch_seq < state.next_seq:
                return Repeat(header)
            self.directory.check_open()
            key = self.directory.signer_of_batch(KeyId(batch.key_id), LeafIndex(work.start))
            checked = check_batch(batch, header, key=key, state=state, now_ms=now_ms, rules=self.rules)
        except ChainError as error:
            return error.refusal()
        except ExchangeError as error:
            return Refusal.of(error)
        work.producers[header.producer] = ProducerState(header.batch_seq + 1, batch_hash(batch.tbs))
        return checked

    def producer(self, producer: str) -> ProducerState:
        """Where a producer's chain of batches stands, as recorded."""
        state = self._producers.get(producer)
        return state or self._store.producer(producer) or ProducerState(0, _ZERO)

    def _look_up(self, checked: Sequence[object], work: Working) -> dict[bytes, LeafIndex]:
        """Fetch in two questions what the store knows: recorded event ids, and matters that are not in memory."""
        batches = [c for c in checked if isinstance(c, CheckedBatch)]
        headers = [header for c in batches for _, _, header in c.events if isinstance(header, Header)]
        # Not by taking the keys of the memory from a set: that walks through all of them.
        streams = {header.stream_id for header in headers if header.stream_id not in self._matters}
        for stream_id, packed in self._store.matters(sorted(streams)).items():
            self._matters[stream_id] = unpack(packed)
        return dict(self._store.recorded([header.event_id for header in headers]))

    def _take(self, checked: CheckedBatch, known: Mapping[bytes, LeafIndex], work: Working, now_ms: int) -> Taken:
        start = work.size
        results: list[EventResult] = []
        refused: list[Refused] = []
        accepted: list[tuple[CheckedEvent, Header, Admitted]] = []
        matters = partial(self._matter, work)
        for position, event in enumerate(checked.events):
            index = LeafIndex(start + 1 + len(accepted))
            _, leaf, header = event
            try:
                if isinstance(header, ContractError):
                    raise header
                event_id = header.event_id
                if event_id in work.leaf_of or event_id in self._last_leaf_of or event_id in known:
                    repeated = self._repeated(event, event_id, known, work)
                    results.append(EventResult(position, Outcome.REPEATED, repeated))
                    refused.append(Refused(position, leaf, REPEATED))
                    continue
                admitted = self._admit(checked, leaf, header, index, work, now_ms, matters)
            except ExchangeError as error:
                # What the store cannot say now is no reason to refuse an event for ever.
                if error.family == "fatal" or error.code == "STORE_BUSY":
                    raise
                results.append(EventResult(position, Outcome.REFUSED, None, Refusal.of(error)))
                refused.append(Refused(position, leaf, error.code))
                continue
            work.leaf_of[event_id] = (leaf, index)
            work.matters[header.stream_id] = admitted.matter
            accepted.append((event, header, admitted))
            results.append(tuple.__new__(EventResult, (position, _ACCEPTED, index, None)))
        submitted = checked.batch
        entry = encode_batch_entry(
            BatchEntry(submitted.tbs, submitted.signature, KeyId(submitted.key_id), now_ms, tuple(refused))
        )
        header_ = checked.header
        work.append(StoredEntry(chain_id(header_.producer), header_.batch_seq, "Batch", entry))
        for (data, leaf, _), header, admitted in accepted:
            self._accept(checked, data, leaf, header, admitted, work)
        return Taken(header_.batch_id, entry, LeafIndex(start), LeafIndex(work.size), tuple(results))

    def _repeated(
        self, event: CheckedEvent, event_id: bytes, known: Mapping[bytes, LeafIndex], work: Working
    ) -> LeafIndex:
        """Where an event is recorded whose id is.

        Raises:
            ConflictError: EVENT_ID_REUSED: the id is recorded with other bytes.
        """
        new = work.leaf_of.get(event_id) or self._last_leaf_of.get(event_id)
        if new is not None:
            leaf, index = new
        else:
            index = known[event_id]
            (stored,) = self._store.entries(index, LeafIndex(index + 1))
            leaf = event.leaf if stored == encode_event_entry(event.data) else _ZERO
        if leaf != event.leaf:
            raise ConflictError(
                "EVENT_ID_REUSED", f"entry {index} has the same event id and other bytes", field="event_id"
            )
        return index

    def _admit(
        self,
        checked: CheckedBatch,
        leaf: Hash,
        header: Header,
        index: LeafIndex,
        work: Working,
        now_ms: int,
        matters: MatterLookup,
    ) -> Admitted:
        stream_id, sealed = header.stream_id, work.sealed
        matter = work.matters.get(stream_id) or self._matters.get(stream_id)
        admitted = admit(
            header=header,
            leaf=leaf,
            matter=matter,
            key=checked.key,
            payloads=checked.payloads,
            rules=self.rules,
            directory=self.directory,
            now_ms=now_ms,
            matters=sealed.lookup(matters, header, self.rules.procedures) if sealed.streams else matters,
            is_hidden=stream_id in sealed.streams,
            takes_content=stream_id not in sealed.closed,
            precedents=self._precedents,
        )
        if header.event_class == "dir":
            self.directory.apply(index, header, admitted.body)
            work.directory.append(index)
        return admitted

    def _matter(self, work: Working, stream_id: bytes) -> Matter | None:
        """A matter as of the event that is decided about, whether or not this commit touches it."""
        matter = work.matters.get(stream_id) or self._matters.get(stream_id)
        if matter is None:
            packed = self._store.matters([stream_id]).get(stream_id)
            matter = None if packed is None else unpack(packed)
        return matter

    def _accept(
        self, checked: CheckedBatch, data: bytes, leaf: Hash, header: Header, admitted: Admitted, work: Working
    ) -> None:
        fields = (header.stream_id, header.stream_seq, header.event_type, encode_event_entry(data))
        index = work.append(tuple.__new__(StoredEntry, fields))
        work.event_ids.append((header.event_id, index))
        if admitted.points:
            work.deliver(index, leaf, header.event_class, admitted.points, self._heads)
        for number, ref in enumerate(header.sealed):
            payload = checked.payloads[ref.ciphertext_hash]
            work.payloads.append(StoredPayload(index, number, payload.envelope, payload.wrapped))
        if admitted.effect is not None:
            self._take_effect(index, header, admitted.effect, work)

    def _take_effect(self, index: LeafIndex, header: Header, effect: ContentEffect, work: Working) -> None:
        """What an event does to content is done in the transaction that records it."""
        work.sealed = work.sealed.after(effect)
        stored = StoredEffect(index, effect.does, effect.on)
        if effect.does == ERASE_COPIES:
            brought = self._store.recorded([effect.on])[effect.on]
            (data,) = self._store.entries(brought, LeafIndex(brought + 1))
            by = decode_event(event_of(data) or b"")
            stored = StoredEffect(index, effect.does, by.stream_id, brought, by.producer_office)
        work.effects.append(stored)

    def _close(
        self, work: Working, now_ms: int, about: Iterable[StreamId]
    ) -> tuple[Proofs, Commit] | tuple[None, None]:
        """Make the commit, then let memory follow. Until it is durable, nobody is answered."""
        if not work.entries:
            return None, None
        before, leaves = self._tree, work.leaves()
        node = appended_node_reader(before, leaves)
        self._tree = extended(before, leaves, node)
        if work.directory:
            self._take_keys()
        size = TreeSize(self._tree.size)
        note = sign_checkpoint(Checkpoint(self._origin, size, self._tree.root()), *self._signers(size))
        commit = commit_of(work, leaves, note, self._read_edge, now_ms, self._due(work, now_ms, about))
        self._begun += 1
        self._last_leaf_of = work.leaf_of
        self._edge = dict(commit.tiles)
        self._recorded_at = now_ms
        self._heads.update(work.heads)
        self._producers.update(work.producers)
        self._remember(work.matters)
        self._sealed = work.sealed
        return Proofs(note, work.size, node), commit

    def _record(self, commit: Commit) -> None:
        try:
            self._store.commit(commit)
        except ConflictError as error:
            raise FatalError("STATE_UNKNOWN", f"another writer has moved the store: {error.message}") from error
        self._recorded += 1

    def _due(self, work: Working, now_ms: int, about: Iterable[StreamId]) -> Mapping[bytes, int | None]:
        """Rows of the due index that change with a commit."""
        named = (*about, *(StreamId(effect.stream_id) for effect in work.effects))
        touched = [stream_id for stream_id in dict.fromkeys(named) if stream_id not in work.matters]
        changed: Mapping[bytes, Matter] = work.matters
        if touched:
            changed = {**changed, **{s: unpack(p) for s, p in self._store.matters(touched).items()}}

        def recorded(event_ids: Sequence[bytes]) -> Collection[bytes]:
            new = (i for i in event_ids if i in work.leaf_of or i in self._last_leaf_of)
            return {*self._store.recorded(event_ids), *new}

        sealed: dict[bytes, int | None] = {s: None for s in changed if s in work.sealed.streams}
        open_ = {s: matter for s, matter in changed.items() if s not in sealed} if sealed else changed
        return due_of(open_, self.rules.procedures, now_ms, recorded) | sealed

    def scrub(self) -> bool:
        """Take what was destroyed out of the store's logs, where a reader kept it there; says whether all is gone."""
        if not self._is_scrubbed:
            self._is_scrubbed = self._store.scrub()
        return self._is_scrubbed

    def _read_edge(self, level: int, index: int) -> bytes:
        """A tile at the right edge of the tree: as a rule one that the last commit wrote."""
        return self._edge.get((level, index)) or self._store.tile(level, index)

    def _remember(self, matters: Mapping[bytes, Matter]) -> None:
        self._matters.update(matters)
        for stream_id in list(islice(self._matters, max(0, len(self._matters) - MATTERS_IN_MEMORY))):
            del self._matters[stream_id]

    def _answer(self, batch: SubmittedBatch, what: Taken | Repeat | Refusal, proofs: Proofs | None) -> BatchAnswer:
        if isinstance(what, Refusal):
            return BatchAnswer(batch_id_of(batch), None, (), what)
        if isinstance(what, Repeat):
            return answer_again(batch, what.header, self.producer(what.header.producer), self._store)
        if proofs is None:
            raise FatalError("STORE_FAILED", "a batch was taken and nothing was recorded")
        return answer_of(what, proofs)
