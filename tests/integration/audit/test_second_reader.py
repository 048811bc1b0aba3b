"""The second reader of `docs/spec` finds what the audit finds, in a ledger of every procedure and in some that lie."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from adapters.compose.auditing import run_audit, run_export
from adapters.store.sqlite import SqliteStore
from contracts.event import decode_event, encode_event
from contracts.ids import Hash, LeafIndex
from docs.spec.reference.audit import Contracts, Replay, audit
from docs.spec.reference.note import parse_vkey
from docs.spec.reference.unproved import UnprovedError
from hub.audit_report import Problem
from ledger.entry import (
    BatchEntry,
    EventEntry,
    GenesisEntry,
    Refused,
    decode_entry,
    encode_batch_entry,
    encode_event_entry,
    encode_genesis,
)
from tests.support.changing_ledger import ChangingLedger
from tests.support.kept_ledger import KeptLedger, forge
from tests.support.matters import Sealed, correction, notification

ROOT = Path(__file__).resolve().parents[3]
Entries = Sequence[bytes]


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return Contracts.of(ROOT / "contracts")


def index_of(entries: Entries, event_type: str) -> int:
    """Index of the first event of a type."""
    for index, data in enumerate(entries):
        entry = decode_entry(data)
        if isinstance(entry, EventEntry) and decode_event(entry.event).event_type == event_type:
            return index
    raise AssertionError(f"no {event_type}")


def test_both_find_the_same_in_a_ledger_of_every_procedure(
    honest: KeptLedger, honest_export: Path, contracts: Contracts
) -> None:
    report = run_audit(str(honest_export))
    found = audit(honest_export, contracts, honest.world.verifier.vkey)

    assert report.problem is None
    assert (report.size, report.root) == (found.size, found.root.hex())
    assert found.events == report.tally.events
    assert found.refusals == report.tally.refusals
    assert {point: n for point, (n, _) in found.heads.items()} == report.tally.deliveries
    with closing(SqliteStore(honest.file, read_only=True)) as store:
        kept = store.heads()
    assert found.heads == dict(kept)


def test_both_tell_the_office_that_followed_one_that_closed(tmp_path: Path, contracts: Contracts) -> None:
    """The nearest office of a place, and the successor that a closing named, are found from the ledger's own events."""
    ledger = ChangingLedger(tmp_path / "ledger.sqlite")
    world, asked = ledger.world, correction(ledger.world)
    old, receiving = world.office("44", "COUNTY_CORRECTION"), world.office("43", "COUNTY_CORRECTION")
    ledger.record(*asked[:2])
    new = ledger.open_office(old, 1, "440103000000")
    ledger.open_office(old, 2, "440106001000")
    ledger.draft("OfficeClosed", office=old.office, successor=new.office)
    maker = ledger.goes_on(asked, 2)
    content = {"stream_id": maker.stream_id, "opinion": "AGREE", "reasons": "样例理由"}
    sealed = [Sealed("NP-COR-OPINION", (new,), content)]
    ledger.record(maker.event("OpinionGiven", receiving, {"opinion": "AGREE"}, sealed=sealed))
    ledger.record(*notification(world, "44", "45"))
    ledger.application.publish_heads()

    with closing(ledger.store) as store:
        replay = Replay(contracts, parse_vkey(world.verifier.vkey))
        steps = [replay.take(entry) for entry in store.entries(LeafIndex(0), LeafIndex(store.size()))]
        kept = store.heads()

    assert replay.heads == dict(kept)
    assert steps[-1].event_type == "HeadsPublished"


def batch_before(entries: Entries, index: int) -> int:
    return max(at for at in range(index) if isinstance(decode_entry(entries[at]), BatchEntry))


def without_an_event(entries: Entries) -> list[bytes]:
    at = index_of(entries, "RegistrationRecorded")
    return [*entries[:at], *entries[at + 1 :]]


def without_a_batch(entries: Entries) -> list[bytes]:
    """A whole batch of a producer is withheld: the chain shows it at that producer's next one."""
    at = batch_before(entries, index_of(entries, "ResidenceNoticeDelivered"))
    return [*entries[:at], *entries[at + 2 :]]


def with_two_events_swapped(entries: Entries) -> list[bytes]:
    at = index_of(entries, "MandateGranted")
    return [*entries[:at], entries[at + 1], entries[at], *entries[at + 2 :]]


def with_a_batch_twice(entries: Entries) -> list[bytes]:
    at = batch_before(entries, index_of(entries, "ResidenceNoticeDelivered"))
    return [*entries[: at + 2], *entries[at : at + 2], *entries[at + 2 :]]


