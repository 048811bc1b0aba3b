"""`python -m bench.erasure`: erase one person's payloads in a ledger of a million events; how long the hub takes.

The ledger is made first, as the other measurements make theirs. Then a desk orders erasure: of one record, several
times, and of every record of one person, whose orders come in one batch (one order is about one record, so that
nothing links two of them). What counts is the time from the submission to the answer: by then keys and ciphertext are
out of the file and out of its log. After it every erased payload is looked for in every byte of the store's files,
entries are proved under the new checkpoint, the old checkpoint is proved to be a prefix, and the whole ledger is
audited. Wanted: below 2 s for one person, all proofs valid.
"""

from __future__ import annotations

import argparse
import mmap
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from adapters.compose.auditing import run_audit
from adapters.compose.hub_program import create_ledger, opened_hub
from bench.serve import hub_settings
from bench.workload import World, fresh_id
from contracts.event import Header, decode_event, encode_event
from contracts.ids import EventId, Hash, LeafIndex, RegionCode, StreamId
from contracts.instant import rounded
from contracts.profile import encode_payload
from contracts.schema import load_registry
from contracts.sealing import Associated, seal
from hub import evidence
from hub.application import Application
from hub.ports import ContentAddress
from hub.submission import Outcome, SubmittedBatch, SubmittedPayload
from ledger.batch import MAX_BATCH
from ledger.checkpoint import parse_checkpoint
from ledger.compact import hash_leaf
from ledger.note import NoteVerifier
from ledger.tree import verify_consistency, verify_inclusion

_CHUNK = 8_192
_EVENTS_A_MATTER = 6
_GROUP = 4
_PIECE = slice(100, 148)
_DESKS = ("RIGHTS_DESK", "PI_OFFICER")


class Erased(NamedTuple):
    """One measurement.

    Attributes:
        orders: In one batch.
        total_ms: From the submission to the answer.
        cpu_ms: CPU time of it.
        commit_ms: Of these: making the commit durable.
        scrub_ms: Of these: taking what was destroyed out of the log.
        log_kib: Size of the log before.
    """

    orders: int
    total_ms: float
    cpu_ms: float
    commit_ms: float
    scrub_ms: float
    log_kib: float


def make(application: Application, world: World, events: int) -> list[StreamId]:
    """Record a ledger with so many events of matters.

    Returns:
        Streams of notices whose content is held, from all over the ledger.
    """
    notices: list[StreamId] = []
    left = events // _EVENTS_A_MATTER
    while left > 0:
        batches = list(world.batches(min(_CHUNK, left), MAX_BATCH))
        for at in range(0, len(batches), _GROUP):
            application.submit(batches[at : at + _GROUP])
        sent = (event for batch in batches if batch.payloads for event in batch.events[::64])
        notices += [decode_event(event).stream_id for event in sent]
        left -= _CHUNK
        print(f"  {application.reader.size():,} entries", flush=True)
    return notices


def ordered(world: World, targets: Sequence[StreamId]) -> SubmittedBatch:
    """One batch with an order to erase for each record."""
    made = [_order(world, target) for target in targets]
    return world.producers["44"].batch([event for event, _ in made], [payload for _, payload in made])


