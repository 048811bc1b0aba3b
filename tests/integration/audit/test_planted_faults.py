"""Each planted fault is found and named: what a thief changes in a file, and what a hub signs that lies."""

import hashlib
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from adapters.compose.audit_evidence import audit_evidence
from adapters.compose.auditing import run_audit
from adapters.region.database import RegionDatabase
from adapters.store.opening import open_store
from contracts.event import decode_event, leaf_hash
from contracts.ids import HUB_PRODUCER, HUB_REGION, EventId, Hash, LeafIndex, PointId, StreamId, TreeSize, uuid7
from hub.audit_report import Problem
from hub.openings import access_draft
from hub.own_batch import HubDraft
from ledger.batch import decode_tbs
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.claim import verify_evidence
from ledger.entry import BatchEntry, EventEntry, Refused, decode_entry, encode_batch_entry
from ledger.evidence_file import format_evidence, parse_evidence
from ledger.heads import head_next
from tests.support.divided_audit import audited_both_ways
from tests.support.kept_ledger import KeptLedger, forge, hub_batch, opening, recorded
from tests.support.matters import MatterMaker, declaration
from tests.support.world import World

pytestmark = pytest.mark.sqlite_file


def problem_of(folder: Path) -> Problem:
    """What an audit of a folder finds."""
    problem = audited_both_ways(str(folder)).problem
    assert problem is not None
    return problem


def shown(folder: Path, world: World) -> list[str]:
    """Claims of the evidence files of what an audit of a folder finds; each convinces a third party."""
    files = [parse_evidence(format_evidence(file)) for file in audit_evidence(run_audit(str(folder), jobs=1))]
    registry = world.rules.registry
    return [
        verify_evidence(file, log=world.verifier, read_body=lambda body: registry.decode_body(body)[1]).claim
        for file in files
    ]


def event_index(kept: KeptLedger, event_type: str, number: int = 0) -> int:
    """Index of an event of a type."""
    return int(
        kept.one("SELECT rowid-1 FROM stored_events WHERE topic=? ORDER BY rowid LIMIT 1 OFFSET ?", event_type, number)[
            0
        ]
    )


def flip(data: bytes, at: int = -1) -> bytes:
    """Change one bit."""
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


# -- what somebody changes in the file of a hub


@pytest.mark.parametrize("at", [0, 30, 60, -1])
def test_a_changed_byte_of_an_entry_is_named(kept: KeptLedger, at: int) -> None:
    index = event_index(kept, "RegistrationDeclared", 4)
    entry = kept.entries()[index]
    kept.change("UPDATE stored_events SET state=? WHERE rowid=?", flip(entry, at), index + 1)

    problem = problem_of(kept.folder)

    assert (problem.index, problem.code) == (index, "TILE_INVALID")


def test_a_changed_entry_is_named_although_its_tile_was_changed_too(kept: KeptLedger) -> None:
    index = event_index(kept, "RegistrationDeclared", 4)
    entry = flip(kept.entries()[index], 30)
    tile, offset = divmod(index, 256)
    hashes = bytearray(kept.one("SELECT hashes FROM tiles WHERE level=0 AND idx=?", tile)[0])
    hashes[32 * offset : 32 * offset + 32] = hashlib.sha256(b"\0" + entry).digest()
    kept.change("UPDATE stored_events SET state=? WHERE rowid=?", entry, index + 1)
    kept.change("UPDATE tiles SET hashes=? WHERE level=0 AND idx=?", bytes(hashes), tile)

    problem = problem_of(kept.folder)

    assert problem.index is not None
    assert problem.index >= index


def test_a_removed_entry_is_named(kept: KeptLedger) -> None:
    index = event_index(kept, "RegistrationRecorded", 7)
    kept.change("DELETE FROM stored_events WHERE rowid=?", index + 1)

    assert problem_of(kept.folder).index == index


def test_a_removed_last_entry_is_named(kept: KeptLedger) -> None:
    last = len(kept.entries()) - 1
    kept.change("DELETE FROM stored_events WHERE rowid=?", last + 1)

    problem = problem_of(kept.folder)

    assert (problem.index, problem.code) == (last, "LEDGER_UNEXPLAINED")


