"""Whether a delivery point holds events 1 to n, none missing: with the whole ledger, or offline with published heads.

With a source, everything that had to be sent is derived from its entries and compared one by one. Offline, the inbox,
the receipts that its region signed and the receipt files of some `HeadsPublished` are enough; nobody is asked.
What is caught is kept as evidence that somebody else can judge (`hub.disagreement`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.compose.audit_sources import ledger_file, opened_source
from adapters.compose.foreign_auditing import policy_of
from adapters.compose.parts import REGION_FILE, contracts_in_force
from adapters.compose.sources import SYSTEM, Trust
from adapters.region.inbox_file import InboxFile, inbox_file
from adapters.store.shelf import SpillingShelf
from contracts.errors import ExchangeError, UnavailableError
from contracts.event import Header, decode_event
from contracts.ids import HUB_REGION, Hash, KeyId, LeafIndex, PointId
from hub.admission import Rules
from hub.audit_errors import KeptError
from hub.audit_report import Progress
from hub.audit_source import Source
from hub.completeness import Complete, Due, Held, IncompleteError, PublishedHead, check_complete
from hub.delivery_receipt import DeliveryReceipt, verify_delivery
from hub.directory import Directory
from hub.directory_values import SigningKey
from hub.disagreement import Disagreement, format_disagreement
from hub.head_file import HEADS_PUBLISHED, read_head_files
from hub.replay import Delivery, Replay
from ledger.checkpoint import Checkpoint
from ledger.compact import CompactRange, hash_leaf
from ledger.entry import EventEntry, decode_entry, encode_event_entry
from ledger.policy import Policy
from ledger.proof import TlogProof, format_proof
from ledger.tree import appended_node_reader, prove_inclusion

_HEADS: Final = HEADS_PUBLISHED.encode()
_KEY: Final = b"KeyRegistered"


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What was found of one delivery point.

    Attributes:
        point: Whose.
        origin: The ledger.
        size: Entries of the ledger that were read; the size of the newest proved head offline.
        complete: What is held and how far it is confirmed; None if something disagrees.
        problem: The first thing that disagrees.
        evidence: A file that shows it to others; None if nothing disagrees.
    """

    point: PointId
    origin: str
    size: int
    complete: Complete | None
    problem: ExchangeError | None = None
    evidence: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Voices:
    """What is compared, with what proves it."""

    published: Sequence[PublishedHead]
    due: Sequence[Due] | None
    origin: str
    size: int
    prove_heads: Callable[[], Sequence[bytes]]
    prove_keys: Callable[[frozenset[KeyId]], Sequence[bytes]]


def audit_recipient(
    source_text: str,
    point: PointId,
    *,
    policy: Policy | None = None,
    inbox: Path | None = None,
    trust: Trust = SYSTEM,
    progress: Progress | None = None,
) -> RecipientReport:
    """Compare what a point holds with everything that the ledger says it had to get.

    Args:
        source_text: A data folder, `HOST:PORT`, an exported folder, or the address of a published ledger.
        point: The delivery point.
        policy: Whose signatures under the ledger's head count; None trusts the key that the source names.
        inbox: The region's file; None is that of the point's region in the data folder.
        trust: Whom the reader believes and what it shows.
        progress: Told how many of how many entries are read.

    Raises:
        UnavailableError: The source or the inbox cannot be read.
        EvidenceError: The ledger itself does not follow: nothing can be said of a recipient.
    """
    rules = contracts_in_force(is_sandbox=True)
    with ExitStack() as stack:
        opened = stack.enter_context(opened_source(source_text, trust=trust))
        region = _region_file(inbox, ledger_file(source_text), point)
        ledger = _Ledger(opened.source, point, policy, rules, progress or (lambda done, size: None))
        voices = ledger.read(opened.shelf)
        return _compare(stack.enter_context(inbox_file(region)), point, voices, ledger.directory)


def audit_recipient_offline(inbox: Path, point: PointId, *, heads: Iterable[bytes], policy: Policy) -> RecipientReport:
    """The same without a ledger: up to the newest head in the receipt files.

    Args:
        inbox: The region's file, whose own directory says which keys sign its receipts.
        point: The delivery point.
        heads: Receipt files of `HeadsPublished` events.
        policy: Whose signatures under them count.

    Raises:
        UnavailableError: SOURCE_UNREADABLE.
        ContractError, EvidenceError: A receipt file cannot be read or does not hold.
    """
    rules = contracts_in_force(is_sandbox=True)
    files = list(heads)
    published = read_head_files(files, point=point, policy=policy, registry=rules.registry)
    with inbox_file(inbox) as file:
        directory = Directory(rules.divisions)
        for index, event in file.directory_events():
            directory.apply_event(index, encode_event_entry(event), rules.registry)
        log = policy.logs[0].verifier.name
        size = max((row.leaf_index + 1 for row in published), default=0)
        voices = _Voices(published, None, log, size, lambda: files, lambda keys: ())
        return _compare(file, point, voices, directory)


def _compare(file: InboxFile, point: PointId, voices: _Voices, directory: Directory) -> RecipientReport:
    """Compare, and keep the evidence of what disagrees."""
    receipts = file.receipts(point)
    keys: dict[KeyId, SigningKey] = {key.key_id: key for key in directory.signing_keys()}
    for receipt in receipts:
        verify_delivery(receipt, keys.get(receipt.key_id))
    try:
        complete = check_complete(
            point=point, held=file.held(point), published=voices.published, receipts=receipts, due=voices.due
        )
    except IncompleteError as error:
        evidence = _evidence(error, list(file.held(point)), receipts, voices)
        return RecipientReport(point, voices.origin, voices.size, None, error, evidence)
    return RecipientReport(point, voices.origin, voices.size, complete)