def with_an_earlier_time(entries: Entries) -> list[bytes]:
    at = batch_before(entries, index_of(entries, "DeadlineMissed"))
    entry = decode_entry(entries[at])
    assert isinstance(entry, BatchEntry)
    return [*entries[:at], encode_batch_entry(entry._replace(recorded_at=1)), *entries[at + 1 :]]


def with_a_changed_signature(entries: Entries) -> list[bytes]:
    at = batch_before(entries, index_of(entries, "ResidenceNoticeDelivered"))
    entry = decode_entry(entries[at])
    assert isinstance(entry, BatchEntry)
    changed = entry._replace(signature=entry.signature[:-1] + bytes((entry.signature[-1] ^ 1,)))
    return [*entries[:at], encode_batch_entry(changed), *entries[at + 1 :]]


def with_a_key_of_another_producer(entries: Entries) -> list[bytes]:
    at = batch_before(entries, index_of(entries, "ResidenceNoticeDelivered"))
    entry, other = (decode_entry(entries[one]) for one in (at, batch_before(entries, at)))
    assert isinstance(entry, BatchEntry)
    assert isinstance(other, BatchEntry)
    assert entry.key_id != other.key_id
    return [*entries[:at], encode_batch_entry(entry._replace(key_id=other.key_id)), *entries[at + 1 :]]


def with_an_accepted_event_refused(entries: Entries) -> list[bytes]:
    """The hub lists as refused, under a leaf that is not the event's, what it does not want to have accepted."""
    event = index_of(entries, "ResidenceNoticeDelivered")
    at = batch_before(entries, event)
    entry = decode_entry(entries[at])
    assert isinstance(entry, BatchEntry)
    leaf = Hash(bytes(range(32)))
    refused = entry._replace(refused=(Refused(0, leaf, "GUARD_FAILED"),))
    return [*entries[:at], encode_batch_entry(refused), *entries[event + 1 :]]


def with_a_changed_event(entries: Entries) -> list[bytes]:
    at = index_of(entries, "ResidenceNoticeSent")
    entry = decode_entry(entries[at])
    assert isinstance(entry, EventEntry)
    changed = decode_event(entry.event)._replace(legal_basis="LB-RES-08")
    return [*entries[:at], encode_event_entry(encode_event(changed)), *entries[at + 1 :]]


def with_another_genesis(entries: Entries) -> list[bytes]:
    genesis = decode_entry(entries[0])
    assert isinstance(genesis, GenesisEntry)
    return [encode_genesis(genesis._replace(hub_key=bytes(31) + b"\x05")), *entries[1:]]


def cut_inside_a_batch(entries: Entries) -> list[bytes]:
    return list(entries[: batch_before(entries, len(entries)) + 1])


FORGED: Sequence[Callable[[Entries], list[bytes]]] = (
    without_an_event,
    without_a_batch,
    with_two_events_swapped,
    with_a_batch_twice,
    with_an_earlier_time,
    with_a_changed_signature,
    with_a_key_of_another_producer,
    with_an_accepted_event_refused,
    with_a_changed_event,
    with_another_genesis,
    cut_inside_a_batch,
)


@pytest.mark.parametrize("forgery", FORGED, ids=lambda forgery: forgery.__name__)
def test_both_stop_at_the_same_entry_of_a_ledger_that_lies(
    honest: KeptLedger, tmp_path: Path, contracts: Contracts, forgery: Callable[[Entries], list[bytes]]
) -> None:
    """Tiles and checkpoint fit: the hub that signs them lies."""
    forged = forge(honest, tmp_path / "forged", forgery(honest.entries()))
    run_export(forged.folder, tmp_path / "out")

    problem = run_audit(str(tmp_path / "out")).problem
    with pytest.raises(UnprovedError) as caught:
        audit(tmp_path / "out", contracts)

    assert isinstance(problem, Problem)
    if forgery is cut_inside_a_batch:
        assert "of the last batch are missing" in caught.value.reason
        return
    told = re.match(r"entry (\d+): ", caught.value.reason)
    assert told is not None, caught.value
    assert (int(told[1]), caught.value.place) == (problem.index, problem.place)


def test_the_program_of_the_second_reader_says_what_it_found(honest_export: Path, tmp_path: Path) -> None:
    def said(folder: Path) -> tuple[int, str]:
        command = [sys.executable, "-m", "docs.spec.reference", str(folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        assert done.stderr == ""
        return done.returncode, done.stdout

    code, text = said(honest_export)
    assert (code, text.splitlines()[-1]) == (0, "everything holds")
    code, text = said(tmp_path)
    assert (code, text) == (
        1,
        "this does not hold: policy: the file is missing, no file, or not what the manifest means\n",
    )


def test_another_key_than_the_readers_own_is_not_believed(honest_export: Path, contracts: Contracts) -> None:
    with pytest.raises(UnprovedError, match="another key than yours"):
        audit(honest_export, contracts, "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
