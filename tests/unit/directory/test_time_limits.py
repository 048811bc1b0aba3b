"""Time limits: counting, worked examples, the table, regional values (DOMAIN 4)."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

import pytest

from contracts.calendar import Source
from contracts.deadline import Due, Kind, Unit, due_at, load_regions, load_rules, rule_of
from contracts.errors import RuleError
from contracts.ids import HUB_REGION, REGIONS, RegionCode
from contracts.region import Amount

SHANGHAI = timezone(timedelta(hours=8))
GUANGDONG, HUNAN, HONG_KONG, MACAO = (RegionCode(code) for code in ("44", "43", "81", "82"))


def ms(local: str) -> int:
    return int(datetime.fromisoformat(local).replace(tzinfo=SHANGHAI).timestamp() * 1000)


def due(rule: str, start: str, region: RegionCode = GUANGDONG) -> Due:
    return due_at(rule, start_ms=ms(start), region=region)


def ends(rule: str, start: str, region: RegionCode = GUANGDONG) -> str:
    at = due(rule, start, region).due_ms
    return datetime.fromtimestamp(at / 1000, SHANGHAI).isoformat(timespec="minutes").removesuffix("+08:00")


@pytest.mark.parametrize(
    ("rule", "start", "end"),
    [
        pytest.param("R-COR-3", "2026-03-02T10:00", "2026-03-10T00:00", id="day 5 is a Saturday: Monday, 24:00"),
        pytest.param("R-COR-3", "2026-03-03T10:00", "2026-03-10T00:00", id="day 5 is a Sunday: the same Monday"),
        pytest.param("R-COR-3", "2026-03-04T10:00", "2026-03-10T00:00", id="day 5 is that Monday itself"),
        pytest.param(
            "R-COR-3", "2026-02-11T09:00", "2026-02-25T00:00", id="day 5 is new year's eve: after the festival"
        ),
        pytest.param("R-COR-3", "2026-02-09T09:00", "2026-02-15T00:00", id="day 5 is a Saturday of work: no move"),
        pytest.param("R-COR-3", "2026-02-23T09:00", "2026-03-01T00:00", id="day 5 is a Saturday of work after it"),
        pytest.param("R-ACK-1", "2026-02-13T16:00", "2026-02-25T00:00", id="working days jump the Spring Festival"),
        pytest.param("R-ACK-1", "2026-02-12T16:00", "2026-02-15T00:00", id="the Saturday of work counts"),
        pytest.param("R-COR-3", "2026-09-26T09:00", "2026-10-09T00:00", id="day 5 is National Day: after Golden Week"),
        pytest.param("R-ACK-1", "2026-09-30T09:00", "2026-10-10T00:00", id="working days jump Golden Week"),
        pytest.param("R-ACK-1", "2026-10-08T09:00", "2026-10-11T00:00", id="the Saturday of work after Golden Week"),
    ],
)
def test_days_off_of_2026_move_and_lengthen_limits(rule: str, start: str, end: str) -> None:
    assert ends(rule, start) == end
    assert not due(rule, start).calendar_assumed


@pytest.mark.parametrize("clock", ["00:00", "00:01", "12:00", "23:59"])
def test_the_day_of_the_act_is_not_counted_whatever_the_time_of_day_in_shanghai(clock: str) -> None:
    assert ends("R-COR-2", f"2026-03-09T{clock}") == "2026-03-17T00:00"
    assert ends("R-COR-2", f"2026-03-10T{clock}") == "2026-03-17T00:00"
    assert ends("R-COR-2", f"2026-03-11T{clock}") == "2026-03-17T00:00"
    assert ends("R-COR-2", f"2026-03-12T{clock}") == "2026-03-18T00:00"


def test_the_last_day_ends_with_the_first_instant_of_the_next_in_utc() -> None:
    assert due("R-COR-2", "2026-03-12T08:00").due_ms == int(datetime(2026, 3, 17, 16, 0, tzinfo=UTC).timestamp() * 1000)


def test_a_limit_that_reaches_into_a_year_without_calendar_counts_weekdays_and_says_so() -> None:
    inside = due("R-ACK-1", "2026-12-29T10:00")
    across = due("R-ACK-1", "2026-12-30T10:00")

    assert ends("R-ACK-1", "2026-12-29T10:00") == "2027-01-01T00:00"
    assert (inside.calendar_assumed, inside.working_day_source) == (False, Source.PACKAGE)
    assert ends("R-ACK-1", "2026-12-30T10:00") == "2027-01-02T00:00"
    assert (across.calendar_assumed, across.working_day_source) == (True, Source.ASSUMED)
    assert ends("R-HUK-4", "2026-12-30T10:00") == "2027-01-05T00:00"


def test_a_limit_of_calendar_days_that_does_not_move_asks_no_calendar() -> None:
    certificate = due("R-HUK-1", "2026-12-01T10:00")

    assert ends("R-HUK-1", "2026-12-01T10:00") == "2027-01-11T00:00"
    assert (certificate.calendar_assumed, certificate.working_day_source) == (False, Source.WEEKDAY)


@pytest.mark.parametrize(
    ("rule", "start", "end"),
    [
        pytest.param("R-RES-1", "2026-01-15T10:00", "2026-07-16T00:00", id="six months, corresponding day"),
        pytest.param("R-RES-1", "2025-08-31T10:00", "2026-03-01T00:00", id="six months, the month is shorter"),
        pytest.param("R-RES-1", "2023-08-31T10:00", "2024-03-01T00:00", id="six months, leap day is the last"),
        pytest.param("R-RES-1", "2026-02-28T10:00", "2026-08-29T00:00", id="a short month does not stretch"),
        pytest.param("R-RES-5", "2024-02-29T10:00", "2025-03-01T00:00", id="a year from leap day ends on 28 February"),
        pytest.param("R-RES-5", "2023-02-28T10:00", "2024-02-29T00:00", id="a year before leap day ends before it"),
        pytest.param("R-PI-6-REGULAR", "2022-02-28T10:00", "2024-02-29T00:00", id="two years"),
        pytest.param("R-RLS-6", "2024-02-29T10:00", "2029-03-01T00:00", id="five years from leap day"),
        pytest.param("R-PI-5", "2026-12-31T10:00", "2027-07-01T00:00", id="over the year end, 30 June"),
    ],
)
def test_months_and_years_end_on_the_corresponding_day_or_the_last_of_the_month(
    rule: str, start: str, end: str
) -> None:
    assert ends(rule, start) == end


def test_hours_run_without_pause_over_days_off() -> None:
    assert ends("R-REG-4", "2026-02-16T22:30") == "2026-02-17T22:30"
    assert due("R-REG-4", "2026-02-16T22:30").kind is Kind.WINDOW


@pytest.mark.parametrize(
    ("rule", "start", "end"),
    [
        pytest.param("R-WRK-5", "2026-03-31T00:00", "2026-03-02T00:00", id="thirty days: 1 March is in time, a Sunday"),
        pytest.param("R-COR-1", "2026-03-31T00:00", "2026-03-01T00:00", id="a month: 28 February is in time"),
        pytest.param("R-RLS-1", "2026-10-15T00:00", "2026-09-16T00:00", id="a month: 15 September is in time"),
    ],
)
def test_a_limit_counted_back_ends_with_its_last_day_and_never_moves(rule: str, start: str, end: str) -> None:
    assert ends(rule, start) == end


def test_days_of_travel_move_the_start_and_so_the_end_before_it_moves_over_days_off() -> None:
    assert ends("R-COR-7", "2026-09-21T09:00") == "2026-09-29T00:00"
    assert ends("R-COR-7", "2026-09-23T09:00") == "2026-10-01T00:00"
    assert ends("R-COR-7", "2026-09-24T09:00") == "2026-10-09T00:00"


def test_what_is_due_at_once_ends_with_the_day_or_the_next_day_of_work() -> None:
    assert ends("R-RES-3", "2026-03-10T16:00") == "2026-03-11T00:00"
    assert ends("R-RES-3", "2026-03-14T16:00") == "2026-03-17T00:00"


def test_a_region_counts_by_its_own_calendar() -> None:
    assert ends("R-ACK-1", "2026-06-30T10:00", HONG_KONG) == "2026-07-04T00:00"
    assert ends("R-ACK-1", "2026-06-30T10:00", MACAO) == "2026-07-03T00:00"
    assert due("R-ACK-1", "2026-06-30T10:00", HONG_KONG).working_day_source is Source.FILE
    assert ends("R-ACK-1", "2026-06-30T10:00", HUB_REGION) == "2026-07-03T00:00"


def test_a_region_with_a_value_of_its_own_counts_by_it() -> None:
    assert ends("R-REG-1", "2026-02-12T10:00", HUNAN) == "2026-02-25T00:00"
    assert ends("R-REG-1", "2026-02-12T10:00", GUANGDONG) == "2026-02-25T00:00"
    assert ends("R-REG-1", "2026-03-05T10:00", HUNAN) == "2026-03-10T00:00"
    assert ends("R-REG-1", "2026-03-05T10:00", GUANGDONG) == "2026-03-11T00:00"


@pytest.mark.parametrize(("amount", "is_allowed"), [(14, False), (15, True), (30, True), (31, False)])
def test_a_regional_value_stays_within_the_bounds_of_its_rule(amount: int, is_allowed: bool) -> None:
    own = MappingProxyType({"R-RES-2": Amount("CALENDAR_DAY", amount, "a city's rules", "C")})
    regions = {HUNAN: replace(load_regions()[HUNAN], deadlines=own)}

    if is_allowed:
        found = due_at("R-RES-2", start_ms=ms("2026-03-02T00:00"), region=HUNAN, parameters=regions)

        assert found.due_ms >= ms("2026-03-02T00:00") + amount * 86_400_000
    else:
        with pytest.raises(RuleError) as error:
            due_at("R-RES-2", start_ms=ms("2026-03-02T00:00"), region=HUNAN, parameters=regions)

        assert (error.value.code, error.value.rule) == ("PARAMETER_OUT_OF_BOUNDS", "R-RES-2")


def test_unknown_rules_and_regions_are_refused_with_a_code() -> None:
    with pytest.raises(RuleError) as rule:
        due("R-XYZ-1", "2026-03-02T00:00")
    with pytest.raises(RuleError) as region:
        due("R-ACK-1", "2026-03-02T00:00", RegionCode("11"))

    assert rule.value.code == "RULE_UNKNOWN"
    assert region.value.code == "REGION_UNKNOWN"


def test_the_table_holds_every_rule_of_the_domain() -> None:
    wanted = {"REG": 4, "RES": 5, "HMT": 1, "HUK": 6, "WRK": 9, "COR": 10, "RLS": 6, "DRG": 2, "MIN": 3, "SEA": 2}
    wanted |= {"PI": 6, "ACK": 1}

    assert [
        f"R-{name}-{n}"
        for name, count in wanted.items()
        for n in range(1, count + 1)
        if f"R-{name}-{n}" not in load_rules()
    ] == []
    assert sum(wanted.values()) == 55


def test_every_row_names_its_source_and_how_well_it_is_known() -> None:
    for rule in load_rules().values():
        assert rule.source
        assert rule.what
        assert re.fullmatch("[ABCP](;[ABCP])*", rule.mark)
        assert rule.amount >= 0
        assert not (rule.is_before and rule.rolls_forward)
        assert rule.unit is not Unit.HOUR or not rule.rolls_forward


def test_the_kind_says_whose_limit_it_is() -> None:
    assert rule_of("R-COR-3").kind is Kind.DUTY
    assert rule_of("R-COR-7").kind is Kind.WINDOW
    assert rule_of("R-RES-5").kind is Kind.EFFECT
    assert rule_of("R-RES-1").kind is Kind.GUARD
    assert rule_of("R-PI-4").kind is Kind.RETENTION


def test_every_region_has_a_file_and_overrides_only_rules_that_allow_it() -> None:
    keys = {rule.regional_override for rule in load_rules().values()} - {""}
    regions = load_regions()

    assert set(regions) == {*REGIONS, HUB_REGION}
    assert {
        region.code: set(region.deadlines) - keys for region in regions.values() if set(region.deadlines) - keys
    } == {}
    assert [region.code for region in regions.values() if region.calendar != "cn"] == [HONG_KONG, MACAO]
    assert not regions[HONG_KONG].receives_residence_notices
    assert regions[GUANGDONG].receives_residence_notices