def test_swapped_entries_are_named(kept: KeptLedger) -> None:
    first = event_index(kept, "RegistrationEnded", 3)
    one, two = kept.entries()[first : first + 2]
    kept.change("UPDATE stored_events SET state=? WHERE rowid=?", two, first + 1)
    kept.change("UPDATE stored_events SET state=? WHERE rowid=?", one, first + 2)

    assert problem_of(kept.folder).index == first


def test_an_entry_that_is_no_bytes_is_named(kept: KeptLedger) -> None:
    kept.change("UPDATE stored_events SET state='text' WHERE rowid=51")

    assert problem_of(kept.folder).index == 50


def test_a_changed_tile_is_named(kept: KeptLedger) -> None:
    for level in (0, 1):
        (hashes,) = kept.one("SELECT hashes FROM tiles WHERE level=? AND idx=0", level)
        kept.change("UPDATE tiles SET hashes=? WHERE level=? AND idx=0", flip(hashes, 5 if level else 64), level)
        problem = problem_of(kept.folder)
        kept.change("UPDATE tiles SET hashes=? WHERE level=? AND idx=0", hashes, level)

        assert (problem.code, problem.place) == ("TILE_INVALID", f"tiles {level}/0")


def test_a_checkpoint_of_another_root_is_named(kept: KeptLedger) -> None:
    """The log's own key signed it: two heads of one size are the gravest thing that a ledger can do."""
    size = kept.one("SELECT size FROM checkpoints ORDER BY size LIMIT 1 OFFSET 9")[0]
    signer = kept.world.log_signer
    note = sign_checkpoint(Checkpoint(signer.name, TreeSize(size), Hash(bytes(range(32)))), signer)
    kept.change("UPDATE checkpoints SET note=? WHERE size=?", note, size)

    problem = problem_of(kept.folder)

    assert (problem.code, problem.place) == ("CHECKPOINT_INVALID", f"checkpoints {size}")
    assert shown(kept.folder, kept.world) == ["PREFIX_CHANGED"]


@pytest.mark.parametrize(
    ("statement", "places"),
    [
        ("DELETE FROM delivery_runs WHERE id=(SELECT max(id) FROM delivery_runs)", {"delivery_runs"}),
        ("DELETE FROM delivery_runs WHERE id=(SELECT min(id) FROM delivery_runs)", {"delivery_runs"}),
        (
            "INSERT INTO delivery_runs SELECT NULL, point, first_n+1, 1, indexes, head_after, head_before, size,"
            " is_case FROM delivery_runs WHERE id=(SELECT max(id) FROM delivery_runs)",
            {"delivery_runs"},
        ),
        (
            "UPDATE delivery_runs SET point='43-440106' WHERE id=(SELECT min(id) FROM delivery_runs WHERE is_case=0)",
            {"delivery_runs"},
        ),
        ("UPDATE delivery_runs SET head_before=zeroblob(32) WHERE first_n=2", {"delivery_runs"}),
        ("UPDATE delivery_runs SET head_after=zeroblob(32) WHERE first_n=1", {"delivery_runs"}),
        ("UPDATE delivery_runs SET is_case=1-is_case WHERE id=3", {"delivery_runs"}),
        ("UPDATE delivery_runs SET indexes=x'00' WHERE id=3", {"delivery_runs"}),
    ],
)
def test_a_delivery_that_was_withheld_added_or_misdirected_is_named(
    kept: KeptLedger, statement: str, places: set[str]
) -> None:
    kept.change(statement)

    problem = problem_of(kept.folder)

    assert problem.place in places
    assert problem.code in {"HEAD_MISMATCH", "STORE_DAMAGED"}
    assert problem.index is not None or problem.code == "STORE_DAMAGED"


