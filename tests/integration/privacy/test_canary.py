"""All procedures are played with people who carry marks, and no mark is found where it must not be.

What a region may hold, in its own folder and nowhere else (DOMAIN 8.1; its own registers are not part of this):

- `region.sqlite`, table `openings`: the reason that an officer typed, `reason_text`, with the key of its commitment.
  It has to be kept: without it nobody could show later that the commitment in the ledger was to this reason.
- `sent.ref` and the marks of `@name`s: names that the region's own systems gave to drafts and matters. They stay there;
  what they are called is the region's affair.
- Everything else is what the exchange has too: events, sealed payloads until they are answered, receipts, tasks.

An opened payload is written nowhere. It is handed to the caller, and the next reading is a new opening.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from contracts.codes import CODES
from contracts.errors import FAMILIES
from contracts.event import Header, decode_event
from contracts.procedure import load_procedures
from tests.integration.privacy.conftest import Canary
from tests.support.all_matters import MAKERS
from tests.support.canary_marks import Found, Mark, files_below, find, find_in_files
from tests.support.canary_play import PLAYED, REGIONS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400), pytest.mark.sqlite_file]

NEVER_SEALED = {Mark.TYPED_REASON, Mark.UNREAL_NUMBER}
"""One stays with the officer, the other one was refused."""


def recorded(canary: Canary) -> list[tuple[bytes, Header]]:
    """Every event of the ledger."""
    return [(event, decode_event(event)) for event in canary.run.events()]


# -- that the run was worth looking at


def test_every_mark_was_sealed_and_read_by_an_office(canary: Canary) -> None:
    read = "\n".join(canary.run.played["read"])

    assert [mark for mark in Mark if mark.value not in read and mark not in NEVER_SEALED] == []


def test_all_procedures_were_played_with_disputes_and_refusals_by_officials(canary: Canary) -> None:
    types = Counter(header.event_type for _, header in recorded(canary))

    assert {header.procedure for _, header in recorded(canary)} >= set(MAKERS)
    for event_type in (
        "ResidenceNoticeDisputed",
        "RegistrationRejected",
        "ResidencePermitRefused",
        "CoordinationResult",
        "CaseReceived",
    ):
        assert types[event_type] >= 1, event_type
    # The reading with a wrong key and the one on a broken file are in the ledger too: the hub cannot know.
    assert types["AccessRecorded"] == canary.run.played["opened"] + 2


def test_every_profile_was_opened(canary: Canary) -> None:
    profiles = {
        notify.profile
        for (name, _), procedure in load_procedures().items()
        if name in MAKERS
        for row in procedure.transitions
        for notify in row.notify
        if notify.profile is not None
    }

    assert profiles == {ref.profile for _, header in recorded(canary) for ref in header.sealed}


def test_something_was_refused_for_a_reason_of_every_family(canary: Canary) -> None:
    codes = {line["code"] for line in canary.run.said} | {json.loads(text)["code"] for text in _answers(canary)}

    assert {CODES[code].family for code in codes} == set(FAMILIES)


def _answers(canary: Canary) -> list[str]:
    return [text for _, text in canary.strange if text.startswith("{")]


def test_everything_was_delivered(canary: Canary) -> None:
    deliveries = canary.run.deliveries()

    assert {point[:2] for point in deliveries} == set(REGIONS)
    assert all(n == receipted for n, receipted in deliveries.values())


# -- that nothing is found


def test_no_mark_stands_in_any_file_outside_the_regions_nor_on_a_line(canary: Canary) -> None:
    assert canary.found_while_running == []
    assert canary.found_at_the_end == []


def test_no_message_and_no_sentence_of_a_refusal_holds_a_mark(canary: Canary) -> None:
    """Messages with their causes and places, as somebody who debugs would see them."""
    told = [(line["step"], line["text"]) for line in canary.run.said] + list(canary.strange)

    assert len(told) > 500
    assert [found for step, text in told for found in find(text.encode(), step)] == []


def test_no_line_of_a_log_had_to_be_cleaned(canary: Canary) -> None:
    """A key that the list does not name is a slip, even where it cost nothing."""
    logs = [path for path in canary.run.outside() if path.suffix == ".log" and path.parent.name == "logs"]
    lines = [line for path in logs for line in path.read_text(encoding="utf-8").splitlines()]

    assert {path.stem for path in logs} == {"hub", "relay", "regions"}
    assert len(lines) > 500
    assert [line for line in lines if "refused_keys" in json.loads(line)] == []


def test_a_region_holds_the_typed_reasons_and_nothing_else_in_clear(canary: Canary) -> None:
    """See the module: what a region may hold."""
    folder = canary.run.folder / "regions"
    files = [path for path in files_below(folder) if path != canary.run.folder / PLAYED]

    found = find_in_files(files, folder)

    assert {path.name for path in files} > {"region.sqlite", "region.toml", "batch.key"}
    assert {one.mark for one in found} == {Mark.TYPED_REASON}
    cells = {one.place for one in found if " " in one.place}
    assert cells == {f"{region}/region.sqlite openings.reason_text" for region in REGIONS}
    assert {one.place.partition(" ")[0].removesuffix("-wal") for one in found} == {
        f"{region}/region.sqlite" for region in REGIONS
    }


# -- that the search sees what it looks at


def test_the_search_looks_at_every_kind_of_file(canary: Canary) -> None:
    names = {str(path.relative_to(canary.run.folder)) for path in canary.run.outside()}

    for part in (
        "hub/ledger.sqlite",
        "relay/relay.sqlite",
        "nats/nats-server.log",
        "nats/store/jetstream/",
        "logs/hub.log",
        "logs/hub.out",
        "logs/relay.log",
        "logs/regions.log",
        "export/log/checkpoint",
        "said.jsonl",
    ):
        assert any(name.startswith(part) for name in names), part
    assert canary.wal_bytes > 0


def written(event_type: str) -> bytes:
    return bytes((2 * len(event_type),)) + event_type.encode()


def test_the_lines_carry_what_is_recorded_and_cases_are_sealed_on_the_broker(canary: Canary) -> None:
    """DOMAIN 9.2: to the broker all cases look alike. What a line carries, the copy of the line shows."""
    lines = canary.run.lines()
    to_hub = b"".join(data for place, data in lines if place == "hub request, content")
    from_hub = b"".join(data for place, data in lines if place == "hub answer, content")
    from_broker = b"".join(data for place, data in lines if place.startswith("broker"))
    events = [(event, header) for event, header in recorded(canary) if header.procedure in MAKERS and event in to_hub]

    assert len(events) > 30
    noticed = [event for event, header in events if header.event_type == "ResidenceNoticeSent"]
    assert noticed
    assert [event for event in noticed if event not in from_broker] == []
    assert any(event in from_hub for event, _ in events)
    cases = [(event, header) for event, header in events if header.event_class == "cas"]
    assert len(cases) > 10
    assert [header.event_type for event, header in cases if event in from_broker] == []
    # As the header writes it, with its length before it: one type's name may be the end of another's.
    assert [header.event_type for _, header in cases if written(header.event_type) in from_broker] == []
    assert written("ResidenceNoticeSent") in from_broker


def test_a_mark_that_is_planted_in_the_run_is_found(canary: Canary, tmp_path: Path) -> None:
    """The same search, on a copy of the hub's file with one name in a cell of it."""
    copy = tmp_path / "ledger.sqlite"
    copy.write_bytes((canary.run.folder / "hub" / "ledger.sqlite").read_bytes())
    assert find_in_files([copy], tmp_path) == []
    with closing(sqlite3.connect(copy)) as db:
        db.execute("INSERT INTO payloads VALUES (?,?)", (1, b"\0" + Mark.NAME.value.encode() + b"\0"))
        db.commit()

    assert Found("ledger.sqlite payloads.envelope", Mark.NAME, "utf-8") in find_in_files([copy], tmp_path)
