"""The audit of an exported ledger, in the order in which it derives (`docs/spec/replay.md`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from docs.spec.reference.avro import Record, Schemas
from docs.spec.reference.directory import Directory, Divisions, Key
from docs.spec.reference.export import Export
from docs.spec.reference.log_keys import CHANGES, LogKeys, read_chain
from docs.spec.reference.matter import Matter, Procedures, after, check_place
from docs.spec.reference.note import LogKey, check_proof, parse_proof, parse_vkey, verify
from docs.spec.reference.openings import Payloads, check_opening
from docs.spec.reference.records import (
    GENESIS,
    Batch,
    batch_root,
    event_leaf,
    next_head,
    read_batch,
    read_entry,
    read_event,
)
from docs.spec.reference.routing import points
from docs.spec.reference.tree import leaf_hash, root_of, sha256
from docs.spec.reference.unproved import UnprovedError, expect
from docs.spec.reference.witness import Policy, check_quorum

_LOG_KEYS = "log/log-keys"
"""Where an export has the chain of the log's keys, if there was more than one."""


class Report(NamedTuple):
    """What an audit found to hold. `heads` is counter and running hash of each delivery point; `cosigned` says of the
    witnesses of the reader's own policy who has seen the checkpoint, and when; None without a policy."""

    origin: str
    size: int
    root: bytes
    events: Counter[str]
    refusals: Counter[str]
    heads: dict[str, tuple[int, bytes]]
    checkpoints: int
    receipts: int
    openings: int
    cosigned: dict[str, int] | None


class Contracts(NamedTuple):
    """The data of the specification: schemas, procedures, divisions and the hash of their list."""

    schemas: Schemas
    procedures: Procedures
    divisions: Divisions
    divisions_hash: bytes

    @classmethod
    def of(cls, folder: Path) -> Contracts:
        """Read the folder `contracts` of a release."""
        file = folder / "data" / "divisions.csv"
        return cls(
            Schemas(folder / "avro"), Procedures(folder / "procedures"), Divisions(file), sha256(file.read_bytes())
        )


class Step(NamedTuple):
    """What followed from one entry. Only what is said of its kind is there; `told` is point, counter, running hash."""

    kind: str
    producer: str | None = None
    key_id: bytes | None = None
    event_type: str | None = None
    state: str | None = None
    told: tuple[tuple[str, int, bytes], ...] = ()


class _Open(NamedTuple):
    """A batch whose events are being read."""

    batch: Batch
    key: Key
    refused: list[dict[str, Any]]
    leaves: list[bytes]


