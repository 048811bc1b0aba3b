"""The keys of a log, one after the other (`docs/spec/log-keys.md`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from docs.spec.reference.avro import Schemas
from docs.spec.reference.note import (
    Checkpoint,
    LogKey,
    Proof,
    check_proof,
    from_base64,
    log_key,
    parse_proof,
    parse_vkey,
    read_checkpoint,
    size_of,
)
from docs.spec.reference.records import GENESIS, key_id, read_entry, read_event
from docs.spec.reference.unproved import UnprovedError, expect

ANNOUNCED, SWITCHED, WITHDRAWN = "LogKeyAnnounced", "LogKeySwitched", "LogKeyWithdrawn"
CHANGES = (ANNOUNCED, SWITCHED, WITHDRAWN)
"""The events that replace a key."""


class Span(NamedTuple):
    """A key, and the sizes of which it signs the checkpoints: from `since` up to and with `until`."""

    key: LogKey
    since: int
    until: int | None = None


class LogKeys:
    """Which keys sign which sizes.

    Args:
        first: The key of the genesis entry.
    """

    def __init__(self, first: LogKey) -> None:
        self.spans = [Span(first, 0)]
        self._in_use, self._announced = 0, -1

    def apply(self, index: int, event_type: str, body: Mapping[str, Any]) -> None:
        """Take one recorded event that replaces a key.

        Raises:
            UnprovedError: A key is announced already, was a key before, or is not the one announced.
        """
        if event_type == ANNOUNCED:
            key = log_key(self.spans[0].key.name, body["public_key"])
            expect(self._announced < 0, "a key is announced already")
            expect(all(span.key != key for span in self.spans), "the announced key was one before")
            expect(body["key_id"] == key_id("log", key.public_key), "the announced key has another id")
            self._announced = len(self.spans)
            self.spans.append(Span(key, index + 1))
            return
        expect(self._announced >= 0, "no key is announced")
        announced = self.spans[self._announced].key
        expect(body["key_id"] == key_id("log", announced.public_key), "another key is announced")
        ended = self._in_use if event_type == SWITCHED else self._announced
        self.spans[ended] = self.spans[ended]._replace(until=index)
        if event_type == SWITCHED:
            self._in_use = self._announced
        self._announced = -1

    def read(self, note: bytes) -> Checkpoint:
        """Read a checkpoint that every key of its size must have signed.

        Raises:
            UnprovedError: One has not.
        """
        size = size_of(note)
        signers = [span for span in self.spans if span.since <= size and (span.until is None or size <= span.until)]
        found = {read_checkpoint(note, span.key) for span in signers}
        expect(len(found) == 1, "no key of the log signs this size")
        return found.pop()


def read_chain(data: bytes, trusted: LogKey, schemas: Schemas) -> LogKeys:
    """Read the chain of a log's keys and check it from a key that the reader trusts.

    Raises:
        UnprovedError: It does not hold, or does not lead to that key.
    """
    expect(data.isascii(), "a chain is ASCII")
    lines = data.decode("ascii").split("\n")
    expect(lines.pop() == "" and 2 <= len(lines) <= 257 and lines.pop(0) == "pprd-log-keys/v1", "this is no chain")
    keys: LogKeys | None = None
    last = -1
    for line in lines:
        proof = parse_proof(from_base64(line))
        expect(proof.leaf_index > last, "the entries of the chain do not stand in order")
        keys = _after(keys, proof, schemas)
        check_proof(proof, keys.read(proof.note))
        last = proof.leaf_index
    if keys is None or all(span.key != trusted for span in keys.spans):
        raise UnprovedError("the chain does not lead to the key that you trust")
    return keys


def _after(keys: LogKeys | None, proof: Proof, schemas: Schemas) -> LogKeys:
    """The keys after one entry of a chain: the genesis entry first, then each event that replaces a key."""
    record = read_entry(proof.entry, schemas)
    if keys is None:
        expect(proof.leaf_index == 0 and record.name in GENESIS, "the chain does not begin with the genesis entry")
        first = parse_vkey(record.fields["log_key"])
        expect(first.name == record.fields["origin"], "the key of the genesis entry has another name")
        return LogKeys(first)
    expect(record.name == "EventEntry", "the chain holds another entry than an event")
    header = read_event(record.fields["event"], schemas)
    expect(header["event_type"] in CHANGES and header["producer_region"] == "00", "the event replaces no key")
    keys.apply(proof.leaf_index, header["event_type"], schemas.read(header["body"]).fields)
    return keys
