"""Offices close, change and are followed (DOMAIN 3.4, 9.5)."""

from typing import TYPE_CHECKING, Any

import pytest

from contracts.errors import ExchangeError
from contracts.ids import OfficeId
from contracts.suite import office_key

if TYPE_CHECKING:
    from tests.unit.directory.conftest import Builder

TIANHE, YUEXIU = "440106000000", "440104000000"
FIRST, SECOND, THIRD = (OfficeId(f"o0000000{number}") for number in (1, 2, 3))


@pytest.fixture
def three(builder: "Builder") -> "Builder":
    """Three courts, the last one in another county."""
    for office, area in ((FIRST, TIANHE), (SECOND, TIANHE), (THIRD, YUEXIU)):
        builder.office(office, "COURT", "44-440106", area)
    return builder


def acting(builder: "Builder", office: str) -> str | None:
    found = builder.directory.acting(OfficeId(office))
    return None if found is None else found.office


def test_the_open_end_of_a_chain_of_successors_acts(three: "Builder") -> None:
    before = acting(three, FIRST)
    three.close(FIRST, successor=SECOND)
    once = acting(three, FIRST)
    three.close(SECOND, successor=THIRD)

    assert (before, once, acting(three, FIRST), acting(three, SECOND)) == (FIRST, SECOND, THIRD, THIRD)
    assert three.directory.predecessors(THIRD) == (SECOND, FIRST)


def test_nobody_acts_where_the_chain_ends_without_a_successor(three: "Builder") -> None:
    three.close(FIRST, successor=SECOND)
    three.close(SECOND)

    assert (acting(three, FIRST), acting(three, SECOND), acting(three, "o00000009")) == (None, None, None)


@pytest.mark.parametrize(
    ("successor", "code"),
    [
        pytest.param("o00000009", "OFFICE_UNKNOWN", id="unknown"),
        pytest.param("o00000007", "OFFICE_UNKNOWN", id="of another region"),
        pytest.param("o00000006", "BODY_FIELD", id="of another type"),
        pytest.param(FIRST, "BODY_FIELD", id="itself"),
        pytest.param(THIRD, "OFFICE_CLOSED", id="closed"),
    ],
)
def test_a_successor_is_another_open_office_of_the_type_and_region(three: "Builder", successor: str, code: str) -> None:
    three.office("o00000006", "PROCURATORATE", "44-440106", TIANHE)
    three.office("o00000007", "COURT", "43-430102", "430102000000")
    three.close(THIRD)

    with pytest.raises(ExchangeError) as error:
        three.close(FIRST, successor=successor)

    assert error.value.code == code
    assert acting(three, FIRST) == FIRST


def test_a_change_names_something_and_leaves_the_rest(three: "Builder") -> None:
    old = three.directory.office(FIRST)
    three.change(FIRST, point="44-node")
    new = three.directory.office(FIRST)

    assert old is not None
    assert new is not None
    assert (new.point, new.areas, new.key) == ("44-node", old.areas, old.key)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({}, "BODY_FIELD", id="nothing"),
        pytest.param({"point": "43-430102"}, "POINT_UNKNOWN", id="point of another region"),
        pytest.param({"areas": []}, "BODY_FIELD", id="no area"),
        pytest.param({"areas": ["430102000000"]}, "BODY_FIELD", id="area of another region"),
        pytest.param({"areas": ["469000000000"]}, "DIVISION_NOT_A_PLACE", id="no place"),
        pytest.param({"areas": ["440199000000"]}, "DIVISION_UNKNOWN", id="unknown area"),
    ],
)
def test_a_wrong_change_leaves_no_trace(three: "Builder", changes: dict[str, Any], code: str) -> None:
    old = three.directory.office(FIRST)

    with pytest.raises(ExchangeError) as error:
        three.change(FIRST, **changes)

    assert error.value.code == code
    assert three.directory.office(FIRST) == old


def test_a_key_that_an_office_had_is_never_taken_again(three: "Builder") -> None:
    old, other = three.directory.office(FIRST), three.directory.office(SECOND)
    assert old is not None
    assert other is not None

    for taken in (old.key, other.key):
        with pytest.raises(ExchangeError) as error:
            three.change(FIRST, key=office_key(taken.public_key))
        assert error.value.code == "DIRECTORY_TAKEN"


def test_an_office_may_stand_ready_for_a_county_that_begins_later(builder: "Builder") -> None:
    with pytest.raises(ExchangeError) as too_early:
        builder.office(FIRST, "COURT", "44-440106", "440190000000")
    builder.divisions("CREATED", "2027-01-01", (), (("440190000000", 3, "测试区", "440100000000"),))
    builder.office(FIRST, "COURT", "44-440106", "440190000000")
    builder.divisions("ABOLISHED", "2026-02-01", ("440104000000",))

    with pytest.raises(ExchangeError) as too_late:
        builder.office(SECOND, "COURT", "44-440106", YUEXIU)

    assert [too_early.value.code, too_late.value.code] == ["DIVISION_UNKNOWN", "DIVISION_NOT_IN_FORCE"]
    found = builder.directory.serving("COURT", "440190000000")
    assert found is not None
    assert found.office == FIRST