class Replay:
    """Derives a ledger again, one entry a call.

    Args:
        contracts: Of the release.
        log_key: The key that the genesis entry must name.
    """

    def __init__(self, contracts: Contracts, log_key: LogKey) -> None:
        self.schemas = contracts.schemas
        self.procedures = contracts.procedures
        self.directory = Directory(contracts.divisions)
        self.leaves: list[bytes] = []
        self.heads: dict[str, tuple[int, bytes]] = {}
        self.events: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self._divisions_hash = contracts.divisions_hash
        self.log_keys = LogKeys(log_key)
        self._is_closed = False
        self._skew_ms = 0
        self._is_sandbox = False
        self._recorded_at = 0
        self._producers: dict[str, tuple[int, bytes]] = {}
        self._open: _Open | None = None
        self._matters: dict[bytes, Matter] = {}
        self._payloads: dict[bytes, Payloads] = {}
        self.openings = 0

    def take(self, entry: bytes) -> Step:
        """Take the next entry.

        Returns:
            What follows from it.

        Raises:
            UnprovedError: It does not follow from those before it.
        """
        index = len(self.leaves)
        record = read_entry(entry, self.schemas)
        expect((index == 0) == (record.name in GENESIS), "a genesis entry stands first, and nowhere else")
        expect(not self._is_closed, "the ledger was closed by the entry before")
        match record.name:
            case "GenesisEntry" | "SuccessorGenesisEntry":
                self._genesis(record.fields)
                step = Step(record.name)
            case "BatchEntry":
                step = self._batch(index, record.fields)
            case _:
                step = self._event(index, record)
        self.leaves.append(leaf_hash(entry))
        return step

    def finish(self) -> None:
        """Check that nothing is outstanding after the last entry.

        Raises:
            UnprovedError: Events of the last batch are missing.
        """
        expect(self._open is None, "events of the last batch are missing")

    def _genesis(self, genesis: dict[str, Any]) -> None:
        key = parse_vkey(genesis["log_key"])
        expect(
            key == self.log_keys.spans[0].key and genesis["origin"] == key.name, "the genesis entry names another log"
        )
        expect(genesis["divisions_hash"] == self._divisions_hash, "the ledger was made with other divisions")
        self.directory.begin(genesis["hub_key"])
        self._skew_ms, self._is_sandbox = genesis["clock_skew_ms"], genesis["sandbox"]
        self._recorded_at = genesis["created_at"]

    # -- batches

    def _batch(self, index: int, entry: dict[str, Any]) -> Step:
        expect(self._open is None, "events of the batch before are missing")
        expect(entry["recorded_at"] >= self._recorded_at, "recorded before the batch in front of it")
        self._recorded_at = entry["recorded_at"]
        batch = read_batch(entry["tbs"])
        known = self.directory.keys.get(entry["key_id"])
        purpose = "hub-events" if known is not None and known.producer == "00-hub" else "batch"
        key = self.directory.key(entry["key_id"], purpose, index)
        expect(key.producer == batch.producer, "the key is that of another producer")
        verify(key.public_key, entry["signature"], entry["tbs"])
        place = self._producers.get(batch.producer, (0, bytes(32)))
        expect((batch.batch_seq, batch.prev_batch) == place, "the batch does not follow the producer's last one")
        expect(batch.created_ms - entry["recorded_at"] <= self._skew_ms, "the batch was made in the future")
        self._producers[batch.producer] = batch.batch_seq + 1, sha256(entry["tbs"])
        self.refusals.update(one["code"] for one in entry["refused"])
        self._open = _Open(batch, key, entry["refused"], [])
        self._close_if_complete()
        return Step("BatchEntry", batch.producer, entry["key_id"])

    def _close_if_complete(self) -> None:
        """A batch is complete with its last event; then the signed root must be that of all its events."""
        if self._open is not None and len(self._open.leaves) + len(self._open.refused) >= self._open.batch.n:
            root = batch_root(self._open.batch, self._open.leaves, self._open.refused)
            expect(root == self._open.batch.root, "the signed root is not that of the events and refusals")
            self._open = None

    # -- events

    def _event(self, index: int, record: Record) -> Step:
        if self._open is None:
            raise UnprovedError("an event stands where no batch promised one")
        leaf = event_leaf(record)
        header = read_event(record.fields["event"], self.schemas)
        expect(header["producer_region"] == self._open.key.region, "the event is of another region than its key")
        expect(header["sandbox"] == self._is_sandbox, "the event is not of this kind of ledger")
        expect(header["event_id"] not in self._payloads, "the event stands here a second time")
        self._payloads[header["event_id"]] = Payloads.of(header)
        name, body = self.schemas.read(header["body"])
        expect(name == header["event_type"] + "Body", "the body is that of another event")
        step = self._follow(index, header, body, leaf)
        self.events[header["event_type"]] += 1
        self._open.leaves.append(leaf)
        self._close_if_complete()
        return step

    def _follow(self, index: int, header: dict[str, Any], body: dict[str, Any], leaf: bytes) -> Step:
        """The matter after the event, then who is told of it, then what it says of directory and heads."""
        before = self._matters.get(header["stream_id"])
        check_place(before, header)
        procedure = self.procedures.of(header)
        row = self.procedures.row(header, body, None if before is None else before.state, self.directory)
        matter = after(before, procedure, row, header, body, leaf, self.directory)
        self._matters[header["stream_id"]] = matter
        told = points(row, header, body, before, matter, self.directory)
        for point in told:
            n, head = self.heads.get(point, (0, bytes(32)))
            self.heads[point] = n + 1, next_head(head, n + 1, leaf)
        if header["event_type"] == "AccessRecorded":
            check_opening(index, header, body, self._payloads.get(body["opened_event"]), self.directory)
            self.openings += 1
        if header["class"] == "dir":
            self.directory.apply(index, header["event_type"], body)
        if header["event_type"] in CHANGES:
            self.log_keys.apply(index, header["event_type"], body)
        self._is_closed = header["event_type"] == "LedgerClosed"
        if header["event_type"] == "HeadsPublished":
            for one in body["heads"]:
                found = self.heads.get(one["point"])
                expect(found == (one["n"], one["head"]), f"the published head of {one['point']} is another one")
        heads = tuple((point, *self.heads[point]) for point in told)
        return Step("EventEntry", event_type=header["event_type"], state=matter.state, told=heads)


