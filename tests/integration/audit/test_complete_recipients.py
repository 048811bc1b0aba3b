"""A hub that cheats one recipient is caught, with the ledger and without it, and the evidence convinces others."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.auditing import run_export
from adapters.store.sqlite import SqliteStore
from contracts.event import decode_event
from contracts.ids import LeafIndex, PointId
from ledger.entry import EventEntry, decode_entry
from tests.support.cheated_point import honest_indexes, receive
from tests.support.delivering_ledger import DeliveringLedger

POINT = PointId("45-node")


class Sent(NamedTuple):
    """A data folder, its ledger's key, a head that it published, and what the point had to get."""

    folder: Path
    vkey: str
    heads: Path
    indexes: list[int]
    ledger: DeliveringLedger


def said(*arguments: object) -> tuple[int, str]:
    """Exit code and words of the program."""
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """A ledger that told the point of eight events and published the head after them."""
    folder = tmp_path_factory.mktemp("sent") / "data"
    (folder / "hub").mkdir(parents=True)
    store = SqliteStore(folder / "hub" / "ledger.sqlite")
    ledger = DeliveringLedger(store)
    ledger.notices(8)
    ledger.application.publish_heads()
    heads = folder.parent / "head.tlog-proof"
    code, text = said("receipt", "heads", POINT, "--data", folder, "--out", heads)
    assert code == 0, text
    return Sent(folder, ledger.world.verifier.vkey, heads, honest_indexes(store, POINT), ledger)


Change = Callable[[list[int], Sent], list[int]]


def _of_others(sent: Sent) -> int:
    """An event that the point was not told of."""
    store = sent.ledger.store
    before = enumerate(store.entries(LeafIndex(0), LeafIndex(sent.indexes[0])))
    return max(index for index, raw in before if isinstance(decode_entry(raw), EventEntry))


LIES: dict[str, Change] = {
    "dropped": lambda indexes, _: [*indexes[:3], *indexes[4:]],
    "dropped and hidden by another": lambda indexes, sent: [_of_others(sent), *indexes[:3], *indexes[4:]],
    "added": lambda indexes, sent: [_of_others(sent), *indexes],
    "reordered": lambda indexes, _: [*indexes[:3], indexes[4], indexes[3], *indexes[5:]],
    "repeated": lambda indexes, _: [*indexes[:4], *indexes[3:]],
    "cut off": lambda indexes, _: indexes[:-2],
}


def test_an_honest_point_holds_everything_with_the_ledger_and_without(sent: Sent, tmp_path: Path) -> None:
    count = len(sent.indexes)
    file = tmp_path / "region.sqlite"
    receive(sent.ledger, file, POINT, sent.indexes, receipted=[2, count])

    code, text = said("audit", sent.folder, "--recipient", POINT, "--inbox", file)
    offline = said("audit", "--recipient", POINT, "--inbox", file, "--heads", sent.heads, "--vkey", sent.vkey, "--json")

    assert code == 0, text
    assert f"events 1 to {count}, none missing" in text
    assert offline[0] == 0, offline[1]
    told = json.loads(offline[1])
    assert (told["n"], told["confirmed_n"], told["receipted_n"], told["due_n"]) == (count, count, count, None)


def test_an_export_is_enough_to_know_what_was_due(sent: Sent, tmp_path: Path) -> None:
    file = tmp_path / "region.sqlite"
    receive(sent.ledger, file, POINT, sent.indexes)
    run_export(sent.folder, tmp_path / "out")

    code, text = said("audit", tmp_path / "out", "--recipient", POINT, "--inbox", file, "--vkey", sent.vkey)

    assert code == 0, text


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("where", ["with the ledger", "offline"])
def test_a_lie_to_one_recipient_is_caught_with_evidence_for_others(
    sent: Sent, tmp_path: Path, lie: str, where: str
) -> None:
    """Each run holds by itself: proofs, signatures, counters. Only together they lie."""
    indexes = LIES[lie](list(sent.indexes), sent)
    file, evidence = tmp_path / "region.sqlite", tmp_path / "evidence.json"
    receive(sent.ledger, file, POINT, indexes, receipted=[len(indexes)])
    source = [sent.folder] if where == "with the ledger" else ["--heads", sent.heads, "--vkey", sent.vkey]

    code, text = said("audit", *source, "--recipient", POINT, "--inbox", file, "--evidence", evidence)
    judged = said("receipt", "evidence", evidence, "--vkey", sent.vkey)

    assert code == 1, text
    assert POINT in text
    assert judged[0] == 0, judged[1]
    assert "The file shows" in judged[1]


