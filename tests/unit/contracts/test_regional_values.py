"""Regional values: every key of DOMAIN 12 is checked, and a wrong file is told with line and reason."""

from importlib.resources import files

import pytest

from contracts.deadline import Limits, founding_limits, load_rules
from contracts.errors import ContractError
from contracts.ids import REGIONS, RegionCode
from contracts.instant import DAY_MS
from contracts.region import Kept, parse_region
from contracts.rule import Unit

GUANGDONG = RegionCode("44")
TEXT = files("contracts").joinpath("rules/regions/44.toml").read_text(encoding="utf-8")
SOURCED = 'source = "a text"\nmark = "C"\ndate = 2026-11-25\n'

OVERRIDES = ("R-REG-1", "R-REG-2", "R-RES-2", "R-HUK-4", "R-HUK-5", "R-WRK-4", "R-RLS-2", "R-RLS-5", "R-RLS-6")


@pytest.mark.parametrize("key", OVERRIDES)
def test_each_key_of_the_domain_may_have_a_value_of_its_own(key: str) -> None:
    base = TEXT.partition("[deadlines")[0]
    text = f'{base}[deadlines.{key}]\nunit = "CALENDAR_DAY"\namount = 20\n{SOURCED}'
    region = parse_region(GUANGDONG, text, load_rules())

    limits = Limits.of(load_rules(), {GUANGDONG: region}, founding_limits().calendars)
    why = limits.explain(key, start_ms=0, region=GUANGDONG)

    assert (why.unit, why.amount) == (Unit.CALENDAR_DAY, 20)
    assert why.own is not None
    assert why.own.source == "a text"


def test_retention_may_differ_within_the_floors() -> None:
    region = parse_region(
        GUANGDONG, f"{TEXT}[retention.RESIDENCE]\nkey_days = 365\nskeleton_years = 3\n{SOURCED}", load_rules()
    )

    assert region.retention == {"RESIDENCE": Kept(365, 3)}


def test_every_packaged_region_is_complete() -> None:
    assert set(founding_limits().regions) == {*REGIONS, RegionCode("00")}


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ('value = "cn"', 'value = "us"', 5, "value is none of cn, hk, mo"),
        ('value = ["zh-Hans"]', "value = []", 11, "list of BCP 47"),
        ('value = ["zh-Hans"]', 'value = ["Chinese please"]', 11, "list of BCP 47"),
        ("value = true", 'value = "yes"', 17, "neither true nor false"),
        ('region = "44"', 'region = "45"', 3, "of another region"),
        ('source = "DOMAIN 4.1"', 'source = " "', 5, "source is empty"),
        ('source = "DOMAIN 4.1"\n', "", 5, "source is missing"),
        ('mark = "P"', 'mark = "X"', 5, "mark is none of"),
        ("date = 2026-11-23", 'date = "today"', 5, "date is no date"),
        ("[calendar]", "[kalender]", 5, "unknown key kalender"),
        ('value = "cn"', 'value = "cn"\nnote = "x"', 5, "unknown key note"),
        ("[deadlines.R-REG-1]", "[deadlines.R-COR-3]", 23, "no time limit lets a region"),
        ("amount = 3", "amount = -3", 23, "unit or amount is wrong"),
        ("amount = 3", "amount = true", 23, "unit or amount is wrong"),
        ('unit = "WORKING_DAY"', 'unit = "WEEK"', 23, "unit or amount is wrong"),
        ('unit = "WORKING_DAY"', 'unit = "HOUR"', 23, "does not fit a rule in CALENDAR_DAY"),
        ("[deadlines.R-REG-1]", "[deadlines.R-RES-2]", 23, "the rule allows 15 to 30"),
    ],
)
def test_a_wrong_file_is_refused_with_file_line_and_reason(old: str, new: str, line: int, reason: str) -> None:
    assert old in TEXT
    with pytest.raises(ContractError, match="REGION_INVALID") as caught:
        parse_region(GUANGDONG, TEXT.replace(old, new, 1), load_rules())

    assert caught.value.message.startswith(f"rules/regions/44.toml: line {line}: ")
    assert reason in caught.value.message


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("key_days = 365\nskeleton_years = 2\n", "from 3 (R-PI-4)"),
        ("key_days = 99999\nskeleton_years = 3\n", "key_days"),
        ("key_days = 1\n", "skeleton_years is missing"),
    ],
)
def test_retention_below_the_floor_is_refused(row: str, reason: str) -> None:
    with pytest.raises(ContractError, match="line 30") as caught:
        parse_region(GUANGDONG, f"{TEXT}\n[retention.RESIDENCE]\n{row}{SOURCED}", load_rules())

    assert reason in caught.value.message


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ContractError, match="calendar, notice_languages, receives_residence_notices is missing"):
        parse_region(GUANGDONG, 'region = "44"\n', load_rules())


def test_the_explanation_names_what_was_passed_by() -> None:
    """A day off is told with its name, so that a clerk can check the count."""
    start_ms = 1_770_950_400_000  # 2026-02-13 10:40 in Shanghai
    why = founding_limits().explain("R-ACK-1", start_ms=start_ms, region=GUANGDONG)

    assert [str(one.day) for one in why.skipped] == [f"2026-02-{day}" for day in range(15, 24)]
    assert why.skipped[0].name == "Spring Festival"
    assert (why.calendar, why.moved_from, why.own) == ("cn", None, None)
    assert (why.due.due_ms + 8 * 3_600_000) % DAY_MS == 0