@pytest.mark.parametrize(
    ("statement", "place", "code"),
    [
        ("UPDATE matters SET packed=packed||x'20' WHERE stream_id=(SELECT max(stream_id) FROM matters)", "matters", ""),
        ("DELETE FROM matters WHERE stream_id=(SELECT min(stream_id) FROM matters)", "matters", ""),
        ("INSERT INTO matters VALUES (zeroblob(16), x'00', NULL)", "matters", ""),
        ("UPDATE heads SET n=n+1 WHERE point='45-node'", "heads 45-node", "HEAD_MISMATCH"),
        ("DELETE FROM heads WHERE point='44-440106'", "heads 44-440106", "HEAD_MISMATCH"),
        ("UPDATE producers SET next_seq=next_seq+1 WHERE producer='44-node'", "producers 44-node", ""),
        ("UPDATE event_ids SET idx=idx+1 WHERE idx=40", "event_ids", ""),
        ("DELETE FROM event_ids WHERE idx=40", "event_ids", ""),
        ("DELETE FROM directory_log WHERE idx=12", "directory_log", ""),
        (
            "UPDATE payloads SET envelope=zeroblob(1200) WHERE id=(SELECT min(id) FROM payloads)",
            "payloads",
            "PAYLOAD_INVALID",
        ),
        ("DELETE FROM payloads WHERE id=(SELECT max(id) FROM payloads)", "payloads", "PAYLOAD_INVALID"),
        ("INSERT INTO payloads VALUES (1, zeroblob(99))", "payloads", ""),
        (
            "DELETE FROM wrapped_keys WHERE payload=(SELECT min(id) FROM payloads)",
            "wrapped_keys",
            "PAYLOAD_INVALID",
        ),
    ],
)
def test_a_changed_row_beside_the_ledger_is_named(kept: KeptLedger, statement: str, place: str, code: str) -> None:
    kept.change(statement)

    problem = problem_of(kept.folder)

    assert problem.place is not None
    assert problem.place.startswith(place)
    assert problem.code == (code or "LEDGER_UNEXPLAINED")


def test_a_changed_payload_names_its_entry(kept: KeptLedger) -> None:
    kept.change(
        "UPDATE payloads SET envelope=zeroblob(5) WHERE id>>8=(SELECT idx FROM event_ids WHERE event_id=?)",
        kept.sent.header.event_id,
    )

    problem = problem_of(kept.folder)

    assert problem.index is not None
    entry = decode_entry(kept.entries()[problem.index])
    assert isinstance(entry, EventEntry)
    assert decode_event(entry.event).event_id == kept.sent.header.event_id


# -- what a hub records and signs that lies: hashes, tiles and checkpoint fit


def forged_problem(kept: KeptLedger, folder: Path, entries: list[bytes]) -> Problem:
    """What an audit of a ledger over other entries finds."""
    return problem_of(forge(kept, folder, entries).folder)


def test_a_forged_ledger_over_the_same_entries_is_only_missed_by_what_is_not_kept(
    honest: KeptLedger, tmp_path: Path
) -> None:
    """The rig itself: the entries of a forged ledger follow, what is derived from them is not there."""
    problem = forged_problem(honest, tmp_path / "forged", honest.entries())

    assert problem.place in {"delivery_runs", "payloads"}


def test_a_removed_entry_is_found_in_a_ledger_that_was_signed_anew(honest: KeptLedger, tmp_path: Path) -> None:
    entries = honest.entries()
    index = event_index(honest, "RegistrationDeclared", 5)
    batch = max(i for i in range(index) if isinstance(decode_entry(entries[i]), BatchEntry))
    end = min(i for i in range(index, len(entries)) if isinstance(decode_entry(entries[i]), BatchEntry))
    del entries[index]

    problem = forged_problem(honest, tmp_path / "forged", entries)

    assert problem.index is not None
    assert batch < problem.index <= end


def test_a_withheld_batch_is_found_in_its_producers_chain(honest: KeptLedger, tmp_path: Path) -> None:
    """A batch that is left out shows at the producer's next one."""
    entries = honest.entries()
    batches = [(i, entry) for i, data in enumerate(entries) if isinstance(entry := decode_entry(data), BatchEntry)]
    of_region = ((i, j) for (i, entry), (j, _) in pairwise(batches) if decode_tbs(entry.tbs).producer != HUB_PRODUCER)
    first, after = next(of_region)
    del entries[first:after]

    problem = forged_problem(honest, tmp_path / "forged", entries)

    assert problem.code == "BATCH_CHAIN_BROKEN"
    assert problem.index is not None
    assert problem.index >= first
    assert shown(tmp_path / "forged", honest.world) == ["ENTRY_UNEXPLAINED"]


