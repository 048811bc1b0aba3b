"""A hub that cheats one recipient is caught, with the ledger and without it, and the evidence convinces others."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.auditing import run_export
from adapters.store.opening import open_store
from contracts.event import decode_event
from contracts.ids import LeafIndex, PointId
from ledger.entry import EventEntry, decode_entry
from ledger.evidence_file import Shown, format_evidence, parse_evidence
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
    store = open_store(folder / "hub" / "ledger.sqlite")
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
    file, evidence = tmp_path / "region.sqlite", tmp_path / "evidence"
    receive(sent.ledger, file, POINT, indexes, receipted=[len(indexes)])
    source = [sent.folder] if where == "with the ledger" else ["--heads", sent.heads, "--vkey", sent.vkey]

    code, text = said("audit", *source, "--recipient", POINT, "--inbox", file, "--evidence", evidence)
    files = sorted(evidence.iterdir())
    judged = [said("evidence", "verify", one, "--vkey", sent.vkey) for one in files]

    assert code == 1, text
    assert POINT in text
    assert {one.name.split("-")[2] for one in files} >= SHOWN[lie, where]
    assert [exit_code for exit_code, _ in judged] == [0] * len(files)
    assert all(POINT in told for _, told in judged)


SHOWN = {
    ("dropped", "with the ledger"): {"DELIVERY_MISSING", "DELIVERY_WRONG"},
    ("dropped", "offline"): {"DELIVERY_MISSING"},
    ("dropped and hidden by another", "with the ledger"): {"HEAD_DISAGREES", "RECEIPT_DISAGREES", "DELIVERY_WRONG"},
    ("dropped and hidden by another", "offline"): {"HEAD_DISAGREES"},
    ("added", "with the ledger"): {"HEAD_DISAGREES", "DELIVERY_WRONG"},
    ("added", "offline"): {"HEAD_DISAGREES"},
    ("reordered", "with the ledger"): {"HEAD_DISAGREES", "DELIVERY_DISORDERED", "DELIVERY_WRONG"},
    ("reordered", "offline"): {"HEAD_DISAGREES"},
    ("repeated", "with the ledger"): {"HEAD_DISAGREES", "DELIVERY_DISORDERED", "DELIVERY_WRONG"},
    ("repeated", "offline"): {"HEAD_DISAGREES"},
    ("cut off", "with the ledger"): {"DELIVERY_MISSING", "DELIVERY_WRONG"},
    ("cut off", "offline"): {"DELIVERY_MISSING"},
}
"""Claims that each lie leaves behind."""


def test_evidence_that_somebody_changed_convinces_nobody(sent: Sent, tmp_path: Path) -> None:
    file, evidence = tmp_path / "region.sqlite", tmp_path / "evidence"
    receive(sent.ledger, file, POINT, LIES["reordered"](list(sent.indexes), sent), receipted=[len(sent.indexes)])
    said("audit", sent.folder, "--recipient", POINT, "--inbox", file, "--evidence", evidence)

    for path in evidence.iterdir():
        kept = parse_evidence(path.read_bytes())
        moved = replace(kept.entries[0], index=LeafIndex(kept.entries[0].index + 1))
        changes = {
            "claim": replace(kept, claim="TWO_COUNTS"),
            "place": replace(kept, entries=(moved, *kept.entries[1:])),
            "point": replace(kept, shown=(Shown("point", b"43-node"), *kept.shown[1:])),
            "cut": replace(kept, shown=kept.shown[:-1]),
        }
        if kept.claim.startswith("DELIVERY"):
            # What came to whom nobody signed: in these files another name is another accusation, as open as this one.
            del changes["point"]
        for change in changes.values():
            path.write_bytes(format_evidence(change))
            assert said("evidence", "verify", path, "--vkey", sent.vkey)[0] == 1, kept.claim


def test_evidence_shows_no_content(sent: Sent, tmp_path: Path) -> None:
    """Counters, indexes and hashes, and of entries only the headers that prove something."""
    file, evidence = tmp_path / "region.sqlite", tmp_path / "evidence"
    receive(sent.ledger, file, POINT, sent.indexes[:-2], receipted=[3])
    said("audit", sent.folder, "--recipient", POINT, "--inbox", file, "--evidence", evidence)

    files = [parse_evidence(path.read_bytes()) for path in evidence.iterdir()]

    with closing(open_store(sent.folder / "hub" / "ledger.sqlite", read_only=True)) as store:
        envelopes = [store.payload(LeafIndex(index), 0) for index in sent.indexes]
    assert files
    assert any(envelopes)
    for kept in files:
        assert all(len(part.content) <= 100 for part in kept.shown)
        assert not any(envelope in format_evidence(kept) for envelope in envelopes if envelope)


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
