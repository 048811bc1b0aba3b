"""Groups of verbs of which each is imported when it is called: `pprd hub serve` does not wait for what an audit needs.

app = typer.Typer(cls=group_of({"audit": "audit:audit_command", "rights": "rights:rights_app"}))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

Verb = str | typer.Typer
"""A function or a group of `adapters.cli`, as `module:name`; or a group."""


def group_of(verbs: Mapping[str, Verb]) -> type[TyperGroup]:
    """The class of a group, for `typer.Typer(cls=...)`.

    Args:
        verbs: By name, in the order of the help text.
    """

    class Group(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands = _Imported(verbs)

    return Group


class _Imported(MutableMapping[str, Any]):
    """Click's commands by name; names are known, and a command is made when it is asked for."""

    def __init__(self, verbs: Mapping[str, Verb]) -> None:
        self._verbs: dict[str, Verb] = dict(verbs)
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _made(name, self._verbs[name])
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._verbs[name] = ""
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._verbs[name]
        self._made.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._verbs)

    def __len__(self) -> int:
        return len(self._verbs)


def _made(name: str, verb: Verb) -> Any:
    """The command, as Typer makes it for a group that has it from the beginning."""
    found: Callable[..., Any] | typer.Typer
    if isinstance(verb, typer.Typer):
        found = verb
    else:
        module, _, attribute = verb.partition(":")
        found = getattr(import_module(f"adapters.cli.{module}"), attribute)
    holder = typer.Typer()
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name)(found)
    return typer.main.get_group(holder).commands[name]
