"""Divisions change, and a code is valid for a date (DOMAIN 3.2)."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.community import load_communities_list
from contracts.division import Division, load_divisions
from contracts.errors import ExchangeError
from contracts.instant import day_start_ms
from hub.dated_divisions import DatedDivisions
from hub.division_change import DivisionChange

if TYPE_CHECKING:
    from tests.unit.directory.conftest import Builder

GUANGZHOU = "440100000000"
LIWAN, YUEXIU, TIANHE = "440103000000", "440104000000", "440106000000"
STREET = "440103001000"
NEW = "440190000000"
FIRST = date(2026, 3, 1)
LAST = date(2026, 2, 28)
YEARS_AGO = date(1999, 1, 1)


def row(code: str, name: str = "测试区", parent: str = GUANGZHOU, level: int = 3) -> tuple[str, int, str, str]:
    return code, level, name, parent


def valid(builder: "Builder", code: str, day: date) -> bool:
    return builder.directory.divisions.get(code, day) is not None


def test_without_a_change_the_base_edition_holds_on_every_day(builder: "Builder") -> None:
    divisions = builder.directory.divisions

    assert not divisions.is_changed
    assert builder.directory.places_at(0) is divisions.base
    assert all(valid(builder, code, day) for code in (LIWAN, STREET) for day in (YEARS_AGO, FIRST))
    assert divisions.history(LIWAN)[0].valid_from is None
    assert divisions.history("440199000000") == ()


def test_a_merger_ends_a_code_on_its_day_and_names_what_stands_for_it(builder: "Builder") -> None:
    builder.divisions("MERGED", "2026-03-01", (LIWAN, YUEXIU), (row(YUEXIU, "越秀区"),))
    divisions = builder.directory.divisions

    assert [valid(builder, LIWAN, day) for day in (YEARS_AGO, LAST, FIRST)] == [True, True, False]
    assert [valid(builder, YUEXIU, day) for day in (YEARS_AGO, LAST, FIRST)] == [True, True, True]
    assert divisions.successors(LIWAN, LAST) == (LIWAN,)
    assert divisions.successors(LIWAN, FIRST) == (YUEXIU,)
    (old,) = divisions.history(LIWAN)
    assert (old.valid_to, old.replaced_by) == (LAST, (YUEXIU,))


def test_what_lies_below_a_division_that_ended_has_ended_and_passes_with_it(builder: "Builder") -> None:
    committee = load_communities_list().codes_of_town(STREET)[0]
    builder.divisions("MERGED", "2026-03-01", (LIWAN, YUEXIU), (row(NEW),))
    divisions = builder.directory.divisions

    for code in (STREET, committee):
        assert [valid(builder, code, day) for day in (LAST, FIRST)] == [True, False]
        assert divisions.successors(code, FIRST) == (NEW,)


def test_a_town_that_passes_to_another_county_gets_a_code_there(builder: "Builder") -> None:
    moved = "440106900000"
    builder.divisions("SUCCEEDED", "2026-03-01", (STREET,), (row(moved, "测试街道", TIANHE, 4),))
    view = builder.directory.divisions.on(FIRST)

    assert view.county6(moved) == "440106"
    assert builder.directory.divisions.successors(STREET, FIRST) == (moved,)
    assert valid(builder, LIWAN, FIRST)


def test_a_renamed_division_keeps_code_and_parts_and_has_two_names_in_time(builder: "Builder") -> None:
    builder.divisions("RENAMED", "2026-03-01", (LIWAN,), (row(LIWAN, "新测试区"),))
    divisions = builder.directory.divisions
    before, after = divisions.get(LIWAN, LAST), divisions.get(LIWAN, FIRST)

    assert before is not None
    assert after is not None
    assert (before.name, after.name) == ("荔湾区", "新测试区")
    assert valid(builder, STREET, FIRST)
    assert [version.valid_from for version in divisions.history(LIWAN)] == [None, FIRST]


def test_a_split_a_creation_and_an_abolition(builder: "Builder") -> None:
    second = "440191000000"
    builder.divisions("SPLIT", "2026-03-01", (LIWAN,), (row(NEW), row(second)))
    builder.divisions("CREATED", "2026-04-01", (), (row("440192000000"),))
    builder.divisions("ABOLISHED", "2026-05-01", (NEW,))
    divisions = builder.directory.divisions

    assert divisions.successors(LIWAN, FIRST) == (NEW, second)
    assert divisions.successors(LIWAN, date(2026, 5, 1)) == (second,)
    assert divisions.successors(NEW, date(2026, 5, 1)) == ()
    assert [valid(builder, "440192000000", date(2026, month, 1)) for month in (3, 4)] == [False, True]


def test_a_former_code_is_refused_after_its_day_naming_what_stands_for_it(builder: "Builder") -> None:
    builder.divisions("MERGED", "2026-03-01", (LIWAN, YUEXIU), (row(NEW),))

    with pytest.raises(ExchangeError) as error:
        builder.directory.places_at(day_start_ms(FIRST)).county6(LIWAN)

    assert error.value.code == "DIVISION_NOT_IN_FORCE"
    assert NEW in error.value.message
    assert builder.directory.places_at(day_start_ms(FIRST) - 1).county6(LIWAN) == "440103"


@pytest.mark.parametrize(
    ("kind", "before", "after", "code"),
    [
        pytest.param("MERGED", (LIWAN,), (row(NEW),), "BODY_FIELD", id="one into one is no merger"),
        pytest.param("MERGED", (LIWAN, LIWAN), (row(NEW),), "BODY_FIELD", id="a code twice"),
        pytest.param("SPLIT", (LIWAN,), (row(NEW),), "BODY_FIELD", id="one into one is no split"),
        pytest.param("CREATED", (LIWAN,), (row(NEW),), "BODY_FIELD", id="a creation has nothing before"),
        pytest.param("RENAMED", (LIWAN,), (row(NEW),), "BODY_FIELD", id="a renaming keeps the code"),
        pytest.param("SUCCEEDED", (LIWAN,), (row(LIWAN),), "BODY_FIELD", id="a succession does not"),
        pytest.param("CREATED", (), (row("440190001000"),), "BODY_FIELD", id="a town's code at county level"),
        pytest.param("CREATED", (), (row(NEW, level=1),), "BODY_FIELD", id="a twelfth region"),
        pytest.param("MERGED", (LIWAN, "430102000000"), (row(NEW),), "BODY_FIELD", id="across regions"),
        pytest.param("ABOLISHED", ("440199000000",), (), "DIVISION_UNKNOWN", id="an unknown code"),
        pytest.param("CREATED", (), (row(TIANHE),), "DIVISION_CHANGE_INVALID", id="a code that is one already"),
        pytest.param("CREATED", (), (row(NEW, parent="449900000000"),), "DIVISION_CHANGE_INVALID", id="no parent"),
        pytest.param("CREATED", (), (row(NEW, parent=TIANHE),), "DIVISION_CHANGE_INVALID", id="parent of its level"),
        pytest.param("ABOLISHED", ("440000000000",), (), "DIVISION_CHANGE_INVALID", id="a region"),
        pytest.param(
            "RENAMED", (LIWAN,), (row(LIWAN, parent="440200000000"),), "DIVISION_CHANGE_INVALID", id="moved by renaming"
        ),
    ],
)
def test_a_change_that_contradicts_itself_or_the_divisions_leaves_no_trace(
    builder: "Builder", kind: str, before: tuple[str, ...], after: tuple[Any, ...], code: str
) -> None:
    with pytest.raises(ExchangeError) as error:
        builder.divisions(kind, "2026-03-01", before, after)

    assert error.value.code == code
    assert not builder.directory.divisions.is_changed


@pytest.mark.parametrize("day", ["2026-03-01", "2026-02-27"])
def test_changes_of_a_code_follow_one_another_and_a_code_that_ended_is_never_given_again(
    builder: "Builder", day: str
) -> None:
    builder.divisions("ABOLISHED", "2026-03-01", (LIWAN,))
    codes = []
    for kind, before, after in (("ABOLISHED", (LIWAN,), ()), ("CREATED", (), (row(LIWAN),))):
        with pytest.raises(ExchangeError) as error:
            builder.divisions(kind, day, before, after)
        codes.append(error.value.code)
    with pytest.raises(ExchangeError) as below:
        builder.divisions("ABOLISHED", "2026-03-02", (STREET,))

    assert codes == ["DIVISION_NOT_IN_FORCE", "DIVISION_CHANGE_INVALID"]
    assert below.value.code == "DIVISION_NOT_IN_FORCE"


# -- random histories against a naive model

START = date(2026, 1, 1)
_BASE = [r for r in load_divisions() if r.code.startswith(("440103", "440104", "440105"))]


class Naive:
    """Which codes are in force, kept day by day, and what stands for each code that ever was."""

    def __init__(self) -> None:
        self.rows = {r.code: r for r in _BASE}
        self.live: dict[str, None] = dict.fromkeys(self.rows)
        self.stands: dict[str, list[str]] = {code: [code] for code in self.rows}
        self.fresh = 900

    def apply(self, change: DivisionChange) -> None:
        ended = [c for c in self.live if c in change.ended or self.rows[c].parent in change.ended]
        gone = set(ended)
        for code in gone:
            del self.live[code]
        for new in change.after:
            self.rows[new.code] = new
            self.live[new.code] = None
            self.stands.setdefault(new.code, [new.code])
        for code, now in self.stands.items():
            flat = [y for x in now for y in (change.replaced_by if x in gone else (x,))]
            self.stands[code] = list(dict.fromkeys(flat))

    def draw(self, kind: str, pick: int, day: date) -> DivisionChange | None:
        level = 3 if pick % 3 else 4
        candidates = [c for c in self.live if self.rows[c].level == level]
        if len(candidates) < 4:
            return None
        first, second = candidates[pick % len(candidates)], candidates[(pick + 1) % len(candidates)]
        parent = self.rows[first].parent

        def fresh() -> Division:
            self.fresh += 1
            code = f"4401{self.fresh % 100:02}000000" if level == 3 else f"{parent[:6]}{self.fresh % 1000:03}000"
            return Division(code, level, "测试镇", parent, "")

        match kind:
            case "CREATED":
                change = DivisionChange(kind, day, (), (fresh(),))
            case "ABOLISHED":
                change = DivisionChange(kind, day, (first,), ())
            case "MERGED":
                change = DivisionChange(kind, day, (first, second), (self.rows[first] if pick % 2 else fresh(),))
            case "SPLIT":
                change = DivisionChange(kind, day, (first,), (self.rows[first] if pick % 2 else fresh(), fresh()))
            case "RENAMED":
                change = DivisionChange(kind, day, (first,), (self.rows[first]._replace(name="新镇"),))
            case _:
                change = DivisionChange(kind, day, (first,), (fresh(),))
        codes = change.replaced_by
        is_new = all(c not in self.rows or c in change.before for c in codes)
        return change if is_new and len(set(codes)) == len(codes) else None


steps = st.tuples(
    st.sampled_from(["CREATED", "ABOLISHED", "MERGED", "SPLIT", "RENAMED", "SUCCEEDED"]),
    st.integers(0, 10_000),
    st.integers(1, 40),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=12))
def test_random_histories_agree_with_a_naive_model_on_every_day(drawn: list[tuple[str, int, int]]) -> None:
    divisions, naive, day = DatedDivisions(load_divisions()), Naive(), START
    changes: list[DivisionChange] = []
    for kind, pick, gap in drawn:
        day += timedelta(days=gap)
        change = naive.draw(kind, pick, day)
        if change is not None:
            divisions.apply(change)
            naive.apply(change)
            changes.append(change)

    again = Naive()
    for change in changes:
        _compare(divisions, again, naive.rows, change.last_day)
        again.apply(change)
        _compare(divisions, again, naive.rows, change.valid_from)
    _compare(divisions, again, naive.rows, day + timedelta(days=4000))


def _compare(divisions: DatedDivisions, naive: Naive, every: dict[str, Division], day: date) -> None:
    assert {c for c in every if divisions.get(c, day) is not None} == set(naive.live)
    for code, now in naive.stands.items():
        assert list(divisions.successors(code, day)) == now
    for code in naive.live:
        assert divisions.get(code, day) == naive.rows[code]