def test_an_event_that_was_hidden_as_refused_is_found_where_it_is_missed(honest: KeptLedger, tmp_path: Path) -> None:
    """The signed root of the batch still holds; the next event of that matter does not follow."""
    entries = honest.entries()
    index = event_index(honest, "ResidenceNoticePrepared")
    entry, event = decode_entry(entries[index - 1]), decode_entry(entries[index])
    assert isinstance(entry, BatchEntry)
    assert isinstance(event, EventEntry)
    hidden = Refused(0, leaf_hash(event.event), "GUARD_FAILED")
    entries[index - 1] = encode_batch_entry(entry._replace(refused=(hidden,)))
    del entries[index]

    problem = forged_problem(honest, tmp_path / "forged", entries)

    assert (problem.index, problem.code) == (index + 1, "POSITION_CONFLICT")


def test_a_batch_signed_with_a_revoked_key_is_named(honest: KeptLedger, tmp_path: Path) -> None:
    world = honest.world
    revoked = hub_batch(honest, world.revocation("44"))
    batch = recorded(world, world.batches["44"].batch([declaration(world, "44")], step=False))
    entries = honest.entries() + revoked

    problem = forged_problem(honest, tmp_path / "forged", entries + batch)

    assert (problem.index, problem.code) == (len(entries), "KEY_REVOKED")
    assert shown(tmp_path / "forged", world) == ["KEY_REVOKED"]


def test_a_batch_signed_with_the_key_of_another_region_is_named(honest: KeptLedger, tmp_path: Path) -> None:
    world = honest.world
    key = world.gateways["45"].keys["batch"]
    batch = recorded(world, world.batches["44"].batch([declaration(world, "44")], key=key, step=False))
    entries = honest.entries()

    problem = forged_problem(honest, tmp_path / "forged", entries + batch)

    assert (problem.index, problem.code) == (len(entries), "PRODUCER_MISMATCH")
    assert shown(tmp_path / "forged", world) == ["ENTRY_UNEXPLAINED"]


def test_a_batch_with_a_wrong_signature_is_named(honest: KeptLedger, tmp_path: Path) -> None:
    world = honest.world
    batch = world.batches["44"].batch([declaration(world, "44")], step=False)
    entries = honest.entries()

    forged = recorded(world, type(batch)(batch.tbs, flip(batch.signature), batch.key_id, batch.events, ()))

    problem = forged_problem(honest, tmp_path / "forged", entries + forged)
    assert (problem.index, problem.code) == (len(entries), "SIGNATURE_INVALID")
    assert shown(tmp_path / "forged", world) == ["BATCH_FORGED"]


def test_a_forbidden_transition_is_named(honest: KeptLedger, tmp_path: Path) -> None:
    """The gateway signed it and the hub recorded it without asking the procedure."""
    world = honest.world
    matter = MatterMaker(world, "RESIDENCE_NOTIFICATION")
    made = matter.event("ResidenceNoticeAcknowledged", world.office("44", "COUNTY_PSB_HOUSEHOLD"))
    entries = honest.entries()

    problem = forged_problem(
        honest, tmp_path / "forged", entries + recorded(world, world.batches["44"].batch([made], step=False))
    )

    assert (problem.index, problem.code) == (len(entries) + 1, "TRANSITION_FORBIDDEN")
    assert shown(tmp_path / "forged", world) == ["ENTRY_UNEXPLAINED"]


def test_an_event_that_is_recorded_twice_is_named(honest: KeptLedger, tmp_path: Path) -> None:
    world = honest.world
    first = declaration(world, "44")
    twice = MatterMaker(world, "RESIDENCE").event(
        "RegistrationDeclared",
        world.office("44", "POLICE_STATION"),
        {"division": world.division("44"), "notice_id": world.fresh_id(), "declared_by": "APPLICANT"},
        event_id=first.header.event_id,
    )
    entries = honest.entries()

    problem = forged_problem(
        honest, tmp_path / "forged", entries + recorded(world, world.batches["44"].batch([first, twice], step=False))
    )

    assert (problem.index, problem.code) == (len(entries) + 2, "EVENT_ID_REUSED")
    assert shown(tmp_path / "forged", world) == ["EVENT_TWICE"]


