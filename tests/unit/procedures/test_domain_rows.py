"""The procedures have every row of the domain's tables, and no other row without a reason (DOMAIN 6 and 7).

`contracts/conformance/rows.csv` is a transcription of the tables; a row that is not in them is listed too, marked P.
"""

import csv
from collections import Counter
from importlib.resources import files
from typing import Final, NamedTuple

import pytest

from contracts.guard import load_guards
from contracts.office_type import OfficeType
from contracts.procedure import Procedure, load_procedures
from contracts.procedure_types import HOLDERS, Transition

PERSONS: Final = {"APPLICANT", "AGENT", "GUARDIAN", "EMPLOYER", "LODGING_PROVIDER"}
ANY: Final = "*"


class DomainRow(NamedTuple):
    """One row of a table, for one state before it."""

    section: str
    procedure: str
    source: str
    command: str
    actor: tuple[str, ...]
    event: str
    target: str
    deadline: tuple[str, ...]
    mark: str
    note: str

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from every other row."""
        return self.procedure, self.source, self.command, self.event, self.target


def read() -> list[DomainRow]:
    text = files("contracts").joinpath("conformance/rows.csv").read_text(encoding="utf-8")
    return [
        DomainRow(
            row["section"],
            row["procedure"],
            row["from"],
            row["command"],
            tuple(row["actor"].split()),
            row["event"],
            row["to"],
            tuple(row["deadline"].split()),
            row["mark"],
            row["note"],
        )
        for row in csv.DictReader(text.splitlines())
    ]


ROWS: Final = [row for row in read() if row.procedure != ANY]
PACKAGED: Final = {p.id: p for p in load_procedures().values() if p.kind != "hub"}
HERE: Final = [row for row in ROWS if row.procedure in PACKAGED]


def keys(procedure: Procedure) -> dict[tuple[str, ...], list[Transition]]:
    """The rows of a procedure by what tells them apart, restrictions left out."""
    found: dict[tuple[str, ...], list[Transition]] = {}
    for row in procedure.transitions:
        if row.event != "MatterRestricted":
            for target in row.targets:
                found.setdefault((procedure.id, row.source or "START", row.command, row.event, target), []).append(row)
    return found


ALL: Final = {key: rows for procedure in PACKAGED.values() for key, rows in keys(procedure).items()}


def test_the_tables_are_transcribed() -> None:
    """Sections 6.1 to 6.10, 7.1 to 7.3 and 7.5, each line once; the machine that every one accepts is said once."""
    assert {row.section for row in ROWS} == {*(f"6.{n}" for n in range(1, 11)), "7.1", "7.2", "7.3", "7.5"}
    assert {row.procedure for row in ROWS} == set(PACKAGED)
    assert [key for key, times in Counter(row.key for row in ROWS).items() if times > 1] == []
    assert [row.command for row in read() if row.procedure == ANY] == ["Restrict"]
    assert {row.mark for row in ROWS} == {"D", "P"}


@pytest.mark.parametrize("row", HERE, ids=["-".join(row.key) for row in HERE])
def test_a_row_of_the_domain_is_a_row_of_the_procedure(row: DomainRow) -> None:
    """Actor and time limit too; where the table names an office or a side, the procedure may not leave it out."""
    assert row.key in ALL, "the procedure lacks it"
    found = ALL[row.key]
    procedure = PACKAGED[row.procedure]
    offices = {office for one in found for office in one.by.offices}
    sides = {one.by.side for one in found}
    asked = {person for one in found for person in one.by.on_behalf}
    limits = {
        rule
        for one in found
        for rule in (
            *one.meets,
            *(start.rule for start in one.starts),
            *((one.after.rule,) if one.after is not None else ()),
            *(load_guards()[name].rule for name in one.guards),
        )
    }

    assert {word for word in row.actor if word in set(OfficeType)} <= offices
    assert {word for word in row.actor if word in procedure.all_sides} <= {*sides, *asked}
    assert {word for word in row.actor if word in PERSONS} <= asked
    assert ("TIMER" in row.actor) <= any(one.after is not None for one in found)
    assert (HOLDERS in row.actor) <= (HOLDERS in sides)
    # A limit may run through several rows: the residence permit's from acceptance to issue.
    running = {start.rule for one in procedure.transitions for start in one.starts}
    assert set(row.deadline) <= limits | procedure.outside_rules | running


@pytest.mark.parametrize("procedure", PACKAGED.values(), ids=list(PACKAGED))
def test_a_row_of_a_procedure_is_the_domains_or_has_a_reason(procedure: Procedure) -> None:
    listed = {row.key for row in ROWS}

    assert sorted(key for key in keys(procedure) if key not in listed) == []


def test_what_the_product_adds_says_why() -> None:
    assert [row.key for row in ROWS if row.mark == "P" and not row.note.endswith(".")] == []
