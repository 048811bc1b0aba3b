"""A fault that nobody foresaw is told by type and place. Its text is a library's and may quote what arrived."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
import structlog
import typer

from adapters.cli.errors import EXIT_CODES, told
from adapters.logs import configure_logs
from tests.support.canary_marks import ADDRESS, NAME, NUMBER, find

SAID = f"invalid literal: {NAME}, {NUMBER}, {ADDRESS}"


@pytest.fixture(autouse=True)
def _hooks_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def fail() -> None:
    raise ValueError(SAID)


def caught() -> ValueError:
    with pytest.raises(ValueError, match="invalid") as found:
        fail()
    return found.value


def test_a_program_that_ends_by_a_fault_writes_its_place_to_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    log = io.StringIO()
    configure_logs(program="hub", to=log)
    error = caught()

    sys.excepthook(type(error), error, error.__traceback__)

    line = json.loads(log.getvalue())
    assert (line["event"], line["error"], line["level"]) == ("program.crashed", "ValueError", "error")
    assert line["trace"][-1].endswith(" fail")
    terminal = capsys.readouterr()
    assert "ValueError" in terminal.err
    assert find((log.getvalue() + terminal.out + terminal.err).encode(), "log") == []


def test_a_thread_that_ends_by_a_fault_does_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    log = io.StringIO()
    configure_logs(program="hub", to=log)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()

    assert json.loads(log.getvalue())["event"] == "program.crashed"
    terminal = capsys.readouterr()
    assert find((log.getvalue() + terminal.out + terminal.err).encode(), "log") == []


def test_a_fault_that_cannot_be_raised_does_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    log = io.StringIO()
    configure_logs(program="hub", to=log)

    class Ends:
        def __del__(self) -> None:
            fail()

    Ends()

    assert json.loads(log.getvalue())["event"] == "program.crashed"
    terminal = capsys.readouterr()
    assert find((log.getvalue() + terminal.out + terminal.err).encode(), "log") == []


@pytest.mark.parametrize("as_json", [False, True])
def test_a_verb_that_meets_a_fault_tells_its_place_and_ends(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    with pytest.raises(typer.Exit) as ended, told(as_json=as_json):
        fail()

    terminal = capsys.readouterr()
    assert ended.value.exit_code == EXIT_CODES["unavailable"]
    assert ended.value.__cause__ is None
    assert "INTERNAL_FAULT" in terminal.out + terminal.err
    assert "test_faults_tell_no_text.py" in terminal.out + terminal.err
    assert find((terminal.out + terminal.err).encode(), "terminal") == []


@pytest.mark.parametrize("end", [typer.Exit(3), typer.Abort(), typer.BadParameter("x"), BrokenPipeError()])
def test_a_verb_ends_as_it_says(end: Exception) -> None:
    with pytest.raises(type(end)) as ended, told():
        raise end

    assert ended.value is end