def test_a_wrong_published_head_is_named(honest: KeptLedger, tmp_path: Path) -> None:
    entries = honest.entries()
    rows = [{"point": "45-node", "n": 2, "head": bytes(range(32))}]

    problem = forged_problem(
        honest, tmp_path / "forged", entries + hub_batch(honest, HubDraft("HeadsPublished", "HEADS", {"heads": rows}))
    )

    assert (problem.index, problem.code) == (len(entries) + 1, "HEAD_MISMATCH")
    assert shown(tmp_path / "forged", honest.world) == ["TWO_COUNTS"]


def test_batches_that_are_recorded_backwards_are_named(honest: KeptLedger, tmp_path: Path) -> None:
    """Time and chain: the batch is dated before the one in front of it; then the chain goes back."""
    world = honest.world
    entries = honest.entries()
    early = recorded(world, world.batches["44"].batch([declaration(world, "44")], step=False))
    header = decode_entry(early[0])
    assert isinstance(header, BatchEntry)
    dated = [encode_batch_entry(header._replace(recorded_at=header.recorded_at - 60_000)), *early[1:]]
    before = [encode_batch_entry(header._replace(recorded_at=decode_tbs(header.tbs).created_ms - 600_000)), *early[1:]]

    back = forged_problem(honest, tmp_path / "back", entries + dated)
    chain = forged_problem(honest, tmp_path / "chain", entries + early + early)

    assert (back.index, chain.index) == (len(entries), len(entries) + 2)
    assert shown(tmp_path / "back", world) == ["TIME_BACKWARDS"]
    assert shown(tmp_path / "chain", world) == ["BATCHES_DISORDERED"]
    forge(honest, tmp_path / "before", entries + before)
    assert set(shown(tmp_path / "before", world)) == {"RECORDED_EARLY", "TIME_BACKWARDS"}


def test_a_missed_duty_that_was_not_due_is_named(honest: KeptLedger, tmp_path: Path) -> None:
    """A hub that blames an office before its time."""
    entries = honest.entries()
    cause = kept_event_id(honest, "ResidenceNoticeSent")
    stream = honest.world.fresh_id()
    draft = HubDraft(
        "DeadlineMissed",
        "DUTY",
        {"rule": "R-RES-7", "region": "45", "due_ms": 1},
        stream_id=StreamId(stream),
        causation_id=cause,
        event_id=EventId(stream),
    )

    problem = forged_problem(honest, tmp_path / "forged", entries + hub_batch(honest, draft))

    assert (problem.index, problem.code) == (len(entries) + 1, "ENTRY_UNEXPLAINED")


def kept_event_id(kept: KeptLedger, event_type: str) -> bytes:
    entry = decode_entry(kept.entries()[event_index(kept, event_type)])
    assert isinstance(entry, EventEntry)
    return decode_event(entry.event).event_id


