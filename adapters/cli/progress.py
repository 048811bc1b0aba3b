"""A bar for people while something goes through a ledger; nothing where nobody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from adapters.cli.errors import err


class _RateColumn(ProgressColumn):
    """How many are done in a second."""

    def render(self, task: Task) -> Text:
        """See `rich.progress.ProgressColumn`."""
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s")


@contextmanager
def entries_bar(what: str, *, is_shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Show how many of how many entries are done, how many in a second, and how long the rest will take.

    Args:
        what: One word, for example `auditing`.
        is_shown: False where a machine reads.

    Yields:
        To be called with both numbers.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not (is_shown and err.is_terminal)) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, size: progress.update(task, completed=done, total=size)
