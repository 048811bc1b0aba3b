"""The second table of who may get what says the same as the procedures, in both directions (DOMAIN 9.3)."""

from __future__ import annotations

import pytest

from contracts.disclosure import HOLDERS, LISTED, load_disclosure, parse_disclosure
from contracts.errors import ContractError
from contracts.invariants import load_invariants
from contracts.procedure import load_procedures
from contracts.procedure_types import BOUND

HEAD = "procedure,event,condition,side,office_types,profile,source\n"


def of_procedures() -> set[tuple[str, str, str, str]]:
    """Procedure, event, profile and side of every row that gives content."""
    return {
        (procedure.id, row.event, notify.profile, LISTED if notify.of else notify.side)
        for procedure in load_procedures().values()
        for row in procedure.transitions
        for notify in row.notify
        if notify.profile is not None
    }


def test_what_the_procedures_give_stands_in_the_table_and_nothing_else() -> None:
    table = {(row.procedure, row.event, row.profile, row.side) for rows in load_disclosure().values() for row in rows}

    assert table == of_procedures()


def test_the_types_of_offices_are_those_of_the_procedures() -> None:
    for procedure in load_procedures().values():
        for row in procedure.transitions:
            for notify in row.notify:
                if notify.profile is None or notify.side == HOLDERS:
                    continue
                rows = load_disclosure()[procedure.id, row.event]
                types = {kind for one in rows if one.side == notify.side for kind in one.office_types}
                assert notify.office == BOUND or notify.office in types, (procedure.id, row.event, notify.office)


def test_nobody_stands_in_the_table_who_may_never_get_the_profile() -> None:
    """The third telling, by profile alone: `rules/recipients.csv`."""
    allowed = load_invariants().recipients
    for rows in load_disclosure().values():
        for row in rows:
            # The sending office of a release is any that may start the matter.
            extra = row.office_types - allowed[row.profile]
            assert allowed[row.profile] == {"*"} or not extra, (row, extra)


def test_a_condition_reads_the_body_and_the_state() -> None:
    text = HEAD + "P,E,state=A|B fact=X,S,COURT,NP-RES,here\n"
    (row,) = parse_disclosure(text)["P", "E"]

    assert row.applies({"fact": "X"}, "A")
    assert not row.applies({"fact": "Y"}, "A")
    assert not row.applies({"fact": "X"}, "C")
    assert not row.applies({"fact": "X"}, None)


@pytest.mark.parametrize("line", ["P,E,reason,S,COURT,NP-RES,here", "P,E"])
def test_a_wrong_line_is_named(line: str) -> None:
    with pytest.raises(ContractError) as error:
        parse_disclosure(HEAD + line + "\n")

    assert error.value.code == "RULES_INVALID"
    assert "line 2" in error.value.message