def _order(world: World, target: StreamId) -> tuple[bytes, SubmittedPayload]:
    desk = world.offices["44", "RIGHTS_DESK"]
    holders = tuple(sorted(world.offices[region, "COUNTY_PSB_HOUSEHOLD"] for region in ("44", "45")))
    stream_id, event_id = StreamId(fresh_id()), EventId(fresh_id())
    keys = world.office_keys
    payload = seal(
        plaintext=_content(target),
        associated=Associated(stream_id, event_id, "NP-ORDER"),
        recipients=[keys[holder] for holder in holders],
        producer=keys[desk],
        content_key=os.urandom(32),
        nonce=os.urandom(12),
        opening=os.urandom(64),
    )
    codec = load_registry().by_name("pprd.v1.ErasureOrderedBody")
    body = {"target": target, "holders": list(holders), "official": fresh_id(), "ground": "PURPOSE_MET"}
    event = encode_event(
        Header(
            event_id=event_id,
            schema_id=codec.fingerprint,
            event_type="ErasureOrdered",
            event_class="rgt",
            stream_id=stream_id,
            stream_seq=0,
            prev_hash=Hash(bytes(32)),
            procedure="ERASURE_ORDER",
            edition=1,
            producer_region=RegionCode("44"),
            producer_office=desk,
            counterpart_region=None,
            counterpart_office=None,
            occurred_at=rounded("rgt", time.time_ns() // 1_000_000),
            purpose="RIGHTS",
            legal_basis="LB-PIPL-47",
            data_class="P3_PLUS",
            body=codec.encode_single(body),
            sealed=(payload.ref,),
            correlation_id=None,
            causation_id=None,
            sandbox=True,
        )
    )
    return event, SubmittedPayload(payload.ciphertext, payload.wrapped)


def _content(target: StreamId) -> bytes:
    return encode_payload(
        "NP-ORDER",
        {
            "profile": "NP-ORDER",
            "purpose": "RIGHTS",
            "legal_basis": "LB-PIPL-47",
            "retention_rule": "ERASURE_ORDER",
            "expires_on": "2027-06-30",
            "minor": False,
            "seal_state": "NONE",
            "safety_hold": False,
            "stream_id": target,
            "order": "ERASE",
            "due_date": "2026-12-31",
        },
    )


def erase(application: Application, world: World, targets: Sequence[StreamId], file: Path) -> Erased:
    """Order and measure one batch."""
    batch = ordered(world, targets)
    spent = {"finish": 0.0, "scrub": 0.0}
    log = file.with_name(file.name + "-wal")
    log_kib = log.stat().st_size / 1024 if log.exists() else 0.0
    with _timed(application.reader, spent):
        began, cpu = time.perf_counter(), time.process_time()
        (answer,) = application.submit([batch])
        total, cpu = time.perf_counter() - began, time.process_time() - cpu
    if [result.outcome for result in answer.results] != [Outcome.ACCEPTED] * len(targets) or not application.scrub():
        raise SystemExit(f"an order was not carried out: {answer.results}")
    ms = [1000 * value for value in (total, cpu, spent["finish"], spent["scrub"])]
    return Erased(len(targets), ms[0], ms[1], ms[2], ms[3], log_kib)


@contextmanager
def _timed(store: Any, spent: dict[str, float]) -> Iterator[None]:
    """Measure two methods of a store by the clock."""

    def timed(name: str, method: Any) -> Any:
        def call(*args: Any) -> Any:
            began = time.perf_counter()
            try:
                return method(*args)
            finally:
                spent[name] += time.perf_counter() - began

        return call

    for name in spent:
        setattr(store, name, timed(name, getattr(store, name)))
    try:
        yield
    finally:
        for name in spent:
            delattr(store, name)


def pieces_of(application: Application, targets: Sequence[StreamId]) -> list[bytes]:
    """A piece of each envelope and each wrapped key that is held of some streams."""
    reader, found = application.reader, []
    offices = [office.office for office in application.directory.offices()]
    for target in targets:
        for index, _ in reader.stream(target, 0, 100):
            held = reader.contents([ContentAddress(index, 0, office) for office in offices]).values()
            found += [*dict.fromkeys(one.envelope[_PIECE] for one in held), *(one.enc for one in held)]
    return found


def files_with(file: Path, pieces: Sequence[bytes]) -> list[str]:
    """Files of the store that hold one of the pieces."""
    found = []
    for path in sorted(file.parent.glob(file.name + "*")):
        if path.stat().st_size:
            with path.open("rb") as data, mmap.mmap(data.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                if any(mapped.find(piece) >= 0 for piece in pieces):
                    found.append(path.name)
    return found


def check_proofs(application: Application, verifier: NoteVerifier, before: bytes, indexes: Sequence[int]) -> int:
    """Prove entries under the last checkpoint, and that the one before is its prefix.

    Returns:
        Entries that were proved.

    Raises:
        EvidenceError: A proof does not hold.
    """
    reader = application.reader
    note = reader.checkpoint()
    if note is None:
        raise SystemExit("there is no checkpoint")
    old, new = parse_checkpoint(before, verifier), parse_checkpoint(note, verifier)
    path = evidence.consistency(reader, old.size, new.size)
    verify_consistency(size1=old.size, size2=new.size, path=path, root1=old.root, root2=new.root)
    for index in indexes:
        (entry,) = reader.entries(LeafIndex(index), LeafIndex(index + 1))
        proof = evidence.inclusion(reader, LeafIndex(index), new.size)
        verify_inclusion(
            leaf_hash=hash_leaf(entry), leaf_index=LeafIndex(index), tree_size=new.size, path=proof, root=new.root
        )
    return len(indexes)


def measure(data: Path, *, events: int, records: int, singles: int) -> None:
    """Make, erase, prove, audit; prints as it goes."""
    verifier = create_ledger(hub_settings(data))
    file, world = data / "hub" / "ledger.sqlite", World()
    with opened_hub(hub_settings(data)) as application:
        application.record(list(world.directory()))
        application.record([world.office("44", kind) for kind in _DESKS])
        notices = make(application, world, events)
        targets = random.Random(7).sample(notices, records + singles)
        pieces, before = pieces_of(application, targets), application.reader.checkpoint() or b""
        print(f"{len(pieces)} pieces of {len(targets)} records are in {files_with(file, pieces)}")
        alone = [erase(application, world, [target], file) for target in targets[:singles]]
        person = erase(application, world, targets[singles:], file)
        left = files_with(file, pieces)
        size = application.reader.size()
        indexes = [*random.Random(11).sample(range(size), min(size, 2_000))]
        for target in targets:
            indexes += [index for index, _ in application.reader.stream(target, 0, 100)]
        proved = check_proofs(application, verifier, before, indexes)
    _show("one record, right after the load", alone[0])
    _show("one record, median", Erased(*(statistics.median(values) for values in zip(*alone, strict=True))))
    _show("one person", person)
    print(f"left in the store's files: {left or 'nothing'}; {proved:,} entries proved, the old checkpoint is a prefix")
    report = run_audit(str(data))
    print(f"audit of {report.size:,} entries: {report.payload_line()}; {report.problem or 'nothing else'}")
    if left or report.problem is not None or person.total_ms >= 2_000:
        raise SystemExit(1)


def _show(what: str, one: Erased) -> None:
    print(
        f"{what}: {one.orders:g} orders in {one.total_ms:.1f} ms ({one.cpu_ms:.1f} ms of CPU); commit"
        f" {one.commit_ms:.1f}, scrub {one.scrub_ms:.1f}, log before {one.log_kib:,.0f} KiB"
    )


def main() -> None:
    """Make, measure, show; exit 1 if something is left, unproved or too slow."""
    parser = argparse.ArgumentParser(prog="python -m bench.erasure", description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--records", type=int, default=10, help="of one person")
    parser.add_argument("--singles", type=int, default=7, help="orders about one record, one after another")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pprd-bench-") as folder:
        measure(Path(folder), **vars(arguments))


if __name__ == "__main__":
    main()
