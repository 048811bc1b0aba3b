"""The second reader of `docs/spec` finds what the audit finds, in a ledger of every procedure and in some that lie."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from adapters.compose.auditing import run_audit, run_export
from adapters.store.opening import open_store
from contracts.event import decode_event, encode_event
from contracts.ids import Hash, LeafIndex
from docs.spec.reference.audit import Contracts, Replay, audit
from docs.spec.reference.note import parse_vkey
from docs.spec.reference.openings import Payloads, check_opening
from docs.spec.reference.records import read_entry, read_event
from docs.spec.reference.unproved import UnprovedError
from docs.spec.reference.witness import parse_policy
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
from ledger.note import Cosigner, add_lines
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
    with closing(open_store(honest.file, read_only=True)) as store:
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


Change = Callable[[dict[str, Any], dict[str, Any]], object]
OPENINGS: Mapping[str, Change] = {
    "of no event": lambda header, body: body.update(opened_event=bytes(16)),
    "of an event without payloads": lambda header, body: body.update(opened_event=header["event_id"]),
    "of another payload": lambda header, body: body.update(ciphertext_hash=bytes(32)),
    "of another profile": lambda header, body: body.update(profile="NP-OTHER"),
    "for no office": lambda header, body: body.update(office="o00000001"),
    "for another purpose": lambda header, body: body.update(purpose="OTHER"),
    "asked with another key": lambda header, body: body.update(request_key=bytes(8)),
    "asked by nobody": lambda header, body: body.update(request_signature=bytes(64)),
    "asked for another officer": lambda header, body: body.update(officer=bytes(16)),
    "asked at another time": lambda header, body: body.update(requested_at=body["requested_at"] + 1),
    "asked as another request": lambda header, body: header.update(event_id=bytes(16), stream_id=bytes(16)),
    "in the stream of another": lambda header, body: header.update(stream_id=bytes(16)),
}


def test_an_opening_fits_a_recorded_payload_and_the_request_of_its_region(
    honest: KeptLedger, contracts: Contracts
) -> None:
    """What the hub may not change of it: each part alone is noticed, by both readers in the honest one by neither."""
    replay = Replay(contracts, parse_vkey(honest.world.verifier.vkey))
    payloads: dict[bytes, Payloads] = {}
    believed: list[str] = []
    for index, entry in enumerate(honest.entries()):
        record = read_entry(entry, contracts.schemas)
        if record.name == "EventEntry":
            header = read_event(record.fields["event"], contracts.schemas)
            body = contracts.schemas.read(header["body"]).fields
            if header["event_type"] == "AccessRecorded":
                for name, change in OPENINGS.items():
                    other_header, other = dict(header), dict(body)
                    change(other_header, other)
                    try:
                        opened = payloads.get(other["opened_event"])
                        check_opening(index, other_header, other, opened, replay.directory)
                    except UnprovedError:
                        continue
                    believed.append(name)
            payloads[header["event_id"]] = Payloads.of(header)
        replay.take(entry)

    assert replay.openings > 0
    assert believed == []


def test_a_policy_of_the_reader_is_held_to(honest: KeptLedger, tmp_path: Path, contracts: Contracts) -> None:
    """Who asks for more cosignatures than there are is told, and so is who believes another log."""
    out = tmp_path / "out"
    run_export(honest.folder, out)
    ed25519 = Cosigner("44.witness.example", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    ml_dsa = Cosigner("45.witness.example", MLDSA44PrivateKey.from_seed_bytes(bytes(range(32))))
    lines = [f"witness {name} {one.verifier.vkey}\n" for name, one in (("a", ed25519), ("b", ml_dsa))]

    def asks(log: str, *, seconds: int | None = None) -> dict[str, int] | None:
        if seconds is not None:
            cosign(out, ed25519, seconds)
            cosign(out, ml_dsa, seconds)
        policy = f"log {log}\n{''.join(lines)}group both 2 a b\nquorum both\n"
        return audit(out, contracts, policy=parse_policy(policy.encode())).cosigned

    vkey = honest.world.verifier.vkey
    with pytest.raises(UnprovedError, match="quorum both is not reached by nobody"):
        asks(vkey)
    assert asks(vkey, seconds=5) == {"a": 5, "b": 5}
    with pytest.raises(UnprovedError, match="policy"):
        asks("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")


def cosign(out: Path, witness: Cosigner, seconds: int) -> None:
    """Add the line of a witness to the checkpoint of an export, and name the file anew in the manifest."""
    checkpoint, manifest = out / "log" / "checkpoint", out / "manifest"
    note = checkpoint.read_bytes()
    cosigned = add_lines(note, [witness.line(note.partition(b"\n\n")[0] + b"\n", seconds=seconds)])
    checkpoint.write_bytes(cosigned)
    before, after = (f"{hashlib.sha256(data).hexdigest()}  log/checkpoint\n" for data in (note, cosigned))
    manifest.write_text(manifest.read_text(encoding="ascii").replace(before, after), encoding="ascii")


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
