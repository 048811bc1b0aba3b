"""What leaves every list, as data: `Hiding`, `load_hiding`, from `contracts/rules/hiding.toml` (DOMAIN 7.1, 7.2)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Hiding:
    """Which matters are in no list.

    Attributes:
        states: A matter in one of these is in no work list.
        orders: Event type to the body field that names a matter: it leaves every list and count for good.
    """

    states: frozenset[str]
    orders: Mapping[str, str]

    def ordered(self, event_type: str, body: Mapping[str, Any]) -> bytes | None:
        """The matter that an event hides, None for other events."""
        field = self.orders.get(event_type)
        named = None if field is None else body.get(field)
        return named if isinstance(named, bytes) else None


@cache
def load_hiding() -> Hiding:
    """The packaged rules."""
    tables = tomllib.loads(files("contracts").joinpath("rules/hiding.toml").read_text(encoding="utf-8"))
    return Hiding(frozenset(tables["states"]), {row["event"]: row["stream"] for row in tables.get("order", ())})