def log_keys_of(export: Export, contracts: Contracts) -> LogKeys:
    """The keys of the log: that of the policy, and those to which the chain leads from it.

    Raises:
        UnprovedError: The policy or the chain does not hold.
    """
    with _at("policy"):
        trusted = parse_vkey(export.vkey())
    if _LOG_KEYS not in export.names():
        return LogKeys(trusted)
    with _at(_LOG_KEYS):
        return read_chain(export.read(_LOG_KEYS), trusted, contracts.schemas)


def audit(folder: Path, contracts: Contracts, vkey: str | None = None, policy: Policy | None = None) -> Report:
    """Audit an exported ledger.

    Args:
        folder: `OUT`, as `pprd ledger export` writes it.
        contracts: Of the release.
        vkey: The log's verifier key; None trusts the one that the export itself names.
        policy: The reader's own: it names a key of the log, and whose cosignatures the checkpoint must bear.

    Raises:
        UnprovedError: The first thing that does not hold, with its file.
    """
    export = Export(folder)
    expect(vkey in (None, export.vkey()), "names another key than yours", "policy")
    keys = log_keys_of(export, contracts)
    if policy is not None:
        expect(any(span.key in policy.logs for span in keys.spans), "names a log that yours does not know", "policy")
    export.check_manifest()
    note = export.read("log/checkpoint")
    with _at("log/checkpoint"):
        checkpoint = keys.read(note)
        cosigned = None if policy is None else check_quorum(note, policy)
    entries = list(export.entries(checkpoint.size))
    root = export.check_log([entry for _, entry in entries])
    expect(root == checkpoint.root, "the signed root is not that of the entries", "log/checkpoint")
    leaves = [leaf_hash(entry) for _, entry in entries]
    history, receipts = _check_history(export, keys, leaves), _check_receipts(export, keys, leaves)
    replay = Replay(contracts, keys.spans[0].key)
    for index, (name, entry) in enumerate(entries):
        with _at(name, f"entry {index}: "):
            replay.take(entry)
    replay.finish()
    expect(replay.log_keys.spans == keys.spans, "the entries name other keys of the log", _LOG_KEYS)
    return Report(
        *(checkpoint.origin, checkpoint.size, root, replay.events, replay.refusals, replay.heads, history, receipts),
        *(replay.openings, cosigned),
    )


def _check_history(export: Export, keys: LogKeys, leaves: list[bytes]) -> int:
    """Every earlier checkpoint has the root of the first entries: nothing was changed since it was signed."""
    names = [name for name in export.names() if name.startswith("history/")]
    for name in names:
        with _at(name):
            found = keys.read(export.read(name))
            expect(name == f"history/{found.size:012}.checkpoint", "the file is named for another size")
            expect(found.size <= len(leaves), "is newer than the log")
            expect(found.root == root_of(leaves[: found.size]), "the root is not that of the entries")
    return len(names)


def _check_receipts(export: Export, keys: LogKeys, leaves: list[bytes]) -> int:
    names = [name for name in export.names() if name.startswith("receipts/")]
    for name in names:
        with _at(name):
            proof = parse_proof(export.read(name))
            check_proof(proof, keys.read(proof.note))
            expect(name == f"receipts/{proof.leaf_index:012}.tlog-proof", "the file is named for another entry")
            expect(
                proof.leaf_index < len(leaves) and leaf_hash(proof.entry) == leaves[proof.leaf_index],
                "is of another entry",
            )
    return len(names)


@contextmanager
def _at(place: str, before: str = "") -> Iterator[None]:
    """Say in which file something does not hold."""
    try:
        yield
    except UnprovedError as error:
        raise UnprovedError(before + error.reason, error.place or place) from error
