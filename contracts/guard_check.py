"""What each kind of guard checks: `check` and `Case`; `check_content` for what is sealed.

A guard reads the event, the values that earlier events left (facts) and the duties that are open, and raises if it does
not hold. Refusals name codes, dates and fields; a body holds nothing else.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from contracts.deadline import Limits, add_months
from contracts.division import Places
from contracts.errors import ExchangeError, RuleError
from contracts.event import Header
from contracts.guard import Guard
from contracts.ids import RegionCode
from contracts.instant import local_day
from contracts.procedure_types import SEPARATOR, Value

_YEARS: Final = range(1900, 2200)


class Case(NamedTuple):
    """What a guard may look at.

    Attributes:
        header: The event that wants to enter.
        body: Its decoded body.
        facts: What earlier events left.
        started: Start of each open duty, by rule, milliseconds.
        has_counterpart: The other side is named, by this event or an earlier one.
        divisions: The divisions in force at the instant of the event.
        limits: The time limits of the matter's edition.
        holders: Gives the offices that hold something of a matter, by its stream; None for one that none can hold.
        answers_for: Whether the office that makes the event answers for another: it is that one or serves its county.
    """

    header: Header
    body: Mapping[str, Any]
    facts: Mapping[str, Value | bytes]
    started: Mapping[str, int]
    has_counterpart: bool
    divisions: Places
    limits: Limits
    holders: Callable[[bytes], Sequence[str] | None] = lambda _: None
    answers_for: Callable[[str], bool] = lambda _: False


def check(guard: Guard, case: Case) -> None:
    """Check one guard.

    Raises:
        RuleError: It does not hold; `rule` is its name and `code` its own, by default GUARD_FAILED.
    """
    if not guard.reads_content():  # those nobody but the gateway that sealed it can judge: see `check_content`
        check_all((guard,), case)


def check_all(guards: Iterable[Guard], case: Case) -> None:
    """Check several guards in their order; none of them reads content.

    Raises:
        RuleError: As `check`, of the first one that does not hold.
    """
    body = case.body
    for guard in guards:
        if guard.when is None or body.get(guard.when.field) in guard.when.values:
            _CHECKS[guard.kind](guard, case)


def check_content(guard: Guard, profile: str, content: Mapping[str, Any]) -> None:
    """Check a guard that reads sealed content, where the content is still readable.

    Args:
        guard: Of kind `content`.
        profile: Profile of the payload; another one than the guard's own is not judged.
        content: The payload's fields; none of its values is told.

    Raises:
        RuleError: It does not hold; `rule` is its name and `field` the field of the payload.
    """
    if guard.profile not in ("", profile):
        return
    if guard.when is not None and content.get(guard.when.field) not in guard.when.values:
        return
    for field in guard.fields:
        if content.get(field) not in guard.values:
            raise _refuse(guard, f"{field} of {profile} allows {_listed(guard.values)} here", field)


def _refuse(guard: Guard, message: str, field: str | None = None) -> RuleError:
    return RuleError(guard.code, message, field=field, rule=guard.name)


def _present(guard: Guard, case: Case) -> None:
    """Fields that are there: not null, not empty, and no id of zeros."""
    for field in guard.fields:
        value = case.body.get(field)
        if value is None or (isinstance(value, (str, bytes, list, tuple)) and not value):
            raise _refuse(guard, f"{field} has to be given", field)
        if isinstance(value, bytes) and not any(value):
            raise _refuse(guard, f"{field} is all zeros", field)


def _one_of(guard: Guard, case: Case) -> None:
    for field in guard.fields:
        if case.body.get(field) not in guard.values:
            raise _refuse(guard, f"{field} is {case.body.get(field)}, allowed is {_listed(guard.values)}", field)


def _range(guard: Guard, case: Case) -> None:
    for field in guard.fields:
        value = case.body[field]
        if not _is_within(guard, value):
            raise _refuse(guard, f"{field} is {value}, {_bounds(guard)}", field)


def _remembered(guard: Guard, case: Case) -> None:
    """An earlier event left the fact, with one of the values if the guard names any."""
    value = case.facts.get(guard.fact)
    if value is None:
        raise _refuse(guard, f"no earlier event of this matter gave {guard.fact}")
    if guard.values and value not in guard.values:
        raise _refuse(guard, f"{guard.fact} is {value!r}, allowed is {_listed(guard.values)}")


def _not_remembered(guard: Guard, case: Case) -> None:
    if guard.fact in case.facts:
        raise _refuse(guard, f"an earlier event of this matter gave {guard.fact} already")


def _same_as_remembered(guard: Guard, case: Case) -> None:
    for field in guard.fields:
        if case.body.get(field) != case.facts.get(guard.fact):
            raise _refuse(guard, f"{field} is not the {guard.fact} that this matter holds", field)


def _months_elapsed(guard: Guard, case: Case) -> None:
    since, until = _day(guard, guard.since, case), _day(guard, guard.until, case)
    too_early = guard.at_least is not None and until < add_months(since, guard.at_least)
    if too_early or (guard.at_most is not None and until > add_months(since, guard.at_most)):
        raise _refuse(guard, f"from {since} to {until} are not {_bounds(guard)} months", _field_of(guard))


def _days_elapsed(guard: Guard, case: Case) -> None:
    since, until = _day(guard, guard.since, case), _day(guard, guard.until, case)
    if not _is_within(guard, (until - since).days):
        raise _refuse(guard, f"from {since} to {until} are not {_bounds(guard)} days", _field_of(guard))


def _division(guard: Guard, case: Case) -> None:
    """A place of a legal document, at county level and no finer, in the producer's region if the guard says so."""
    for field in guard.fields:
        code = str(case.body[field])
        if not code.endswith("000000"):
            raise RuleError(
                "DIVISION_TOO_FINE", "clear text names a county and nothing finer", field=field, rule=guard.name
            )
        try:
            case.divisions.county6(code)
        except ExchangeError as error:
            raise RuleError(error.code, error.message, field=field, rule=guard.name) from error
        if guard.region == "PRODUCER" and code[:2] != case.header.producer_region:
            raise _refuse(guard, f"{code} does not lie in region {case.header.producer_region}", field)