def test_an_opening_that_no_region_asked_for_is_named(honest: KeptLedger, tmp_path: Path) -> None:
    """A hub that invents an opening has no signature for it."""
    entries = honest.entries()
    request = opening(honest.world, honest.sent)
    body = {
        "opened_event": request.event_id,
        "profile": "NP-RES",
        "ciphertext_hash": request.ciphertext_hash,
        "office": request.office,
        "officer": bytes(16),
        "role": request.role,
        "purpose": request.purpose,
        "reason": request.reason,
        "reason_commitment": request.reason_commitment,
        "approval": request.approval,
        "request_key": request.key_id,
        "request_signature": request.signature,
        "requested_at": request.created_ms,
    }
    draft = HubDraft(
        "AccessRecorded",
        "ACCESS",
        body,
        stream_id=StreamId(request.request_id),
        event_id=EventId(request.request_id),
        causation_id=request.event_id,
    )

    problem = forged_problem(honest, tmp_path / "forged", entries + hub_batch(honest, draft))

    assert (problem.index, problem.code) == (len(entries) + 1, "SIGNATURE_INVALID")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "OPEN_NO_TASK"),
        ({"role": "CASE_OFFICER"}, "OPEN_ROLE"),
        ({"purpose": "RESIDENCE_PERMIT"}, "OPEN_FORBIDDEN"),
        ({"ciphertext_hash": bytes(32)}, "OPEN_FORBIDDEN"),
        ({"event_id": uuid7(unix_ms=1, entropy=bytes(10))}, "OPEN_FORBIDDEN"),
    ],
    ids=["after the task was over", "in another role", "for another purpose", "of another payload", "of no event"],
)
def test_an_opening_that_should_not_have_been_given_is_named(
    honest: KeptLedger, tmp_path: Path, changes: dict[str, Any], code: str
) -> None:
    """A hub that gives what a region truly asked for and had no right to: the office had taken the notice up."""
    entries = honest.entries()
    request = opening(honest.world, honest.sent, **changes)

    problem = forged_problem(honest, tmp_path / "forged", entries + hub_batch(honest, access_draft(request, "NP-RES")))

    assert (problem.index, problem.code) == (len(entries) + 1, code)


# -- what the regions hold


def inbox_of(kept: KeptLedger, region: str) -> Path:
    """Give a region an inbox that holds exactly what was delivered to it."""
    path = kept.folder / "regions" / region / "region.sqlite"
    with closing(open_store(kept.file, read_only=True)) as store:
        database = RegionDatabase(path)
        with database.transaction():
            database.write("CREATE TABLE inbox_points (point TEXT PRIMARY KEY, n INTEGER, head BLOB)")
            database.write(
                "CREATE TABLE inbox (id INTEGER PRIMARY KEY, point TEXT, n INTEGER, idx INTEGER, event BLOB, head BLOB,"
                " received_at INTEGER)"
            )
            for point in (name for name in store.heads() if name[:2] == region):
                head = Hash(bytes(32))
                n = 0
                for run in store.runs(PointId(point), 1, 1000):
                    for index in run.indexes:
                        (data,) = store.entries(LeafIndex(index), LeafIndex(index + 1))
                        entry = decode_entry(data)
                        assert isinstance(entry, EventEntry)
                        n += 1
                        head = head_next(head, n, leaf_hash(entry.event))
                        database.write(
                            "INSERT INTO inbox VALUES (NULL,?,?,?,?,?,0)", point, n, index, entry.event, head
                        )
                database.write("INSERT INTO inbox_points VALUES (?,?,?)", point, n, head)
        database.close()
    return path


def test_the_inboxes_of_regions_are_compared(kept: KeptLedger) -> None:
    inbox_of(kept, "44")
    inbox_of(kept, "45")

    report = run_audit(str(kept.folder))

    assert report.problem is None
    counted = report.tally.deliveries
    assert report.inboxes == sum(count for point, count in counted.items() if point[:2] in {"44", "45"})
    assert HUB_REGION not in {point[:2] for point in counted}


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM inbox WHERE n=1", "COUNTER_GAP"),
        ("UPDATE inbox SET idx=idx+1 WHERE n=1", "HEAD_MISMATCH"),
        ("UPDATE inbox SET event=event||x'00' WHERE n=1", "HEAD_MISMATCH"),
        ("UPDATE inbox SET head=zeroblob(32) WHERE n=1", "HEAD_MISMATCH"),
        ("UPDATE inbox_points SET n=n+1", "HEAD_MISMATCH"),
        ("DELETE FROM inbox_points", "HEAD_MISMATCH"),
        (
            "INSERT INTO inbox SELECT NULL, point, max(n)+1, 1, event, head, 0 FROM inbox GROUP BY point",
            "HEAD_MISMATCH",
        ),
    ],
)
def test_a_changed_inbox_is_named(kept: KeptLedger, statement: str, code: str) -> None:
    path = inbox_of(kept, "45")
    database = RegionDatabase(path)
    with database.transaction():
        database.write(statement)
    database.close()

    problem = problem_of(kept.folder)

    assert problem.code == code
    assert problem.place is not None
    assert problem.place.startswith("regions/45 45-")
