"""How an error reaches a person: what happened, the code, what to do. And the exit codes, one for each family.

    0  done
    1  evidence does not hold: an audit, a proof or a signature failed; stop and keep everything
    2  the command was called wrongly (typer's own)
    3  refused: what was asked for is malformed, not allowed, against a rule, or somebody was first
    4  not now: something that is needed is away, missing or busy; try again
    5  the state here is unknown; the next start verifies it

No traceback reaches a user: one would tell less and might quote data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import typer
from rich.console import Console
from rich.table import Table

from adapters.logs import places
from contracts.errors import ExchangeError, Family, UnavailableError
from contracts.messages import Language, message_of

EXIT_CODES: Final[Mapping[Family, int]] = {
    "contract": 3,
    "access": 3,
    "rule": 3,
    "conflict": 3,
    "evidence": 1,
    "unavailable": 4,
    "fatal": 5,
}
"""Exit code of each family of errors."""

_spoken: Final[ContextVar[Language]] = ContextVar("language", default="en")
_WHAT_TO_DO: Final[Mapping[Language, str]] = {"en": "What to do: ", "zh": "处理办法："}

out = Console(highlight=False)
"""Where results go."""
err = Console(stderr=True, highlight=False)
"""Where errors and notes go."""


@contextmanager
def told(*, as_json: bool = False) -> Iterator[None]:
    """Tell an error of ours as a sentence, or as JSON, and end with the exit code of its family."""
    try:
        yield
    except ExchangeError as error:
        tell(error, as_json=as_json)
        raise typer.Exit(EXIT_CODES[error.family]) from error
    except KeyboardInterrupt as interrupt:
        raise typer.Exit(130) from interrupt
    except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
        raise
    except Exception as fault:  # noqa: BLE001 - the outermost loop of the program
        where = ", ".join(reversed(places(fault.__traceback__)))
        tell(UnavailableError("INTERNAL_FAULT", f"the program met {type(fault).__name__} in {where}"), as_json=as_json)
        raise typer.Exit(EXIT_CODES["unavailable"]) from None


def tell(error: ExchangeError, *, as_json: bool = False) -> None:
    """Write an error for a person, or for a machine."""
    said = language()
    title, sentence, advice = message_of(error.code, said)
    if as_json:
        say_json(
            {
                "error": {
                    "code": error.code,
                    "title": title,
                    "sentence": sentence,
                    "advice": advice,
                    "detail": error.message,
                    "field": error.field,
                    "rule": error.rule,
                }
            }
        )
        return
    where = "".join(f", {name} {value}" for name, value in (("field", error.field), ("rule", error.rule)) if value)
    err.print(f"{sentence} ({error.code}{where})", markup=False, style="bold red")
    err.print(f"  {error.message}", markup=False)
    err.print(f"  {_WHAT_TO_DO[said]}{advice}", markup=False)


def language() -> Language:
    """The language in which this call of the program speaks: `--lang`, `PPRD_LANG`, or the locale."""
    return _spoken.get()


def speak_in(spoken: Language) -> None:
    """Choose the language for this call of the program."""
    _spoken.set(spoken)


def listing(*columns: str, last: str) -> Table:
    """A plain table whose last column holds ids, which are never cut: they are what the next command takes."""
    table = Table(*columns, box=None, pad_edge=False)
    table.add_column(last, no_wrap=True, min_width=36)
    return table


def say_json(value: object) -> None:
    """Write one line of JSON to standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False))
