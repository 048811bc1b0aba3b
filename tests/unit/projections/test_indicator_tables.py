"""What is counted of an office is a closed list; what must never be counted cannot be written (DOMAIN 8.2, 8.3)."""

import pytest

from contracts.deadline import load_rules
from contracts.errors import ContractError
from contracts.hiding import load_hiding
from contracts.indicator import ALLOWED, load_indicators, parse_indicators
from contracts.procedure import load_procedures
from contracts.statistic import load_statistics, parse_statistics


def indicator(name: str = "duties_met", counts: str = "event", event: str = "FileSent") -> str:
    return f'[[indicator]]\nname = "{name}"\ncounts = "{counts}"\nevents = ["{event}"]\noffice = "PRODUCER"\n'


def table(**changes: object) -> str:
    row: dict[str, object] = {
        "name": "X_MONTH",
        "counts": "paired",
        "kinds": ["case"],
        "row": "OPENER_REGION",
        "column": "OTHER_REGION",
        "below": 20,
    }
    row.update(changes)
    lines = [
        f"{key} = {value}" if isinstance(value, int | list) else f'{key} = "{value}"' for key, value in row.items()
    ]
    return "[[table]]\n" + "\n".join(lines).replace("'", '"')


def refusal(text: str) -> ContractError:
    with pytest.raises(ContractError) as caught:
        (parse_indicators if "[[indicator]]" in text else parse_statistics)(text)
    assert caught.value.code == "TABLE_INVALID"
    return caught.value


def test_the_packaged_indicators_are_exactly_those_of_the_domain() -> None:
    assert {one.name for one in load_indicators()} == ALLOWED


@pytest.mark.parametrize(
    "event",
    [
        *("*Refused", "ResidencePermitRefused", "HouseholdMoveRefused", "WorkPermitRevoked", "WorkPermitCancelled"),
        *("GuardianFound", "MinorAdmitted", "CaseReturned", "NotReported", "ReportedIn", "RegistrationEnded"),
        *("RegistrationRejected", "ResidencePermitSuspended", "PersonControlled", "PersonRemoved", "RiskRaised"),
    ],
)
def test_no_indicator_counts_what_became_of_a_person(event: str) -> None:
    assert refusal(indicator(event=event)).rule == "DOMAIN 8.2"


@pytest.mark.parametrize(
    "name", ["persons_found", "persons_controlled", "permits_refused", "rank", "score", "returned"]
)
def test_no_indicator_has_another_name(name: str) -> None:
    assert refusal(indicator(name=name)).rule == "DOMAIN 8.2"


def test_no_indicator_counts_every_event() -> None:
    refusal(indicator(event="*"))


@pytest.mark.parametrize(
    "changes",
    [
        {"column": "EVENT"},
        {"column": "RULE"},
        {"row": "OPENER_PREFECTURE"},
        {"below": 19},
        {"counts": "duty", "column": "OUTCOME"},
        {"kinds": ["case", "move"]},
        {"kinds": ["hub"]},
        {"kinds": ["move"], "below": 9},
        {"column": "OPENER_REGION"},
        {"column": "OFFICE"},
    ],
)
def test_no_statistic_tells_more_than_the_domain_allows(changes: dict[str, object]) -> None:
    """Cases by region only, never by kind, below twenty withheld; everything else below ten (DOMAIN 8.3)."""
    parse_statistics(table())

    refusal(table(**changes))


def test_the_packaged_statistics_are_those_of_the_domain() -> None:
    tables = {one.name: one for one in load_statistics()}

    assert tables.keys() == {"OD_MONTH", "MOVE_MONTH", "PERMIT_MONTH", "DUTY_MONTH", "CASE_MONTH"}
    assert (tables["OD_MONTH"].row, tables["OD_MONTH"].column) == ("OTHER_REGION", "OPENER_PREFECTURE")
    assert tables["CASE_MONTH"].below == 20


def test_every_rule_that_an_indicator_names_exists() -> None:
    named = {rule for one in load_indicators() for rule in one.rules or ()}

    assert named
    assert named <= load_rules().keys()


def test_a_restricted_matter_is_hidden_in_every_procedure_that_can_restrict() -> None:
    targets = {
        row.target
        for procedure in load_procedures().values()
        for row in procedure.transitions
        if row.event == "MatterRestricted"
    }

    assert targets
    assert targets <= load_hiding().states
