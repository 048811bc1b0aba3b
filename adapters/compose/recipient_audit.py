"""Whether a delivery point holds events 1 to n, none missing: with the whole ledger, or offline with published heads.

With a source, everything that had to be sent is derived from its entries and compared one by one. Offline, the inbox,
the receipts that its region signed and the receipt files of some `HeadsPublished` are enough; nobody is asked.
What is caught becomes evidence that somebody else can judge (`hub.delivery_evidence`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.compose.audit_sources import opened_source
from adapters.compose.entry_prover import entry_prover
from adapters.compose.foreign_auditing import policy_of
from adapters.compose.ledger_place import ledger_place
from adapters.compose.log_key_views import followed
from adapters.compose.parts import REGION_FILE, contracts_in_force
from adapters.compose.sources import SYSTEM, Trust
from adapters.region.inbox_file import InboxFile, inbox_file
from adapters.store.shelf import SpillingShelf
from contracts.errors import ExchangeError, UnavailableError
from contracts.event import Header, decode_event
from contracts.ids import HUB_REGION, Hash, KeyId, LeafIndex, PointId
from hub.admission import Rules
from hub.audit_errors import KeptError
from hub.audit_notes import check_genesis, check_log_keys, log_keys
from hub.audit_report import Progress
from hub.audit_source import Source
from hub.completeness import Complete, Due, IncompleteError, PublishedHead, check_complete
from hub.delivery_evidence import Compared, Prover, delivery_evidence
from hub.delivery_receipt import verify_delivery
from hub.directory import Directory
from hub.directory_values import SigningKey
from hub.head_file import read_head_files
from hub.replay import Replay
from hub.replay_ports import Delivery
from ledger.checkpoint import Checkpoint
from ledger.entry import EventEntry, decode_entry, encode_event_entry
from ledger.evidence_file import EvidenceFile
from ledger.exhibit import Proved
from ledger.heads import HEADS_PUBLISHED
from ledger.log_keys import LogKeys
from ledger.note import NoteVerifier
from ledger.policy import Policy
from ledger.proof import parse_proof

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
        evidence: Files that show it to others; none if nothing disagrees, or only what nobody but the region signed.
    """

    point: PointId
    origin: str
    size: int
    complete: Complete | None
    problem: ExchangeError | None = None
    evidence: tuple[EvidenceFile, ...] = ()


@dataclass(frozen=True, slots=True)
class _Voices:
    """What is compared, with what proves it."""

    published: Sequence[PublishedHead]
    due: Sequence[Due] | None
    log: NoteVerifier
    size: int
    keys: Mapping[KeyId, LeafIndex]
    prover: Callable[[frozenset[LeafIndex]], Prover]


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
        region = _region_file(inbox, ledger_place(source_text), point)
        ledger = _Ledger(opened.source, point, policy, rules, progress or (lambda done, size: None))
        voices = ledger.read(opened.shelf)
        return _compare(stack.enter_context(inbox_file(region)), point, voices, ledger.directory, rules)


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
        size = max((row.leaf_index + 1 for row in published), default=0)
        proved = {one.index: one for one in map(_proved, files)}
        voices = _Voices(published, None, policy.logs[0].verifier, size, {}, lambda indexes: proved.get)
        return _compare(file, point, voices, directory, rules)


def _proved(data: bytes) -> Proved:
    proof = parse_proof(data)
    return Proved(proof.index, proof.extra or b"", proof.path, proof.checkpoint)


def _compare(file: InboxFile, point: PointId, voices: _Voices, directory: Directory, rules: Rules) -> RecipientReport:
    """Compare, and make the evidence of what disagrees."""
    receipts = file.receipts(point)
    keys: dict[KeyId, SigningKey] = {key.key_id: key for key in directory.signing_keys()}
    for receipt in receipts:
        verify_delivery(receipt, keys.get(receipt.key_id))
    origin = voices.log.name
    try:
        complete = check_complete(
            point=point, held=file.held(point), published=voices.published, receipts=receipts, due=voices.due
        )
    except IncompleteError as error:
        held = list(file.held(point))
        compared = Compared(point, voices.log, held, voices.published, receipts, voices.due, voices.keys)
        evidence = delivery_evidence(compared, voices.prover, lambda body: rules.registry.decode_body(body)[1])
        return RecipientReport(point, origin, voices.size, None, error, tuple(evidence))
    return RecipientReport(point, origin, voices.size, complete)


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
        self._log_keys: LogKeys | None = None
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
        if self._policy is None:
            keys = log_keys(self._source, self._source.log_key(), lambda: self._rules.registry)
            check_genesis(replay.genesis, keys)
            check_log_keys(replay.directory, keys)
        self._progress(checkpoint.size, checkpoint.size)
        self.directory = replay.directory
        return _Voices(self._published, self._due, self._log(), checkpoint.size, self._keys, self._prover)

    def _checkpoint(self) -> Checkpoint:
        kept = self._source.checkpoint()
        policy = self._policy or policy_of(self._source.log_key(), None)
        self._note = kept.data
        try:
            if (chain := self._source.log_keys()) is not None:
                policy = followed(policy, chain.data)
                self._log_keys = policy.log_keys
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

    def _log(self) -> NoteVerifier:
        """The key that has signed the head that was read."""
        if self._log_keys is not None:
            return self._log_keys.at(self._size)[0]
        if self._policy is not None:
            return self._policy.logs[0].verifier
        return NoteVerifier.parse(self._source.log_key())

    def _prover(self, wanted: frozenset[LeafIndex]) -> Prover:
        return entry_prover(self._source, self._size, self._note, wanted)


def _region_file(inbox: Path | None, place: Path | None, point: PointId) -> Path:
    if inbox is not None:
        return inbox
    if place is None:
        raise UnavailableError("SOURCE_UNREADABLE", "say --inbox: whose file holds what the point was sent?")
    return place.parent.parent / "regions" / point[:2] / REGION_FILE
