"""A limit as it is told to people and machines: the rule, the count, the event that started it. `DueReport`.

Codes, ids, dates and the words of the law; no person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from contracts.deadline import Explanation
from contracts.event import Header
from contracts.ids import LeafIndex
from hub.overdue import Running

_SHANGHAI: Final = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class DueReport:
    """One limit that runs, with everything that makes it so.

    Attributes:
        running: The limit.
        why: How its end was counted; None where no rule of the table makes it.
        index: Ledger index of the event that started it.
        start: That event.
        remind_at_ms: First instant of the day on which the person is reminded; None where this is no reminder.
    """

    running: Running
    why: Explanation | None
    index: LeafIndex
    start: Header
    remind_at_ms: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        one = self.running
        return {
            "rule": one.rule,
            "kind": one.due.kind.value,
            "due_at": shanghai(one.due_ms),
            "due_ms": one.due_ms,
            "remind_on": None if self.remind_at_ms is None else shanghai(self.remind_at_ms)[:10],
            "calendar_assumed": one.due.calendar_assumed,
            "region": one.region,
            "side": one.side,
            "office_type": one.office_type,
            "office": one.office,
            "procedure": one.procedure,
            "edition": one.edition,
            "matter": id_text(one.stream_id),
            "started_by": {
                "event": self.start.event_type,
                "event_id": id_text(one.started_by),
                "index": self.index,
                "occurred_at": datetime.fromtimestamp(self.start.occurred_at / 1000, UTC).isoformat(),
            },
            "counted": None if self.why is None else _counted(self.why),
        }

    def lines(self) -> list[str]:
        """Everything, for people: one line for the limit, then what makes it so."""
        one, why = self.running, self.why
        whose = f"{one.side} {one.office_type}" + (f" {one.office}" if one.office else "")
        assumed = ", calendar assumed" if one.due.calendar_assumed else ""
        remind = "" if self.remind_at_ms is None else f"  remind on {shanghai(self.remind_at_ms)[:10]}"
        found = [
            f"{shanghai(one.due_ms)}{assumed}  {one.rule}  region {one.region}  {whose}{remind}",
            f"  matter {id_text(one.stream_id)}, {one.procedure}, edition {one.edition}",
            f"  started by {self.start.event_type} {id_text(one.started_by)} at index {self.index},"
            f" occurred {shanghai(self.start.occurred_at)}, counted from {shanghai(one.started_ms)}",
        ]
        return found if why is None else [*found, *_why_lines(why)]


def shanghai(at_ms: int) -> str:
    """An instant in Shanghai time, to the minute."""
    return datetime.fromtimestamp(at_ms / 1000, _SHANGHAI).isoformat(sep=" ", timespec="minutes")


def id_text(value: bytes) -> str:
    """An id as people read it."""
    text = value.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _counted(why: Explanation) -> dict[str, Any]:
    own = why.own
    return {
        "what": why.rule.what,
        "unit": why.unit.value,
        "amount": why.amount,
        "counts_back": why.rule.is_before,
        "source": why.rule.source,
        "mark": why.rule.mark,
        "regional_value": None if own is None else {"source": own.source, "mark": own.mark},
        "calendar": why.calendar,
        "working_days_from": why.due.working_day_source.value,
        "passed_by": [{"day": one.day.isoformat(), "name": one.name} for one in why.skipped],
        "moved_from": None if why.moved_from is None else why.moved_from.isoformat(),
    }


def _why_lines(why: Explanation) -> list[str]:
    rule, own = why.rule, why.own
    way = " before" if rule.is_before else ""
    regional = "" if own is None else f"; value of region {why.region}: {own.source} [{own.mark}]"
    found = [
        f"  {rule.what}",
        f"  {why.amount} {why.unit.value}{way}, {rule.source} [{rule.mark}]{regional}, calendar {why.calendar}",
    ]
    if why.skipped:
        days = ", ".join(f"{one.day.isoformat()} {one.name}" for one in why.skipped)
        found.append(f"  passed by: {days}")
    if why.moved_from is not None:
        found.append(f"  moved from {why.moved_from.isoformat()} to the next day of work")
    return found
