"""What leaves every list, as data: `Hiding`, `load_hiding`, from `contracts/rules/hiding.toml` (DOMAIN 7.1, 7.2)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Hiding:
    """Which matters are in no list.

    Attributes:
        states: A matter in one of these is in no work list.
        orders: Event type to the body field that names a matter: it leaves every list and count.
        lifted: Event type to the body field that names a matter: it stands in work lists again and counts from then on.
    """

    states: frozenset[str]
    orders: Mapping[str, str]
    lifted: Mapping[str, str] = field(default_factory=dict)

    def ordered(self, event_type: str, body: Mapping[str, Any]) -> bytes | None:
        """The matter that an event hides, None for other events."""
        return _named(self.orders, event_type, body)

    def shown(self, event_type: str, body: Mapping[str, Any]) -> bytes | None:
        """The matter that an event shows again, None for other events."""
        return _named(self.lifted, event_type, body)


def _named(fields: Mapping[str, str], event_type: str, body: Mapping[str, Any]) -> bytes | None:
    field_name = fields.get(event_type)
    named = None if field_name is None else body.get(field_name)
    return named if isinstance(named, bytes) else None


@cache
def load_hiding() -> Hiding:
    """The packaged rules."""
    tables = tomllib.loads(files("contracts").joinpath("rules/hiding.toml").read_text(encoding="utf-8"))
    orders, lifted = ({row["event"]: row["stream"] for row in tables.get(name, ())} for name in ("order", "lifted"))
    return Hiding(frozenset(tables["states"]), orders, lifted)