def _same_city(guard: Guard, case: Case) -> None:
    """The remembered division and the new one belong to one prefecture; under no prefecture each is its own city."""
    for field in guard.fields:
        new, old = str(case.body[field]), str(case.facts.get(guard.fact, ""))
        prefecture = case.divisions.get(f"{new[:4]}00000000")
        is_city = prefecture is not None and not prefecture.is_pseudo
        if new != old and not (is_city and new[:4] == old[:4]):
            raise _refuse(guard, f"{new} and {old} are not in one city", field)


def _payload(guard: Guard, case: Case) -> None:
    if not any(guard.profile in ("", ref.profile) for ref in case.header.sealed):
        raise _refuse(guard, f"a sealed payload {guard.profile} is missing".replace("  ", " "), "sealed")


def _counterpart_named(guard: Guard, case: Case) -> None:
    """This event names the office; one that an earlier event named does not count."""
    if case.header.counterpart_office is None:
        raise _refuse(guard, "the header has to name the other region and its office", "counterpart_office")


def _counterpart_known(guard: Guard, case: Case) -> None:
    """This event or an earlier one named the office."""
    if not case.has_counterpart:
        raise _refuse(guard, "the header has to name the other region and its office", "counterpart_office")


def _counterpart_receives(guard: Guard, case: Case) -> None:
    """The region that this event names takes content of the profile; one that it does not name is not asked."""
    values = case.limits.regions.get(RegionCode(case.header.counterpart_region or ""))
    if values is not None and not values.receives(guard.profile):
        raise _refuse(guard, f"region {values.code} receives no {guard.profile}", "counterpart_region")


def _other_region(guard: Guard, case: Case) -> None:
    if case.header.counterpart_region == case.header.producer_region:
        raise _refuse(guard, f"both sides are in region {case.header.producer_region}", "counterpart_region")


def _rule_passed(guard: Guard, case: Case) -> None:
    """The open limit has run out; one that nobody started cannot."""
    due_ms = _due_ms(guard, case)
    if case.header.occurred_at < due_ms:
        raise _refuse(guard, f"{guard.rule} runs until {local_day(due_ms - 1)}", "occurred_at")


def _rule_running(guard: Guard, case: Case) -> None:
    """The limit is open and has not run out, whether or not the hub has looked since."""
    due_ms = _due_ms(guard, case)
    if case.header.occurred_at >= due_ms:
        raise _refuse(guard, f"{guard.rule} ran until {local_day(due_ms - 1)}", "occurred_at")


def _due_ms(guard: Guard, case: Case) -> int:
    """When the guard's limit ends in this matter."""
    started = case.started.get(guard.rule)
    if started is None:
        raise _refuse(guard, f"{guard.rule} does not run in this matter")
    return case.limits.due_at(guard.rule, start_ms=started, region=case.header.producer_region).due_ms


def _is_within(guard: Guard, value: int) -> bool:
    too_low = guard.at_least is not None and value < guard.at_least
    return not too_low and not (guard.at_most is not None and value > guard.at_most)