def test_evidence_that_somebody_changed_convinces_nobody(sent: Sent, tmp_path: Path) -> None:
    file, evidence = tmp_path / "region.sqlite", tmp_path / "evidence.json"
    receive(sent.ledger, file, POINT, sent.indexes[:-2], receipted=[3])
    said("audit", sent.folder, "--recipient", POINT, "--inbox", file, "--evidence", evidence)
    value = json.loads(evidence.read_text())
    changes = {
        "code": {"code": "HEADS_FORKED"},
        "counter": {"n": 1},
        "receipt": {"receipts": [{**value["receipts"][0], "head": "00" * 32}]},
        "signature": {"receipts": [{**value["receipts"][0], "signature": "00" * 64}]},
        "published": {"published": [one.replace("index ", "index 9") for one in value["published"]]},
        "key": {"keys": []},
        "honest": {"held": [], "due": [], "published": [], "receipts": []},
        "form": {"held": [["1", 2, "00"]]},
    }

    believed = {}
    for name, change in changes.items():
        evidence.write_text(json.dumps(value | change))
        believed[name] = said("receipt", "evidence", evidence, "--vkey", sent.vkey)[0]

    assert believed == dict.fromkeys(changes, 1)


def test_evidence_shows_no_content(sent: Sent, tmp_path: Path) -> None:
    """Only counters, indexes, hashes, and the proofs of published heads and keys."""
    file, evidence = tmp_path / "region.sqlite", tmp_path / "evidence.json"
    receive(sent.ledger, file, POINT, sent.indexes[:-2], receipted=[3])
    said("audit", sent.folder, "--recipient", POINT, "--inbox", file, "--evidence", evidence)

    value = json.loads(evidence.read_text())

    assert {len(row[2]) for row in value["held"]} == {64}
    with closing(SqliteStore(sent.folder / "hub" / "ledger.sqlite", read_only=True)) as store:
        events = [next(iter(store.entries(index, index + 1))) for index in sent.indexes]  # type: ignore[arg-type]
    assert not any(event.hex() in evidence.read_text() for event in events)


def test_who_names_too_little_is_told_what_is_missing(sent: Sent, tmp_path: Path) -> None:
    absent = tmp_path / "absent.sqlite"

    without_key = said("audit", "--recipient", POINT, "--inbox", absent, "--heads", sent.heads)
    without_file = said("audit", sent.folder, "--recipient", POINT, "--inbox", absent)
    wrong_key = said(
        "audit", "--recipient", POINT, "--inbox", absent, "--heads", sent.heads, "--vkey", sent.vkey[:-2] + "00"
    )

    assert (without_key[0], "SETTINGS_INVALID" in without_key[1]) == (1, True)
    assert (without_file[0], "SOURCE_UNREADABLE" in without_file[1]) == (2, True)
    assert wrong_key[0] == 1


def test_a_receipt_that_is_no_published_head_is_refused(sent: Sent, tmp_path: Path) -> None:
    file, other = tmp_path / "region.sqlite", tmp_path / "other.tlog-proof"
    receive(sent.ledger, file, POINT, sent.indexes)
    shutil.copy(sent.heads, other)
    other.write_bytes(other.read_bytes().replace(b"index ", b"index 1"))

    code, text = said("audit", "--recipient", POINT, "--inbox", file, "--heads", other, "--vkey", sent.vkey)

    assert code == 1
    assert "INVALID" in text or "MALFORMED" in text


def test_two_regions_reconcile_from_their_own_files(sent: Sent, tmp_path: Path) -> None:
    """The sender keeps what it recorded, the receiver what it was told; nobody's file shows a matter's content."""
    store, files = sent.ledger.store, {}
    for region, dropped in (("44", False), ("45", False), ("45", True)):
        point = PointId(f"{region}-node")
        file = tmp_path / f"{region}-{dropped}.sqlite"
        indexes = honest_indexes(store, point)
        receive(sent.ledger, file, point, [*indexes[:3], *indexes[4:]] if dropped else indexes)
        with closing(sqlite3.connect(file)) as db:
            for index, raw in enumerate(store.entries(LeafIndex(0), LeafIndex(store.size()))):
                entry = decode_entry(raw)
                header = decode_event(entry.event) if isinstance(entry, EventEntry) else None
                if header is not None and isinstance(entry, EventEntry) and header.producer_region == region:
                    row = (header.stream_id, header.stream_seq, header.event_id, index, entry.event)
                    db.execute("INSERT OR IGNORE INTO stream_events VALUES (?,?,?,?,?)", row)
            db.commit()
        other = "45" if region == "44" else "44"
        files[region, dropped] = tmp_path / f"{region}-{dropped}.json"
        code, text = said(
            "reconcile", "export", "--region", region, "--with", other, "--inbox", file, "--out", files[region, dropped]
        )
        assert code == 0, text

    agreed = said("reconcile", "compare", files["44", False], files["45", False], "--json")
    disagreed = said("reconcile", "compare", files["45", True], files["44", False])

    assert agreed[0] == 0, agreed[1]
    assert json.loads(agreed[1])["matters"] == 8
    assert (disagreed[0], "REGIONS_DISAGREE" in disagreed[1]) == (1, True)
