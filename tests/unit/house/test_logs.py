"""A line of the log holds only what its list of keys allows, and never what may be personal."""

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from adapters.logs import KEYS, MAX_VALUE_CHARACTERS, configure_logs
from contracts.errors import ContractError


@pytest.fixture(autouse=True)
def _logs_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def _lines(to: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in to.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_program_and_time() -> None:
    to = io.StringIO()
    configure_logs(program="hub", to=to)

    structlog.get_logger().info("batch.recorded", producer="44-node", events=256, outcome="ACCEPTED")

    (line,) = _lines(to)
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "batch.recorded",
        "events": 256,
        "level": "info",
        "outcome": "ACCEPTED",
        "producer": "44-node",
        "program": "hub",
    }


def test_a_key_that_the_list_does_not_name_is_refused_with_its_value() -> None:
    """The name shows the slip; the value is gone."""
    to = io.StringIO()
    configure_logs(program="hub", to=to)

    structlog.get_logger().info("payload.opened", id_number="44010618020301002X", body={"reason": "x"}, office="o1")

    (line,) = _lines(to)
    assert line["refused_keys"] == ["body", "id_number"]
    assert line["office"] == "o1"
    assert "44010618020301002X" not in to.getvalue()


@pytest.mark.parametrize("value", [b"\x00\x01", {"name": "x"}, [b"x"], object()])
def test_under_an_allowed_key_only_plain_values_stand(value: object) -> None:
    """Bytes may be a key or a payload, a mapping may be a body."""
    to = io.StringIO()
    configure_logs(program="hub", to=to)

    structlog.get_logger().info("batch.recorded", code=value)

    assert _lines(to)[0]["refused_keys"] == ["code"]


def test_a_long_text_is_cut() -> None:
    to = io.StringIO()
    configure_logs(program="hub", to=to)

    structlog.get_logger().info("batch.recorded", code="x" * 1000, trace=["y" * 1000])

    assert _lines(to)[0]["code"] == "x" * MAX_VALUE_CHARACTERS
    assert _lines(to)[0]["trace"] == ["y" * MAX_VALUE_CHARACTERS]


def test_an_exception_is_told_by_type_code_and_place_and_not_by_its_text() -> None:
    """The text of a foreign exception may quote what arrived."""
    to = io.StringIO()
    configure_logs(program="hub", to=to)

    try:
        raise ContractError("BODY_FIELD", "测试甲一 is no code")
    except ContractError:
        structlog.get_logger().exception("batch.refused")

    (line,) = _lines(to)
    assert line["error"] == "ContractError"
    assert line["code"] == "BODY_FIELD"
    assert line["trace"][-1].startswith("test_logs.py:")
    assert "测试甲一" not in to.getvalue()
    assert "refused_keys" not in line


def test_a_library_is_heard_but_not_quoted() -> None:
    to = io.StringIO()
    configure_logs(program="hub", to=to)

    logging.getLogger("nats.aio.client").warning("could not parse %s", "44010618020301002X")

    (line,) = _lines(to)
    assert (line["event"], line["library"], line["level"]) == ("library.spoke", "nats.aio.client", "warning")
    assert "44010618020301002X" not in to.getvalue()


def test_a_file_is_appended_to_and_its_folder_made(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "hub.jsonl"
    for _ in range(2):
        configure_logs(program="hub", to=file)
        structlog.get_logger().info("hub.started")

    assert [json.loads(line)["event"] for line in file.read_text(encoding="utf-8").splitlines()] == ["hub.started"] * 2


def test_what_is_below_the_level_is_not_written() -> None:
    to = io.StringIO()
    configure_logs(program="hub", to=to, level="warning")

    structlog.get_logger().info("batch.recorded")

    assert to.getvalue() == ""


def test_the_list_names_nothing_that_could_hold_a_person(project: Path) -> None:
    """DOMAIN 1, principle 4: logs hold opaque ids, codes, states and times."""
    personal = {
        "name",
        "id_number",
        "address_code",
        "birth_date",
        "phone",
        "body",
        "payload",
        "reason",
        "key",
        "opening",
    }

    assert KEYS.isdisjoint(personal)
