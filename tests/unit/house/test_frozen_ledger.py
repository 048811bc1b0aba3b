"""A ledger that was frozen is followed by every later release, by both readers, to the same heads, states and keys.

A rule that is stricter tomorrow never makes yesterday unreadable (STYLE: decisions): who changes one adds an edition.
Until the first release it may be frozen again: say `make vectors docs`.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any

import pytest

from adapters.compose.auditing import run_audit
from adapters.compose.parts import contracts_in_force
from contracts.event import decode_event, leaf_hash
from docs.ledger_parties import PUBLISHED
from docs.replay_vectors import EXPORT, ROOT, replay_page
from docs.spec.reference.audit import Contracts
from docs.spec.reference.audit import Replay as Second
from docs.spec.reference.export import Export
from docs.spec.reference.note import log_key
from docs.spec.reference.unproved import UnprovedError
from hub.replay import Replay
from hub.replay_ports import Delivery
from ledger.batch import decode_tbs
from ledger.entry import BatchEntry, EventEntry, decode_entry
from tests.support.audit import MemoryShelf

REPLAY = json.loads((PUBLISHED / "replay.json").read_text(encoding="utf-8"))
ENTRIES = [entry for _, entry in Export(EXPORT).entries(REPLAY["size"])]


class Told:
    """What an entry makes the replay say."""

    def __init__(self) -> None:
        self.told: list[list[Any]] = []

    def delivered(self, delivery: Delivery) -> None:
        self.told.append([delivery.point, delivery.n, delivery.head.hex()])

    def content(self, index: object, header: object) -> None:
        """Payloads are not part of the vectors."""


def test_the_audit_of_the_frozen_ledger_finds_nothing() -> None:
    report = run_audit(str(EXPORT), vkey=REPLAY["vkey"])

    assert report.problem is None, (
        "a rule or schema changed for what is recorded; before a release: `make vectors docs`"
    )
    assert (report.size, report.root) == (REPLAY["size"], REPLAY["root"])


def test_our_replay_derives_from_each_entry_what_the_vectors_say() -> None:
    shelf, told = MemoryShelf(), Told()
    replay = Replay(rules=contracts_in_force(is_sandbox=True), shelf=shelf, observer=told)

    for row, data in zip(REPLAY["entries"], ENTRIES, strict=True):
        told.told.clear()
        replay.feed(data)
        entry = decode_entry(data)
        assert row["kind"] == type(entry).__name__
        assert row["told"] == told.told, row["index"]
        match entry:
            case BatchEntry():
                assert (row["producer"], row["key_id"]) == (decode_tbs(entry.tbs).producer, entry.key_id.hex())
            case EventEntry():
                header = decode_event(entry.event)
                matter = shelf.matters[header.stream_id]
                assert (row["event_type"], row["state"]) == (header.event_type, matter.state)
                assert matter.head == leaf_hash(entry.event)
            case _:
                assert row["index"] == 0
    assert REPLAY["heads"] == {point: [n, head.hex()] for point, (n, head) in sorted(replay.heads.items())}
    keys = {
        key.key_id.hex(): [key.purpose, key.producer, key.registered_at, key.revoked_at]
        for key in (*replay.directory.signing_keys(), *replay.directory.hub_keys.keys)
    }
    assert keys == {
        row["key_id"]: [row["purpose"], row["producer"], row["since"], row["until"]] for row in REPLAY["keys"]
    }


def test_the_frozen_ledger_holds_what_the_page_tells_of() -> None:
    """A key that was revoked and one that follows it, a refusal, a repeat, an opening, a case, heads."""
    kinds = {row["event_type"] for row in REPLAY["entries"]}
    codes = {
        refused.code
        for data in ENTRIES
        if isinstance(entry := decode_entry(data), BatchEntry)
        for refused in entry.refused
    }
    batch_keys = [row for row in REPLAY["keys"] if (row["purpose"], row["producer"]) == ("batch", "44-node")]

    assert kinds >= {"KeyRevoked", "AccessRecorded", "TransferDecided", "HeadsPublished", "ResidenceNoticeSent"}
    assert "EVENT_REPEATED" in codes
    assert len(codes) == 2
    assert batch_keys[0]["until"] < batch_keys[1]["since"]


@pytest.mark.parametrize("swapped", ["key", "order"])
def test_the_second_reader_knows_the_index_at_which_a_key_is_valid(swapped: str) -> None:
    """An entry that the revoked key signed, behind its revocation, does not follow; nor do entries in another order."""
    first = REPLAY["log_keys"][0]
    replay = Second(Contracts.of(ROOT / "contracts"), log_key(first["name"], bytes.fromhex(first["public_key"])))
    revoked = next(row["index"] for row in REPLAY["entries"] if row["event_type"] == "KeyRevoked")
    old = next(row["index"] for row in reversed(REPLAY["entries"][:revoked]) if row["producer"] == "44-node")
    entries = ENTRIES[: revoked + 2]
    assert REPLAY["entries"][revoked + 2]["kind"] == "BatchEntry"
    if swapped == "key":
        entries.append(ENTRIES[old])
    else:
        entries[old], entries[old + 1] = entries[old + 1], entries[old]

    with pytest.raises(UnprovedError, match="was revoked" if swapped == "key" else "no batch promised one"):
        deque(map(replay.take, entries), maxlen=0)


def test_the_page_of_vectors_is_what_the_second_reader_says() -> None:
    assert [row["kind"] for row in replay_page()["entries"]] == [row["kind"] for row in REPLAY["entries"]]
