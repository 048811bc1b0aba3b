"""What a person typed into the wrong place is not repeated: not in a message, not in its causes, not in a repr.

Messages reach logs of callers, screens and tickets (DOMAIN 1, principle 4; `contracts.errors`).
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from adapters.region.draft import Draft, check_codes, parse_line
from adapters.region.opening import Reader, Reading
from contracts.errors import ContractError, ExchangeError
from contracts.ids import LeafIndex, OfficeId, RegionCode
from ledger.batch import decode_tbs
from tests.support.canary_marks import ADDRESS, NAME, NUMBER, REASON_TEXT, find

LINE: dict[str, Any] = {
    "ref": "a1",
    "matter": "@m1",
    "procedure": "RESIDENCE_NOTIFICATION",
    "event": "ResidenceNoticeSent",
    "office": "o12345678",
    "occurred_at": "2026-03-02T10:00:00+08:00",
    "counterpart": {"region": "45", "office": "o23456789"},
    "body": {},
    "payloads": {"NP-RES": {"county": "440106"}},
}


def told_by(job: Callable[[], object]) -> str:
    """Everything that an error says, with the errors that it came from."""
    with pytest.raises(ExchangeError) as caught:
        job()
    return "".join(traceback.format_exception(caught.value)) + repr(caught.value)


# A number may be the sending system's own name for a draft (`ref`), which never leaves its region.
@pytest.mark.parametrize("text", [NAME, NUMBER, ADDRESS])
@pytest.mark.parametrize("field", [*list(LINE)[1:], "correlation", "causation", "counterpart.region"])
def test_a_line_with_a_person_in_a_field_is_refused_without_quoting_it(field: str, text: str) -> None:
    outer, _, inner = field.partition(".")
    line = LINE | {outer: LINE[outer] | {inner: text} if inner else text}

    assert find(told_by(lambda: parse_line(json.dumps(line).encode())).encode(), "message") == []


@pytest.mark.parametrize("text", [NAME, NUMBER, ADDRESS])
def test_a_field_that_is_named_after_a_person_is_not_told(text: str) -> None:
    for line in (LINE | {text: 1}, LINE | {"payloads": {text: "x"}}, LINE | {"counterpart": {text: "45"}}):
        assert find(told_by(partial(parse_line, json.dumps(line).encode())).encode(), "message") == []


def test_a_line_that_is_no_json_is_not_quoted() -> None:
    assert find(told_by(lambda: parse_line(f'{{"ref": {NAME}'.encode())).encode(), "message") == []


@pytest.mark.parametrize(
    "change",
    [
        {"procedure": NAME},
        {"event_type": NAME},
        {"office": OfficeId(NAME)},
        {"counterpart_region": RegionCode(NUMBER)},
        {"counterpart_office": OfficeId(NUMBER)},
        {"payloads": {NAME: ({},)}},
    ],
)
def test_a_draft_that_a_program_made_holds_codes_where_codes_belong(change: dict[str, Any]) -> None:
    """`parse_line` is not the only way to a draft."""
    draft = Draft("RESIDENCE", "RegistrationEnded", OfficeId("o12345678"), 0)

    check_codes(draft)
    assert find(told_by(lambda: check_codes(replace(draft, **change))).encode(), "message") == []


def test_a_batch_whose_producer_is_a_person_is_refused_without_quoting_it() -> None:
    name = f"{NAME} {NUMBER}".encode()
    tbs = b"pprd-batch/v1\n\0" + bytes((len(name),)) + name + bytes(16 + 8 + 4 + 8 + 32 + 32)

    with pytest.raises(ContractError, match="producer") as caught:
        decode_tbs(tbs)

    assert find(str(caught.value).encode(), "message") == []


def test_what_is_personal_does_not_stand_in_a_repr() -> None:
    """A repr slips into messages, debuggers and failed tests."""
    draft = Draft("RESIDENCE", "E", OfficeId("o12345678"), 0, body={"a": NAME}, payloads={"NP-RES": ({"name": NAME},)})
    reading = Reading("NP-RES", {"name": NAME}, LeafIndex(1))
    reader = Reader(OfficeId("o12345678"), REASON_TEXT, role="REGISTRAR")

    assert find(f"{draft!r} {reading!r} {reader!r}".encode(), "repr") == []
