"""Logs: one JSON line a request or message, with its outcome and code, and nothing about a person.

A line holds the keys of `KEYS` and no others: what may be logged is a list, not a judgement made at each call. A value
under any other key is left out and its name is written to `refused_keys`, so that a slip costs a word and never a
person's data; the tests of the servers look for that word. Of an exception a line tells type, code and place, never
its text, which may quote what arrived; that holds for the exception that ends a program or a thread too. Names of
events are a noun and a past verb: `batch.recorded`.
"""

import logging
import sys
import threading
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.typing import Processor

from contracts.errors import ExchangeError

KEYS: Final = frozenset(
    {
        # the line itself
        "at", "event", "level",
        # what came of it
        "outcome", "code", "field", "rule", "error", "trace", "refused_keys",
        # who: offices, regions, delivery points and producers are public words of the directory
        "office", "peer", "point", "producer", "region",
        # which: opaque ids and positions
        "batch_id", "batch_seq", "claim", "correlation_id", "event_id", "first_n", "index", "message_id", "n", "origin",
        "position", "size", "stream_id",
        # how many, how long
        "accepted", "attempt", "bytes", "count", "duration_ms", "events", "lag_events", "lag_seconds", "queued_events",
        "refused", "repeated", "retry_after_ms", "runs",
        # the machine
        "address", "call", "days", "library", "pid", "program", "signal", "stream", "subject", "version", "wanting",
    }
)  # fmt: skip
"""Every key that a line may hold."""

MAX_VALUE_CHARACTERS: Final = 200
"""Longer text under an allowed key is cut: an id, a code or an address is never that long."""

_LISTS: Final = (list, tuple)
_PLAIN: Final = (str, int, float)
_NUMBERS: Final = frozenset({int, float, bool, type(None)})

Level = Literal["debug", "info", "warning", "error"]


def configure_logs(*, program: str, to: Path | TextIO | None = None, level: Level = "info") -> None:
    """Send the lines of this process to a file or stream; call once, at start.

    Args:
        program: Which program this is: `hub`, `relay`, `region-44`; in every line.
        to: A file to append to, made with its folder, a text stream, or None for standard error.
        level: The lowest level that is written.
    """
    if isinstance(to, Path):
        to.parent.mkdir(parents=True, exist_ok=True)
        to = to.open("a", encoding="utf-8", buffering=1)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _say_program(program),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            tell_where,
            refuse_unknown_keys,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(to if to is not None else sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_LibraryHandler()], level=logging.WARNING, force=True)
    sys.excepthook = _tell_crash
    sys.unraisablehook = lambda told: _tell_crash(told.exc_type, told.exc_value, told.exc_traceback)
    threading.excepthook = lambda told: _tell_crash(told.exc_type, told.exc_value, told.exc_traceback)


def _say_program(program: str) -> Processor:
    # Not a context variable: threads do not inherit those.
    def say(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line["program"] = program
        return line

    return say


def _tell_crash(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """Stands for the interpreter's own words about a fault that nobody caught, which would quote its text."""
    structlog.get_logger().error("program.crashed", exc_info=(kind, error, trace))
    sys.stderr.write(f"met {kind.__name__}; the log says where\n")


def tell_where(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put type, code and place of an exception in a line, in place of its text.

    Args:
        line: May hold `exc_info`: an exception, the triple of `sys.exc_info`, or True for the one being handled.

    Returns:
        The same line without `exc_info`.
    """
    given = line.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        line["error"] = type(error).__name__
        line["trace"] = places(error.__traceback__)
        if isinstance(error, ExchangeError):
            line.setdefault("code", error.code)
    return line


def places(trace: TracebackType | None) -> list[str]:
    """The innermost frames as `file.py:line function`, without the folders of this machine."""
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)[-5:]]


def refuse_unknown_keys(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leave out what `KEYS` does not name and what is no plain value.

    Returns:
        A new line; names that were left out stand under `refused_keys`, in order of the alphabet.
    """
    kept: dict[str, Any] = {}
    for key, value in line.items():
        if key in KEYS:
            if type(value) in _NUMBERS:  # of most values nothing more needs to be asked
                kept[key] = value
            elif _is_plain(value):
                kept[key] = _plain(value)
    if len(kept) < len(line):
        kept["refused_keys"] = sorted(str(key) for key in line if key not in kept)
    return kept


def _is_plain(value: object) -> bool:
    """Bytes, mappings and objects are refused: they may be a payload, a body or a key."""
    if isinstance(value, _LISTS):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, _PLAIN)


def _plain(value: object) -> object:
    if isinstance(value, _LISTS):
        return [_plain(item) for item in value]
    return value[:MAX_VALUE_CHARACTERS] if isinstance(value, str) else value


class _LibraryHandler(logging.Handler):
    """Says that a library had something to say, and where, but not what: its text may quote a message."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno,
            "library.spoke",
            library=record.name,
            trace=[f"{record.filename}:{record.lineno} {record.funcName}"],
            error=record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None,
        )
