"""Bodies for scenarios: one that a row accepts, and for each of its guards one that this guard refuses.

Made from the body's schema, the row and its guards, so that a new procedure needs no examples. A guard over an earlier
fact, a limit or the other side is not a matter of the body; `hub.conformance` finds those in other places of a matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

from contracts.deadline import add_months
from contracts.guard import Guard
from contracts.ids import OfficeId
from contracts.instant import DAY_MS, local_day
from contracts.procedure_types import Transition, Value, body_schema
from contracts.schema import load_schemas

_DATE: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_DIVISION: Final = "^[0-9]{12}$"
_AHEAD_DAYS: Final = 365

Facts = Mapping[str, Any]


class BodyMaker:
    """Bodies of one row.

    Args:
        row: The row.
        guards: Its guards, in order.
        facts: What the matter remembers.
        county6: County of the office that acts.
        now_ms: Not earlier than the event before.
        others: Offices that it may name so that each of them acts.
    """

    def __init__(
        self,
        row: Transition,
        guards: tuple[Guard, ...],
        facts: Facts,
        county6: str,
        now_ms: int,
        others: Sequence[OfficeId] = (),
    ) -> None:
        self._others = list(others)
        self._row = row
        self._guards = guards
        self._facts = facts
        self._county6 = county6
        self._fields = body_fields(row.event)
        self.now_ms = self._moved(now_ms)
        self._day = local_day(self.now_ms)

    def right(self, wanted: Mapping[str, Value]) -> dict[str, Any]:
        """A body that the row accepts.

        Args:
            wanted: Values of fields that the scenario chooses.
        """
        if self._row.after is not None:
            return dict(self._row.after.body_of(self._facts))
        body = {name: self._default(kind) for name, kind in self._fields.items()}
        if self._row.when is not None:
            body[self._row.when.field] = sorted(self._row.when.values, key=str)[0]
        body.update(wanted)
        for guard in self._applying(body):
            self._satisfy(guard, body)
        return body

    def wrong(self, guard: Guard, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Bodies that one guard may refuse, made from a right one."""
        for field in guard.fields:
            for value in self._wrong_values(guard, field, body[field]):
                yield {**body, field: value}
        for place, sign in ((guard.since, 1), (guard.until, -1)):
            if place.startswith("body."):
                field = place.removeprefix("body.")
                for days in (sign, -sign, 40 * sign, -40 * sign, 400 * sign, -400 * sign):
                    yield {**body, field: (date.fromisoformat(body[field]) + timedelta(days=days)).isoformat()}
        if guard.until.startswith("body.") and guard.at_least is not None:
            first = _later(guard, self._at(guard.since, body), guard.at_least)
            yield {**body, guard.until[5:]: (first - timedelta(days=1)).isoformat()}

    def _applying(self, body: Mapping[str, Any]) -> list[Guard]:
        return [g for g in self._guards if g.when is None or body.get(g.when.field) in g.when.values]

    def _moved(self, now_ms: int) -> int:
        """The first instant at which guards can hold that count from a fact to this event or to a day not after it."""
        not_later = {"occurred", *(guard.since for guard in self._guards if guard.until == "occurred")}
        for guard in self._guards:
            if guard.until in not_later and guard.since.startswith("fact.") and guard.at_least:
                since = date.fromisoformat(str(self._facts[guard.since.removeprefix("fact.")]))
                while local_day(now_ms) < _later(guard, since, guard.at_least):
                    now_ms += DAY_MS
        return now_ms

    def _satisfy(self, guard: Guard, body: dict[str, Any]) -> None:
        match guard.kind:
            case "present":
                for field in guard.fields:
                    body[field] = _some(self._fields[field])
            case "one_of":
                for field in guard.fields:
                    if body[field] not in guard.values:
                        body[field] = sorted(guard.values, key=str)[0]
            case "range":
                for field in guard.fields:
                    body[field] = guard.at_least if guard.at_least is not None else guard.at_most
            case "same_as_remembered" | "same_city":
                for field in guard.fields:
                    body[field] = self._facts.get(guard.fact, body[field])
            case "division":
                for field in guard.fields:
                    body[field] = f"{self._county6}000000"
            case "other_offices":
                for field in guard.fields:
                    body[field] = self._others[: guard.at_least]
            case "months_elapsed" | "days_elapsed":
                self._satisfy_days(guard, body)

    def _satisfy_days(self, guard: Guard, body: dict[str, Any]) -> None:
        amount = guard.at_least or 0
        if guard.until.startswith("body."):
            # What may lie at any later day lies a year later, so that what has to happen before it still can.
            is_free = guard.at_most is None and all(other.since != guard.until for other in self._guards)
            day = _later(guard, self._at(guard.since, body), amount + (_AHEAD_DAYS if is_free else 0))
            if not is_free or day > self._at(guard.until, body):
                body[guard.until[5:]] = day.isoformat()
        elif guard.since.startswith("body."):
            body[guard.since[5:]] = _later(guard, self._at(guard.until, body), -amount).isoformat()

    def _at(self, place: str, body: Mapping[str, Any]) -> date:
        if place == "occurred":
            return self._day
        source, _, name = place.partition(".")
        value = (body if source == "body" else self._facts).get(name)
        return date.fromisoformat(str(value)) if value is not None else self._day

    def _default(self, kind: Any) -> Any:
        return None if isinstance(kind, list) else _some(kind, self._day, self._county6)

    def _wrong_values(self, guard: Guard, field: str, value: Any) -> Iterator[Any]:
        kind = self._fields[field]
        match guard.kind:
            case "present":
                if isinstance(kind, list):
                    yield None
                elif isinstance(value, bytes):
                    yield bytes(len(value))
                else:
                    yield []
            case "one_of":
                if isinstance(value, bool):
                    yield not value
                else:
                    yield from (symbol for symbol in _symbols(kind) if symbol not in guard.values)
            case "range":
                yield from ([] if guard.at_most is None else [guard.at_most + 1])
                yield from ([] if guard.at_least is None else [guard.at_least - 1])
            case "same_as_remembered":
                yield from ([bytes(byte ^ 1 for byte in value)] if isinstance(value, bytes) else [])
                yield from (symbol for symbol in _symbols(kind) if symbol != value)
            case "other_offices":
                yield self._others[:1]
                yield [*self._others[:1], *self._others[:1]]
                yield self._others[: (guard.at_most or 0) + 1]
            case "division":
                yield f"{self._county6}001000"
                yield "450103000000" if self._county6[:2] != "45" else "440106000000"
            case "same_city":
                yield "440305000000" if self._county6[:4] != "4403" else "440106000000"


