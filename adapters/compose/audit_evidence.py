"""What shows others the thing that an audit found: entries with proofs under the signed head that was audited.

The entry that does not follow is put beside those that it may contradict: the genesis record, the registration and the
revocation of its key, the batch in front of it, the last and the next one of its producer, the first event with its id,
heads that were published before. Every claim that holds becomes a file; if none does, the entry itself with the code
that was found, which a replay up to it finds again. Kept checkpoints that are no beginning of the audited tree become
files too. What nobody signed, such as rows of the hub's own tables, cannot be shown to others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from adapters.compose.audit_sources import opened_source
from adapters.compose.parts import contracts_in_force
from adapters.compose.sources import SYSTEM, Trust
from contracts.errors import ExchangeError
from contracts.event import Header, decode_event
from contracts.ids import Hash, LeafIndex
from contracts.schema import SchemaRegistry
from hub.audit_report import Problem, Report
from hub.audit_source import Source
from hub.batch_suspicions import suspicions
from ledger.batch import decode_tbs
from ledger.checkpoint import parse_checkpoint
from ledger.compact import CompactRange, hash_leaf
from ledger.entry import BatchEntry, EventEntry, decode_entry
from ledger.evidence_file import EvidenceFile, Shown
from ledger.exhibit import Proved, checked, of_entries, of_prefix
from ledger.heads import HEADS_PUBLISHED
from ledger.note import NoteVerifier
from ledger.tree import NodeReader, appended_node_reader, prove_inclusion

_KEY_EVENTS: Final = (b"KeyRegistered", b"KeyRevoked", b"HubKeyReplaced")
_HEADS_TRIED: Final = 50
_Candidate = tuple[str, tuple[LeafIndex, ...], tuple[Shown, ...]]


def audit_evidence(report: Report, *, trust: Trust = SYSTEM) -> list[EvidenceFile]:
    """Make the evidence of what an audit found; the conclusive claims first.

    Args:
        report: Of an audit that found something.
        trust: As for the audit.

    Returns:
        Files that show it; none if nothing does not follow, or what was found nobody signed.

    Raises:
        UnavailableError: The source cannot be read again.
    """
    if report.problem is None or not report.size:
        return []
    with opened_source(report.source, trust=trust) as opened:
        return _Finding(opened.source, report.problem, NoteVerifier.parse(report.vkey), report.size).files()


@dataclass(slots=True)
class _Before:
    """What stands in front of the entry that does not follow."""

    entry: bytes = b""
    batch: LeafIndex | None = None
    last_of: dict[str, LeafIndex] = field(default_factory=dict)
    keys: list[tuple[LeafIndex, bytes]] = field(default_factory=list)
    heads: list[LeafIndex] = field(default_factory=list)
    same_id: LeafIndex | None = None


class _Finding:
    """One thing that an audit found, with the ledger read once more."""

    def __init__(self, source: Source, problem: Problem, log: NoteVerifier, size: int) -> None:
        self._source = source
        self._problem = problem
        self._log = log
        self._size = size
        self._note = source.checkpoint().data
        self._registry: SchemaRegistry = contracts_in_force(is_sandbox=True).registry
        self._leaves: list[Hash] = []

    def files(self) -> list[EvidenceFile]:
        """See `audit_evidence`."""
        self._leaves = [hash_leaf(data) for data in self._entries(self._size)]
        if len(self._leaves) != self._size:
            return []
        node = appended_node_reader(CompactRange(), self._leaves)
        found = list(self._of_notes(node))
        index = self._problem.index
        if index is not None and self._problem.place in (None, self._source.place(LeafIndex(index))):
            found += self._of_entry(LeafIndex(index), node)
        return found

    def _entries(self, end: int) -> Iterator[bytes]:
        yield from self._source.entries(LeafIndex(0), LeafIndex(end))

    def _of_notes(self, node: NodeReader) -> Iterator[EvidenceFile]:
        """Kept checkpoints that are no beginning of the audited tree."""
        tree, done = CompactRange(), 0
        for kept in self._source.notes(self._size):
            try:
                checkpoint = parse_checkpoint(kept.data, self._log)
            except ExchangeError:
                # Not signed by this log: it shows nothing of it.
                continue
            if not done <= checkpoint.size <= self._size:
                continue
            tree.extend(self._leaves[done : checkpoint.size])
            done = checkpoint.size
            if not done or tree.root() == checkpoint.root:
                continue
            yield from self._checked(self._of_note(kept.data, LeafIndex(done - 1), node))

    def _of_note(self, note: bytes, last: LeafIndex, node: NodeReader) -> EvidenceFile:
        """The file of a signed note whose last entry is `last` and whose root is not that of the audited tree."""
        if last + 1 == self._size:
            return EvidenceFile("TWO_ROOTS", self._log, (note, self._note))
        return of_prefix(self._log, note, self._note, self._leaves[last], prove_inclusion(node, last, self._size))

    def _of_entry(self, index: LeafIndex, node: NodeReader) -> Iterator[EvidenceFile]:
        before = self._before(index)
        needed = [*self._candidates(index, before)]
        entries = self._read({at for _, indexes, _ in needed for at in indexes} | {index})
        found: set[str] = set()
        for claim, indexes, shown in needed:
            if claim in found:
                continue
            proved = [
                Proved(at, entries[at], tuple(prove_inclusion(node, at, self._size)), self._note) for at in indexes
            ]
            for file in self._checked(of_entries(claim, self._log, proved, shown)):
                found.add(claim)
                yield file
        if not found:
            code = Shown("code", self._problem.code.encode("ascii"))
            proved = [self._proved(index, entries[index], node)]
            yield from self._checked(of_entries("ENTRY_UNEXPLAINED", self._log, proved, [code]))

    def _proved(self, index: LeafIndex, entry: bytes, node: NodeReader) -> Proved:
        return Proved(index, entry, tuple(prove_inclusion(node, index, self._size)), self._note)

    def _checked(self, file: EvidenceFile) -> Iterator[EvidenceFile]:
        try:
            checked(file, log=self._log, read_body=lambda body: self._registry.decode_body(body)[1])
        except ExchangeError:
            return
        yield file

    def _read(self, wanted: set[LeafIndex]) -> dict[LeafIndex, bytes]:
        end = max(wanted) + 1
        return {LeafIndex(at): data for at, data in enumerate(self._entries(end)) if at in wanted}

    def _candidates(self, index: LeafIndex, before: _Before) -> Iterator[_Candidate]:
        """Claims that may hold of the entry."""
        entry = decode_entry(before.entry)
        if isinstance(entry, BatchEntry):
            yield from self._of_batch(index, entry, before)
        elif isinstance(entry, EventEntry):
            if before.same_id is not None:
                yield "EVENT_TWICE", (before.same_id, index), ()
            if decode_event(entry.event).event_type == HEADS_PUBLISHED:
                for at in before.heads[-_HEADS_TRIED:]:
                    yield "TWO_COUNTS", (at, index), ()

    def _of_batch(self, index: LeafIndex, entry: BatchEntry, before: _Before) -> Iterator[_Candidate]:
        for claim, other in suspicions(entry, before.keys, self._registry):
            if other < index:
                yield claim, (other, index), ()
        if before.batch is not None:
            yield "TIME_BACKWARDS", (before.batch, index), ()
        producer = decode_tbs(entry.tbs).producer
        last, following = before.last_of.get(producer), self._next_of(producer, index)
        if last is not None:
            yield "BATCHES_DISORDERED", (last, index), ()
        if following is not None:
            yield "BATCHES_DISORDERED", (index, following), ()

    def _next_of(self, producer: str, index: LeafIndex) -> LeafIndex | None:
        """The next batch of a producer behind an entry: where two have changed places, it shows which."""
        entries = self._source.entries(LeafIndex(index + 1), LeafIndex(self._size))
        for at, data in enumerate(entries, index + 1):
            entry = decode_entry(data)
            if isinstance(entry, BatchEntry) and decode_tbs(entry.tbs).producer == producer:
                return LeafIndex(at)
        return None

    def _before(self, index: LeafIndex) -> _Before:
        """Read what stands in front of an entry."""
        before = _Before()
        for at, data in enumerate(self._entries(index + 1)):
            if at == index:
                before.entry = data
                break
            self._note_before(before, LeafIndex(at), data)
        entry = decode_entry(before.entry)
        if isinstance(entry, EventEntry):
            before.same_id = self._first_with(decode_event(entry.event), index)
        return before

    def _note_before(self, before: _Before, at: LeafIndex, data: bytes) -> None:
        entry = decode_entry(data)
        if isinstance(entry, BatchEntry):
            before.batch = at
            before.last_of[decode_tbs(entry.tbs).producer] = at
        elif isinstance(entry, EventEntry):
            if any(kind in data for kind in _KEY_EVENTS):
                before.keys.append((at, entry.event))
            elif HEADS_PUBLISHED.encode() in data:
                before.heads.append(at)

    def _first_with(self, header: Header, index: LeafIndex) -> LeafIndex | None:
        """The first event with the same id in front of an entry."""
        for at, data in enumerate(self._entries(index)):
            if bytes(header.event_id) not in data:
                continue
            entry = decode_entry(data)
            if isinstance(entry, EventEntry) and decode_event(entry.event).event_id == header.event_id:
                return LeafIndex(at)
        return None
