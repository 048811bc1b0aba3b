"""Procedures as data: reads `contracts/procedures/*.toml` into `Procedure` values, checked as a whole.

A file says states, rows, actors, guards by name, time limits by rule id, recipients by office type and profile. What is
wrong with a file is told with its name, line and row. No code anywhere knows a procedure by name.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, NoReturn

from contracts.errors import ContractError
from contracts.guard import parse_when
from contracts.procedure_check import Known, check_procedure, load_known
from contracts.procedure_types import (
    ANY_SIDE,
    BOUND,
    HOLDERS,
    RETENTION,
    Actor,
    Confirms,
    Counterpart,
    Effect,
    NotifyRow,
    Procedure,
    Remember,
    Retention,
    StartDuty,
    State,
    Transition,
    When,
    body_schema,
)
from contracts.timer import parse_timer

__all__ = [
    "ANY_SIDE",
    "BOUND",
    "HOLDERS",
    "RETENTION",
    "Actor",
    "Counterpart",
    "Known",
    "NotifyRow",
    "Procedure",
    "Remember",
    "Retention",
    "StartDuty",
    "State",
    "Transition",
    "When",
    "body_schema",
    "load_procedures",
    "parse_procedure",
]

START: Final = "START"
"""In `from`, beside states: the row also starts a matter."""
SAME: Final = "SAME"
"""In `to`: the state before."""

_ROW_KEYS: Final = frozenset(
    {"from", "command", "event", "by", "to", "when", "guards", "meets", "starts", "notify", "remember", "after"}
    | {"names_counterpart", "purpose", "legal_basis", "confirms", "effect"}
)
_KINDS: Final = ("registration", "move", "permit", "case", "rights", "hub")


@cache
def load_procedures() -> Mapping[tuple[str, int], Procedure]:
    """Read and check all packaged procedures once.

    Returns:
        Procedures by (id, edition).

    Raises:
        ContractError: PROCEDURE_INVALID, with file, line, row and reason.
    """
    known = load_known()
    procedures: dict[tuple[str, int], Procedure] = {}
    for file in sorted(files("contracts").joinpath("procedures").iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".toml"):
            continue
        procedure = parse_procedure(file.name, file.read_text(encoding="utf-8"), known)
        if (procedure.id, procedure.edition) in procedures:
            raise ContractError("PROCEDURE_INVALID", f"{file.name}: {procedure.id} {procedure.edition} stands twice")
        procedures[procedure.id, procedure.edition] = procedure
    return MappingProxyType(procedures)


def parse_procedure(file: str, text: str, known: Known) -> Procedure:
    """Read one procedure and check it as a whole.

    Args:
        file: Name for messages.
        text: TOML.
        known: Ids that it may refer to.

    Raises:
        ContractError: PROCEDURE_INVALID, with file, line, row and reason.
    """
    procedure = _Reader(file, text, known).procedure()
    check_procedure(procedure, text, known)
    return procedure


class _Reader:
    """Turns the tables of one file into values; a wrong or missing key is told with its table."""

    def __init__(self, file: str, text: str, known: Known) -> None:
        self._file = file
        self._known = known
        self._place = "procedure"
        try:
            self._tables: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ContractError("PROCEDURE_INVALID", f"{file}: {error}") from error

    def procedure(self) -> Procedure:
        try:
            return self._procedure()
        except KeyError as error:
            self._fail(f"{error.args[0]} is missing")
        except (TypeError, AttributeError, ValueError) as error:
            self._fail(f"a value has a wrong type: {error}")
        except ContractError as error:
            if error.message.startswith(self._file):
                raise
            self._fail(error.message)

    def _fail(self, reason: str) -> NoReturn:
        raise ContractError("PROCEDURE_INVALID", f"{self._file}: {self._place}: {reason}")

    def _only(self, table: Mapping[str, Any], *allowed: str) -> Mapping[str, Any]:
        unknown = sorted(table.keys() - set(allowed))
        if unknown:
            self._fail(f"unknown key {', '.join(unknown)}")
        return table

    def _procedure(self) -> Procedure:
        self._only(self._tables, "procedure", "retention", "state", "transition")
        head = self._only(
            self._tables["procedure"],
            *("id", "edition", "kind", "class", "data_class", "sides", "counterpart"),
            *("purpose", "legal_basis", "outside_rules"),
        )
        if head["kind"] not in _KINDS:
            self._fail(f"unknown kind {head['kind']!r}")
        retention = self._only(self._tables["retention"], "key_days", "skeleton_years", "since", "recipient_days")
        return Procedure(
            id=head["id"],
            edition=head["edition"],
            kind=head["kind"],
            event_class=head["class"],
            data_class=head["data_class"],
            sides=tuple(head["sides"]),
            counterpart=self._counterpart(head.get("counterpart")),
            purpose=head["purpose"],
            legal_bases=tuple(head["legal_basis"]),
            outside_rules=frozenset(head["outside_rules"]),
            retention=Retention(
                retention["key_days"],
                retention["skeleton_years"],
                tuple(retention["since"]),
                retention.get("recipient_days"),
            ),
            states=MappingProxyType(self._states()),
            transitions=self._transitions(head),
            file=self._file,
            limits=self._known.limits,
            guards=self._known.guards,
        )

    def _counterpart(self, table: Mapping[str, Any] | None) -> Counterpart | None:
        if table is None:
            return None
        self._only(table, "side", "office", "required", "named_by")
        return Counterpart(table["side"], frozenset(table["office"]), table["required"])

    @staticmethod
    def _may_name(event: str, head: Mapping[str, Any]) -> bool:
        """Whether an event may name the counterpart: all may, unless the file lists those that do."""
        named_by = head.get("counterpart", {}).get("named_by")
        return named_by is None or event in named_by

    def _states(self) -> dict[str, State]:
        states: dict[str, State] = {}
        for number, table in enumerate(self._tables["state"], start=1):
            self._place = f"state {number}"
            self._only(table, "name", "final", "responsible", "registered", "moving")
            if table["name"] in states:
                self._fail(f"{table['name']} stands twice")
            states[table["name"]] = State(
                name=table["name"],
                is_final=table.get("final", False),
                responsible=table.get("responsible"),
                registered=table.get("registered"),
                is_moving=table.get("moving", False),
            )
        return states

    def _transitions(self, head: Mapping[str, Any]) -> tuple[Transition, ...]:
        rows: list[Transition] = []
        for number, table in enumerate(self._tables["transition"], start=1):
            self._place = f"transition {number}"
            self._only(table, *_ROW_KEYS)
            sources = [None if name == START else name for name in table["from"]] or [None]
            rows.extend(self._transition(number, table, head, source) for source in sources)
        self._place = "procedure"
        return tuple(rows)

    def _transition(
        self, number: int, table: Mapping[str, Any], head: Mapping[str, Any], source: str | None
    ) -> Transition:
        if table["to"] == SAME and source is None:
            self._fail("a row that starts a matter has no state to stay in")
        return Transition(
            row=number,
            source=source,
            command=table["command"],
            event=table["event"],
            by=self._actor(table["by"]),
            target=source if table["to"] == SAME and source is not None else table["to"],
            when=self._when(table),
            guards=tuple(table.get("guards", ())),
            meets=tuple(table.get("meets", ())),
            starts=tuple(self._start(start) for start in table.get("starts", ())),
            notify=tuple(self._notify(notify) for notify in table.get("notify", ())),
            remember=tuple(_remember(text) for text in table.get("remember", ())),
            after=parse_timer(table["after"]) if "after" in table else None,
            names_counterpart=table.get("names_counterpart", self._may_name(table["event"], head)),
            purpose=table.get("purpose", head["purpose"]),
            legal_bases=tuple(table.get("legal_basis", head["legal_basis"])),
            confirms=self._confirms(table),
            effect=self._effect(table),
        )

    def _confirms(self, table: Mapping[str, Any]) -> Confirms | None:
        said = table.get("confirms")
        if said is None:
            return None
        self._only(said, "of", "done")
        return Confirms(said["of"], said["done"])

    def _effect(self, table: Mapping[str, Any]) -> Effect | None:
        said = table.get("effect")
        if said is None:
            return None
        self._only(said, "does", "on")
        return Effect(said["does"], said.get("on"))

    def _actor(self, table: Mapping[str, Any]) -> Actor:
        if "actor" in table:
            if self._only(table, "actor")["actor"] not in ("TIMER", "HUB"):
                self._fail(f"unknown actor {table['actor']!r}")
            return Actor(None, frozenset(), (table["actor"],), any_county=True, takes_over=False)
        self._only(table, "side", "office", "on_behalf", "any_county", "takes_over")
        return Actor(
            side=table["side"],
            offices=frozenset(table["office"]),
            on_behalf=tuple(table.get("on_behalf", ())),
            any_county=table.get("any_county", False),
            takes_over=table.get("takes_over", False),
        )

    def _start(self, table: Mapping[str, Any]) -> StartDuty:
        self._only(table, "rule", "side", "office", "since", "plus_days", "of")
        return StartDuty(
            rule=table["rule"],
            side=table["side"],
            office="" if table["side"] == HOLDERS else table["office"],
            since=table.get("since"),
            plus_days=table.get("plus_days"),
            of=table.get("of"),
        )

    def _notify(self, table: Mapping[str, Any]) -> NotifyRow:
        self._only(table, "side", "office", "profile", "many", "when", "of")
        return NotifyRow(
            side=table["side"],
            office="" if table["side"] == HOLDERS else table["office"],
            profile=table.get("profile"),
            many=table.get("many", False),
            when=self._when(table),
            of=table.get("of"),
        )

    def _when(self, table: Mapping[str, Any]) -> When | None:
        return parse_when(table["when"]) if "when" in table else None


def _remember(text: str) -> Remember:
    """`field`, or `field as fact`."""
    field, separator, fact = text.partition(" as ")
    return Remember(field, fact if separator else field)