def _evidence(
    error: IncompleteError, held: Sequence[Held], receipts: Sequence[DeliveryReceipt], voices: _Voices
) -> bytes:
    proofs = voices.prove_keys(frozenset(receipt.key_id for receipt in receipts))
    shown = tuple(receipts) if proofs else ()
    return format_disagreement(
        Disagreement(
            point=error.point,
            code=error.code,
            n=error.n,
            finding=error.message,
            held=tuple(held),
            due=None if voices.due is None else tuple(voices.due),
            published=tuple(voices.prove_heads()),
            receipts=shown,
            keys=tuple(proofs),
        )
    )


class _Ledger:
    """Reads a whole ledger for one recipient: replay, published heads, and proofs of what is needed as evidence."""

    def __init__(self, source: Source, point: PointId, policy: Policy | None, rules: Rules, progress: Progress) -> None:
        self._source = source
        self._point = point
        self._policy = policy
        self._rules = rules
        self._progress = progress
        self._due: list[Due] = []
        self._published: list[PublishedHead] = []
        self._keys: dict[KeyId, LeafIndex] = {}
        self._note = b""
        self._size = 0
        self.directory = Directory(rules.divisions)

    def read(self, shelf: SpillingShelf) -> _Voices:
        """Derive everything once.

        Raises:
            EvidenceError: The ledger does not follow.
        """
        checkpoint = self._checkpoint()
        self._size = checkpoint.size
        replay = Replay(rules=self._rules, shelf=shelf, observer=self)
        for index, data in enumerate(self._source.entries(LeafIndex(0), LeafIndex(checkpoint.size))):
            replay.feed(data)
            if _HEADS in data or _KEY in data:
                self._note_event(LeafIndex(index), data)
            if not index % 1000:
                self._progress(index, checkpoint.size)
        shelf.finish()
        if replay.tally.entries != checkpoint.size or replay.tree.root() != checkpoint.root:
            raise KeptError(
                "LEDGER_UNEXPLAINED",
                f"{replay.tally.entries} entries lead to root {replay.tree.root().hex()}; signed is"
                f" {checkpoint.root.hex()} over {checkpoint.size}",
            )
        if self._policy is None and (replay.genesis is None or replay.genesis.log_key != self._source.log_key()):
            raise KeptError("LEDGER_UNEXPLAINED", "the genesis record names another key", index=0)
        self._progress(checkpoint.size, checkpoint.size)
        self.directory = replay.directory
        return _Voices(
            self._published, self._due, checkpoint.origin, checkpoint.size, self._prove_heads, self._prove_keys
        )

    def _checkpoint(self) -> Checkpoint:
        kept = self._source.checkpoint()
        policy = self._policy or policy_of(self._source.log_key(), None)
        self._note = kept.data
        try:
            return policy.verify(kept.data).checkpoint
        except ExchangeError as error:
            raise KeptError(error.code, error.message, place=kept.place) from error

    def delivered(self, delivery: Delivery) -> None:
        """See `hub.replay.Observer`."""
        if delivery.point == self._point:
            self._due.append(Due(delivery.n, delivery.entry, delivery.head))

    def content(self, index: LeafIndex, header: Header) -> None:
        """See `hub.replay.Observer`: payloads are not compared here."""

    def _note_event(self, index: LeafIndex, data: bytes) -> None:
        entry = decode_entry(data)
        header = decode_event(entry.event) if isinstance(entry, EventEntry) else None
        if header is None or header.producer_region != HUB_REGION:
            return
        if header.event_type == HEADS_PUBLISHED:
            rows = self._rules.registry.decode_body(header.body)[1]["heads"]
            self._published += [
                PublishedHead(row["n"], Hash(row["head"]), index) for row in rows if row["point"] == self._point
            ]
        elif header.event_type == "KeyRegistered":
            self._keys[KeyId(self._rules.registry.decode_body(header.body)[1]["key_id"])] = index

    def _prove_heads(self) -> Sequence[bytes]:
        return self._prove([row.leaf_index for row in self._published])

    def _prove_keys(self, keys: frozenset[KeyId]) -> Sequence[bytes]:
        return self._prove(sorted(self._keys[key] for key in keys if key in self._keys))

    def _prove(self, indexes: Sequence[LeafIndex]) -> Sequence[bytes]:
        """Receipt files under the head that was read; the entries are hashed once more, as evidence is seldom made."""
        if not indexes:
            return ()
        wanted = set(indexes)
        entries: dict[int, bytes] = {}
        leaves: list[Hash] = []
        for index, data in enumerate(self._source.entries(LeafIndex(0), LeafIndex(self._size))):
            leaves.append(hash_leaf(data))
            if index in wanted:
                entries[index] = data
        node = appended_node_reader(CompactRange(), leaves)
        return [
            format_proof(TlogProof(index, tuple(prove_inclusion(node, index, len(leaves))), self._note, entries[index]))
            for index in indexes
        ]


def _region_file(inbox: Path | None, ledger: Path | None, point: PointId) -> Path:
    if inbox is not None:
        return inbox
    if ledger is None:
        raise UnavailableError("SOURCE_UNREADABLE", "say --inbox: whose file holds what the point was sent?")
    return ledger.parent.parent / "regions" / point[:2] / REGION_FILE
