"""What is regional stays there, and amounts of guards are those of their rules (DOMAIN 4.2, 6.1, 6.5, 6.6, 9.3)."""

from datetime import date, timedelta

import pytest

from contracts.deadline import due_at
from contracts.errors import RuleError
from contracts.ids import RegionCode
from contracts.instant import day_start_ms, local_day
from contracts.procedure import load_procedures
from tests.unit.procedures.rows import at
from tests.unit.procedures.rows_of_work_permits import AUTHORITY
from tests.unit.procedures.rows_of_work_permits import PATHS as PERMIT
from tests.unit.procedures.scene import Scene

PROCEDURES = {name: procedure for (name, edition), procedure in load_procedures().items() if edition == 1}


@pytest.mark.parametrize("name", ["TENANCY_FILING", "FOREIGN_LODGING"])
def test_a_regional_matter_has_no_other_side_and_tells_nobody(name: str) -> None:
    procedure = PROCEDURES[name]

    assert (procedure.all_sides, procedure.counterpart) == (("DESTINATION",), None)
    assert [row.event for row in procedure.transitions if row.notify] == []


@pytest.mark.parametrize(
    ("name", "event", "actor"),
    [
        ("TENANCY_FILING", "TenancyFiled", "HOUSING_AUTHORITY"),
        ("FOREIGN_LODGING", "LodgingRecorded", "POLICE_STATION"),
        ("WORK_PERMIT", "WorkPermitSubmitted", AUTHORITY),
        ("POINTS_SETTLEMENT", "SettlementApplied", "POINTS_OFFICE"),
    ],
)
def test_a_regional_step_that_names_another_region_is_refused(name: str, event: str, actor: str) -> None:
    scene = Scene.of(name)

    with pytest.raises(RuleError, match="COUNTERPART_MISMATCH"):
        scene.happen(event, actor, **scene.names("POLICE_STATION@away"))


@pytest.mark.parametrize(
    ("name", "leaving"),
    [
        ("WORK_PERMIT", {"WorkPermitRegionChanged"}),
        ("POINTS_SETTLEMENT", {"FactCheckRequested", "FactCheckAnswered", "SettlementWithdrawn"}),
    ],
)
def test_of_a_permit_only_what_the_domain_names_leaves_the_region(name: str, leaving: set[str]) -> None:
    procedure = PROCEDURES[name]
    own = procedure.sides[0]

    assert leaving == {
        row.event
        for row in procedure.transitions
        if row.by.side not in (None, own, "ANY") or any(told.side != own for told in row.notify)
    }


def test_a_withdrawn_settlement_takes_no_content_along() -> None:
    rows = [row for row in PROCEDURES["POINTS_SETTLEMENT"].transitions if row.event == "SettlementWithdrawn"]

    assert {told.profile for row in rows for told in row.notify} == {None}


def test_the_last_day_to_apply_for_an_extension_is_that_of_the_rule() -> None:
    """R-WRK-5; a day later the guard refuses."""
    expires_on = date(2027, 3, 1)
    last = local_day(due_at("R-WRK-5", start_ms=day_start_ms(expires_on), region=RegionCode("44")).due_ms - 1)
    scene, late = (at("WORK_PERMIT", PERMIT["ACTIVE"]) for _ in range(2))
    scene.day, late.day = last.isoformat(), (last + timedelta(days=1)).isoformat()

    assert scene.happen("WorkPermitExtensionApplied", AUTHORITY).state == "EXTENDING"
    with pytest.raises(RuleError) as caught:
        late.happen("WorkPermitExtensionApplied", AUTHORITY)
    assert caught.value.rule == "month_before_expiry"