def body_fields(event: str) -> Mapping[str, Any]:
    """The fields of an event's body schema with their types."""
    return _fields_by_name()[body_schema(event)]


@cache
def _fields_by_name() -> Mapping[str, Mapping[str, Any]]:
    return {
        f"{schema['namespace']}.{schema['name']}": {field["name"]: field["type"] for field in schema["fields"]}
        for path, schema in load_schemas().items()
        if path.startswith("body/")
    }


def _plain(kind: Any) -> Any:
    """The type of a field that may be null."""
    return next(branch for branch in kind if branch != "null") if isinstance(kind, list) else kind


def _symbols(kind: Any) -> tuple[str, ...]:
    """What an enum may be; nothing for other types."""
    plain = _plain(kind)
    return tuple(plain.get("symbols", ())) if isinstance(plain, dict) else ()


def _some(kind: Any, day: date = date(2026, 3, 2), county6: str = "440106") -> Any:
    """Some value of a type."""
    kind = _plain(kind)
    if kind == "boolean":
        return True
    if kind in ("int", "long"):
        return 1
    match kind["type"]:
        case "enum":
            return kind["symbols"][0]
        case "fixed":
            return bytes(range(1, kind["size"] + 1))
        case "array":
            return [_some(kind["items"], day, county6)]
        case "record":
            return {field["name"]: _some(field["type"], day, county6) for field in kind["fields"]}
        case "string":
            return _text(kind["pattern"], day, county6)
        case other:
            return _some(other, day, county6)


def _text(pattern: str, day: date, county6: str) -> str:
    match pattern:
        case _ if pattern == _DATE:
            return day.isoformat()
        case _ if pattern == _DIVISION:
            return f"{county6}000000"
        case _:
            return _FORMS[pattern]


_FORMS: Final = {
    "^[0-9]{6}$": "440106",
    "^(?:1[0-9]|2[0-3]|3[0-2]|4[0-9])$": "22",
    "^(?:35|36|43|44|45|46|51|52|53|81|82)$": "44",
    "^(?:35|36|43|44|45|46|51|52|53|81|82)-(?:node|[0-9]{6})$": "44-node",
    "^LB-[A-Z0-9-]{1,60}$": "LB-PIPL-47",
    "^NP(-[A-Z]+)+$": "NP-RES",
    "^R-[A-Z]{2,3}-[0-9]{1,2}(?:-[A-Z]{1,10})?$": "R-ACK-1",
    "^[0-9A-HJ-NPQRTUWXY]{18}$": "11440106PPRD00017T",
    "^[A-Z][A-Z0-9_]{0,62}$": "RIGHTS",
    "^[A-Z][A-Z_]{0,39}$": "COURT",
    "^[A-Z][A-Za-z0-9]{0,62}$": "MatterRestricted",
    "^[A-Z]{1,20}_MONTH$": "OD_MONTH",
    "^[0-9]{4}-[0-9]{2}$": "2026-03",
    "^[A-Za-z0-9-]{1,64}$": "44",
    "^[0-9]{1,3}:[0-9a-f]{16}$": "1:0123456789abcdef",
    "^o[0-9a-hjkmnp-tv-z]{8}$": "o00000001",
    "^[A-Z][A-Z0-9-]{3,39}$": "PIA-44-2019-1",
    "^(?:81|82)$": "81",
    "^[一-鿿·]{1,26}(?:[省市区县州盟旗镇乡村]|街道|社区|农场|林场|居委会|村委会|管理处|办事处)$": "测试区",
}
"""A word of each form that a body's string may have."""


def _later(guard: Guard, day: date, amount: int) -> date:
    return add_months(day, amount) if guard.kind == "months_elapsed" else day + timedelta(days=amount)