def _bounds(guard: Guard) -> str:
    lower = "" if guard.at_least is None else f"at least {guard.at_least}"
    upper = "" if guard.at_most is None else f"at most {guard.at_most}"
    return " and ".join(bound for bound in (lower, upper) if bound)


def _listed(values: frozenset[Value]) -> str:
    return " or ".join(sorted(str(value) for value in values))


def _field_of(guard: Guard) -> str | None:
    return next((place[5:] for place in (guard.until, guard.since) if place.startswith("body.")), None)


def _day(guard: Guard, place: str, case: Case) -> date:
    if place == "occurred":
        return local_day(case.header.occurred_at)
    source, _, name = place.partition(".")
    value = (case.body if source == "body" else case.facts).get(name)
    if value is None:
        raise _refuse(guard, f"{name} has to be given", name if source == "body" else None)
    try:
        day = date.fromisoformat(str(value))
    except ValueError as error:
        raise _refuse(guard, f"{name} is no date", name) from error
    if day.year not in _YEARS:
        raise _refuse(guard, f"{name} is no date of our time", name)
    return day


def _holders_of(guard: Guard, case: Case) -> None:
    """The second field lists exactly the offices that hold something of the matter that the first one names.

    Who they are is told to who answers for one of them; to everybody else such a matter does not exist.
    """
    target, listed = guard.fields
    holders = case.holders(case.body[target])
    if holders is not None and sorted(case.body[listed]) == sorted(holders):
        return
    if not any(case.answers_for(holder) for holder in holders or ()):
        raise _refuse(guard, f"{target} is no matter of an office in this ledger", target)
    if holders is not None:
        raise RuleError(
            "HOLDERS_MISMATCH",
            f"the offices that hold it are {', '.join(sorted(holders)) or 'none'}",
            field=listed,
            rule=guard.name,
        )


def _holders_stay(guard: Guard, case: Case) -> None:
    """A remembered list is still exactly the offices that hold something of the matter that a fact names.

    Who they are by now is told to nobody here: whoever sends the list anew learns it as he learned it first.
    """
    target = case.facts.get(guard.fact)
    holders = case.holders(target) if isinstance(target, bytes) else None
    if holders is None or sorted(str(case.facts.get(guard.listed, "")).split(SEPARATOR)) != sorted(holders):
        raise _refuse(guard, f"{guard.listed} are not the offices that hold this record by now: send it to them first")


def _answers_for(guard: Guard, case: Case) -> None:
    """The office answers for one of those that hold something of the matter that the field names."""
    for field in guard.fields:
        if not any(case.answers_for(holder) for holder in case.holders(case.body[field]) or ()):
            raise _refuse(guard, f"{case.header.producer_office} answers for no office that holds this record", field)


def _other_offices(guard: Guard, case: Case) -> None:
    """So many offices, each once, and not the one that makes the event."""
    for field in guard.fields:
        listed = case.body[field]
        others = set(listed) - {case.header.producer_office}
        if len(others) != len(listed) or not _is_within(guard, len(listed)):
            raise _refuse(guard, f"{field} names {_bounds(guard)} other offices, each once", field)


def _producer_listed(guard: Guard, case: Case) -> None:
    """The office that makes the event stands in a list itself; to have taken over from one that does is not enough."""
    if case.header.producer_office not in str(case.facts.get(guard.fact, "")).split(SEPARATOR):
        raise _refuse(
            guard, f"{guard.fact} of this matter do not name {case.header.producer_office}", "producer_office"
        )


def _other_than_remembered(guard: Guard, case: Case) -> None:
    for field in guard.fields:
        if case.body.get(field) == case.facts.get(guard.fact):
            raise _refuse(guard, f"{field} is the {guard.fact} that this matter holds", field)


_CHECKS: Final[Mapping[str, Callable[[Guard, Case], None]]] = {
    "present": _present,
    "one_of": _one_of,
    "range": _range,
    "remembered": _remembered,
    "not_remembered": _not_remembered,
    "same_as_remembered": _same_as_remembered,
    "months_elapsed": _months_elapsed,
    "days_elapsed": _days_elapsed,
    "division": _division,
    "same_city": _same_city,
    "payload": _payload,
    "counterpart_named": _counterpart_named,
    "counterpart_known": _counterpart_known,
    "counterpart_receives": _counterpart_receives,
    "other_region": _other_region,
    "rule_passed": _rule_passed,
    "rule_running": _rule_running,
    "holders_of": _holders_of,
    "holders_stay": _holders_stay,
    "answers_for": _answers_for,
    "other_than_remembered": _other_than_remembered,
    "other_offices": _other_offices,
    "producer_listed": _producer_listed,
}
