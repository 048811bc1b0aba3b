"""How long content and acts are kept: the procedures' own tables are the one truth, held here to DOMAIN 7.4."""

from dataclasses import replace
from importlib.resources import files

import pytest

from contracts.deadline import Limits, founding_limits, load_rules
from contracts.errors import ContractError
from contracts.ids import RegionCode
from contracts.instant import DAY_MS, day_start_ms, local_day
from contracts.procedure import load_procedures, parse_procedure
from contracts.procedure_check import load_known
from contracts.procedure_types import RETENTION
from contracts.region import Kept
from hub.duty import duty_due
from tests.unit.procedures.scene import Scene

# procedure: days until the keys are destroyed, state that starts the count, years the acts are kept
DOMAIN_7_4 = {
    "RESIDENCE": (730, "ENDED", 3),
    "RESIDENCE_NOTIFICATION": (90, "ACKNOWLEDGED", 3),
    "TENANCY_FILING": (730, "ENDED", 3),
    "FOREIGN_LODGING": (730, "ENDED", 3),
    "HOUSEHOLD_MOVE": (365, "COMPLETED", 5),
    "RESIDENCE_PERMIT": (730, "CANCELLED", 5),
    "WORK_PERMIT": (730, "CANCELLED", 5),
    "POINTS_SETTLEMENT": (365, "COMPLETED", 3),
    "CORRECTION_TRANSFER": (30, "RECEIVED", 3),
    "RESETTLEMENT_HANDOVER": (30, "CLOSED", 3),
    "REHAB_HANDOVER": (30, "RECEIVED", 3),
    "MINOR_RETURN": (30, "CLOSED", 3),
    "RIGHTS_REQUEST": (365, "CLOSED", 3),
    "ACCESS": (0, "RECORDED", 3),
    "DIRECTORY": (0, "", 0),
}
AT_MOST = {"TENANCY_FILING", "FOREIGN_LODGING", "RESETTLEMENT_HANDOVER"}
"""Rows whose days are an upper bound: per regional rule, or earlier at the end."""
PACKAGED = {name: procedure for (name, _), procedure in load_procedures().items()}
KNOWN_HERE = sorted(DOMAIN_7_4.keys() & PACKAGED.keys())
TRANSFER = files("contracts").joinpath("procedures/correction_transfer.toml").read_text(encoding="utf-8")


def test_rows_are_counted() -> None:
    """Sealed records are kept as the order says, and the rest of the table has these rows."""
    assert len(DOMAIN_7_4) == 15
    assert len(KNOWN_HERE) >= 6


@pytest.mark.parametrize("name", KNOWN_HERE)
def test_a_procedure_keeps_what_the_domain_says(name: str) -> None:
    days, since, years = DOMAIN_7_4[name]
    retention = PACKAGED[name].retention

    assert retention.skeleton_years == years
    assert retention.key_days <= days if name in AT_MOST else retention.key_days == days
    if since in PACKAGED[name].states:
        assert since in retention.since


def test_every_procedure_keeps_its_acts_for_the_floor_of_the_law() -> None:
    """R-PI-4: records of provision to others, 3 years."""
    short = [p.id for p in PACKAGED.values() if p.retention.skeleton_years < 3 and p.data_class != "P0"]

    assert short == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("skeleton_years = 3", "skeleton_years = 2", "below the floor of 3 (R-PI-4)"),
        ("key_days = 30", "key_days = -1", "below zero"),
    ],
)
def test_a_procedure_below_the_floor_is_refused_at_load(old: str, new: str, reason: str) -> None:
    assert old in TRANSFER
    with pytest.raises(ContractError, match="PROCEDURE_INVALID") as caught:
        parse_procedure("x.toml", TRANSFER.replace(old, new, 1), load_known())

    assert reason in caught.value.message


def test_a_region_keeps_content_as_long_as_it_says() -> None:
    scene = Scene.of("RESIDENCE_NOTIFICATION")
    for event, actor in (
        ("ResidenceNoticePrepared", "COUNTY_PSB_HOUSEHOLD"),
        ("ResidenceNoticeSent", "COUNTY_PSB_HOUSEHOLD"),
        ("ResidenceNoticeDelivered", "COUNTY_PSB_HOUSEHOLD@away"),
        ("ResidenceNoticeAcknowledged", "COUNTY_PSB_HOUSEHOLD@away"),
    ):
        scene.happen(event, actor)
    assert scene.matter is not None
    (duty,) = [duty for duty in scene.matter.duties if duty.rule == RETENTION]
    region = RegionCode("45")
    packaged = founding_limits()
    own = replace(packaged.regions[region], retention={"RESIDENCE_NOTIFICATION": Kept(60, 4)})
    limits = Limits.of(load_rules(), {**packaged.regions, region: own}, packaged.calendars)
    procedure = replace(scene.procedure, limits=limits)

    found = [duty_due(procedure, duty, code).due_ms for code in (region, RegionCode("44"))]

    start = day_start_ms(local_day(duty.started_ms))
    assert found == [start + 61 * DAY_MS, start + 91 * DAY_MS]
    assert (procedure.skeleton_years(region), procedure.skeleton_years(RegionCode("44"))) == (4, 3)
