"""Guards: conditions of a procedure's row, as data. `Guard`, `load_guards`, and `KINDS`, what each kind has to say.

`contracts/rules/guards.toml` names each guard and says of which kind it is; what a kind does stands in
`contracts.guard_check`. A guard is asked when an event wants to enter and never again: what was recorded is applied
without it.

The kind `content` reads the plaintext of a sealed payload: its fields are the profile's, and the gateway that seals is
the one who can judge it. What is a person's stays out of clear text and is still checked.

A date is named by its place: `body.<field>`, `fact.<name>`, or `occurred`, the Shanghai day of `occurred_at`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from contracts.errors import ContractError
from contracts.procedure_types import Value, When


@dataclass(frozen=True, slots=True)
class Guard:
    """One row of `guards.toml`; which attributes a kind needs stands in `KINDS`.

    Attributes:
        name: Named by procedures, and by refusals as their rule.
        kind: One of `KINDS`.
        code: Code of the refusal.
        when: It counts only if the body says so.
        fields: Body fields.
        values: What a field or a fact may be.
        fact: Name of a remembered value.
        since: Place of the earlier date.
        until: Place of the later date.
        at_least: Lower bound, in the unit that the kind names.
        at_most: Upper bound.
        region: `PRODUCER`: the division lies in the producer's region.
        profile: Profile of a sealed payload; empty for any.
        rule: Id of a time limit.
        listed: Name of a remembered list of offices.
    """

    name: str
    kind: str
    code: str = "GUARD_FAILED"
    when: When | None = None
    fields: tuple[str, ...] = ()
    values: frozenset[Value] = frozenset()
    fact: str = ""
    since: str = ""
    until: str = "occurred"
    at_least: int | None = None
    at_most: int | None = None
    region: str = ""
    profile: str = ""
    rule: str = ""
    listed: str = ""

    def body_fields(self) -> frozenset[str]:
        """Every body field it reads."""
        if self.reads_content():
            return frozenset()
        places = (place.removeprefix("body.") for place in (self.since, self.until) if place.startswith("body."))
        return frozenset((*self.fields, *places, *((self.when.field,) if self.when else ())))

    def facts(self) -> frozenset[str]:
        """Every fact it needs somebody to remember."""
        places = (place.removeprefix("fact.") for place in (self.since, self.until) if place.startswith("fact."))
        return frozenset((*places, *(name for name in (self.fact, self.listed) if name)))

    def reads_content(self) -> bool:
        """Whether it reads a sealed payload: judged where the content is readable, at the gateway, and nowhere else."""
        return self.kind == "content"

    def reads_names_only(self) -> bool:
        """Whether it reads nothing of an event but which offices and regions its header names."""
        return self.when is None and self.kind in {"counterpart_named", "counterpart_receives", "other_region"}

    def reads_past(self) -> bool:
        """Whether it reads what earlier events left: facts, limits that run, the side that they named."""
        return bool(self.facts()) or self.kind in {"rule_passed", "rule_running", "counterpart_known"}


KINDS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "present": (frozenset({"fields"}), frozenset()),
    "one_of": (frozenset({"fields", "values"}), frozenset()),
    "range": (frozenset({"fields"}), frozenset({"at_least", "at_most"})),
    "remembered": (frozenset({"fact"}), frozenset({"values"})),
    "not_remembered": (frozenset({"fact"}), frozenset()),
    "same_as_remembered": (frozenset({"fields", "fact"}), frozenset()),
    "months_elapsed": (frozenset({"since"}), frozenset({"until", "at_least", "at_most"})),
    "days_elapsed": (frozenset({"since"}), frozenset({"until", "at_least", "at_most"})),
    "division": (frozenset({"fields"}), frozenset({"region"})),
    "same_city": (frozenset({"fields", "fact"}), frozenset()),
    "payload": (frozenset(), frozenset({"profile"})),
    "content": (frozenset({"fields", "values"}), frozenset({"profile"})),
    "holders_of": (frozenset({"fields"}), frozenset()),
    "holders_stay": (frozenset({"fact", "listed"}), frozenset()),
    "answers_for": (frozenset({"fields"}), frozenset()),
    "other_than_remembered": (frozenset({"fields", "fact"}), frozenset()),
    "other_offices": (frozenset({"fields", "at_least", "at_most"}), frozenset()),
    "producer_listed": (frozenset({"fact"}), frozenset()),
    "counterpart_named": (frozenset(), frozenset()),
    "counterpart_known": (frozenset(), frozenset()),
    "counterpart_receives": (frozenset({"profile"}), frozenset()),
    "other_region": (frozenset(), frozenset()),
    "rule_passed": (frozenset({"rule"}), frozenset()),
    "rule_running": (frozenset({"rule"}), frozenset()),
}
"""For each kind, what a row must say and what it may; `kind`, `code` and `when` stand in every row."""


@cache
def load_guards() -> Mapping[str, Guard]:
    """Read the packaged guards once, by name.

    Raises:
        ContractError: PROCEDURE_INVALID: the packaged file is wrong.
    """
    text = files("contracts").joinpath("rules/guards.toml").read_text(encoding="utf-8")
    return parse_guards(text)


def parse_guards(text: str) -> Mapping[str, Guard]:
    """Read guards from TOML.

    Raises:
        ContractError: PROCEDURE_INVALID, with the guard and the reason.
    """
    try:
        tables: dict[str, dict[str, Any]] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ContractError("PROCEDURE_INVALID", f"guards.toml: {error}") from error
    return MappingProxyType({name: _guard(name, table) for name, table in tables.items()})


def _guard(name: str, table: dict[str, Any]) -> Guard:
    kind = str(table.get("kind"))
    if kind not in KINDS:
        raise ContractError("PROCEDURE_INVALID", f"guards.toml: guard {name}: unknown kind {kind!r}")
    needed, allowed = KINDS[kind]
    said = table.keys() - {"kind", "code", "when"}
    if needed - said or said - needed - allowed:
        wrong = sorted((needed - said) | (said - needed - allowed))
        raise ContractError("PROCEDURE_INVALID", f"guards.toml: guard {name}: wrong or missing {', '.join(wrong)}")
    values = {key: table[key] for key in (field.name for field in fields(Guard)) if key in table}
    values["fields"] = tuple(table.get("fields", ()))
    values["values"] = frozenset(table.get("values", ()))
    if "when" in table:
        values["when"] = parse_when(table["when"])
    return Guard(name=name, **values)


def parse_when(table: Mapping[str, Any]) -> When:
    """Read `{ field, equals }` or `{ field, one_of }`.

    Raises:
        ContractError: PROCEDURE_INVALID.
    """
    if table.keys() not in ({"field", "equals"}, {"field", "one_of"}):
        raise ContractError("PROCEDURE_INVALID", "when says field and either equals or one_of", field="when")
    values = [table["equals"]] if "equals" in table else table["one_of"]
    return When(table["field"], frozenset(values))
