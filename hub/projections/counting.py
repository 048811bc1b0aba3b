"""What a step adds to indicators and statistics: names and keys out of tables, no procedure by its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contracts.indicator import OPENER, PRODUCER, Indicator
from contracts.statistic import Statistic
from hub.matter import Matter
from hub.projections.obligation import NOBODY, Obligation
from hub.projections.step import Step
from hub.projections.stream_record import Counted

INDICATOR = "I"
STATISTIC = "S"


class Counting:
    """The tables, ready to be asked.

    Args:
        indicators: Of `contracts.indicator`.
        statistics: Of `contracts.statistic`.
    """

    def __init__(self, indicators: Iterable[Indicator], statistics: Iterable[Statistic]) -> None:
        indicators, statistics = tuple(indicators), tuple(statistics)
        self._of_duty = {
            outcome: tuple(one for one in indicators if one.counts == counts)
            for outcome, counts in (("MET", "duty_met"), ("MISSED", "duty_missed"))
        }
        self._of_event = tuple(one for one in indicators if one.counts == "event")
        self._tables = {
            counts: tuple(one for one in statistics if one.counts == counts) for counts in ("duty", "event", "paired")
        }
        self._asked: dict[str, bool] = {}

    def table(self, name: str) -> Statistic | None:
        """The statistic with this name."""
        return next((table for tables in self._tables.values() for table in tables if table.name == name), None)

    def of_event(self, step: Step, matter: Matter | None) -> Iterator[Counted]:
        """What an event itself adds.

        Args:
            step: The event.
            matter: The matter that it is about; None where it is about none.
        """
        event_type, month = step.header.event_type, step.month
        if self._is_asked(event_type):
            for one in self._of_event:
                if one.meets_event(event_type, step.body):
                    yield INDICATOR, one.name, _office(one, step, matter), month
            if step.after is not None:
                for table in self._tables["event"]:
                    if table.events is not None and table.events.meets(event_type):
                        yield from _cell(table, step.procedure.kind, step.after, month, event=event_type)
        if step.after is not None and _other(step.after) and not (step.before and _other(step.before)):
            for table in self._tables["paired"]:
                yield from _cell(table, step.procedure.kind, step.after, month)

    def of_duty(self, one: Obligation, outcome: str, kind: str, matter: Matter, month: str) -> Iterator[Counted]:
        """What a duty adds that was met in time or missed.

        Args:
            one: The duty.
            outcome: `MET` or `MISSED`.
            kind: Kind of the matter's procedure.
            matter: The matter.
            month: When that was recorded.
        """
        if one.office != NOBODY:
            for indicator in self._of_duty[outcome]:
                if indicator.meets_rule(one.duty.rule):
                    yield INDICATOR, indicator.name, one.office, month
        for table in self._tables["duty"]:
            yield from _cell(table, kind, matter, month, rule=one.duty.rule, outcome=outcome, region=one.region)

    def _is_asked(self, event_type: str) -> bool:
        """Whether any table may count an event type; most are in none."""
        known = self._asked.get(event_type)
        if known is None:
            matches = [one.events for one in self._of_event] + [table.events for table in self._tables["event"]]
            known = any(match is not None and match.meets(event_type) for match in matches)
            self._asked[event_type] = known
        return known


def _office(one: Indicator, step: Step, matter: Matter | None) -> str:
    if one.office == PRODUCER:
        return step.header.producer_office
    if one.office == OPENER:
        return matter.parties[0].office if matter is not None and matter.parties else step.header.producer_office
    return str(step.body[one.office])


def _cell(
    table: Statistic,
    kind: str,
    matter: Matter,
    month: str,
    *,
    event: str = "",
    rule: str = "",
    outcome: str = "",
    region: str = "",
) -> Iterator[Counted]:
    if kind not in table.kinds:
        return
    values = {
        "OPENER_REGION": region or matter.opened_region,
        "OTHER_REGION": _other(matter) or matter.opened_region,
        "EVENT": event,
        "RULE": rule,
        "OUTCOME": outcome,
    }
    row, column = (values.get(axis) or _prefecture(matter, axis) for axis in (table.row, table.column))
    yield STATISTIC, table.name, month, row, column


def _other(matter: Matter) -> str | None:
    """Region of the side that did not start the matter, None while nobody named it."""
    return matter.regions[1][1] if len(matter.regions) > 1 else None


def _prefecture(matter: Matter, axis: str) -> str:
    """Four digits of the prefecture of a side; its region where no county is known."""
    sides = [side for side, _ in matter.regions]
    at = 0 if axis == "OPENER_PREFECTURE" or len(sides) < 2 else 1
    county6 = matter.county_of(sides[at])
    return matter.regions[at][1] + "00" if county6 is None else county6[:4]
