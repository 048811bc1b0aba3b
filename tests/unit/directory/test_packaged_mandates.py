"""The packaged mandates cover every acting office and every recipient of the packaged procedures (DOMAIN 5.4)."""

import json
from importlib.resources import files

from contracts.mandates import load_mandates
from contracts.office_type import OfficeType
from contracts.procedure import load_procedures
from contracts.procedure_types import BOUND, HOLDERS, NotifyRow, Procedure

PROCEDURES = [procedure for procedure in load_procedures().values() if procedure.kind != "hub"]

Grant = tuple[str, str, str, str, str, str]
"""Direction, office type, procedure, event, purpose, legal basis."""


def granted() -> list[Grant]:
    return [
        (row.direction, row.office_type, row.procedure, event, row.purpose, row.legal_basis)
        for row in load_mandates()
        for event in row.event_types
    ]


def test_who_may_act_in_a_procedure_may_send_under_every_basis_of_the_row() -> None:
    wanted = {
        ("SEND", office, procedure.id, row.event, row.purpose, basis)
        for procedure in PROCEDURES
        for row in procedure.transitions
        for office in row.by.offices
        for basis in row.legal_bases
    }

    assert {grant for grant in granted() if grant[0] == "SEND"} == wanted


def same_list(procedure: Procedure, name: str | None) -> set[str | None]:
    """The names under which a matter keeps a list: one shrinks as offices confirm, another may stay whole."""
    remembered = [one for row in procedure.transitions for one in row.remember]
    fields = {one.field for one in remembered if one.fact == name}
    return {name, *(one.fact for one in remembered if one.field in fields)}


def told_types(procedure: Procedure, told: NotifyRow) -> frozenset[str]:
    """The types of office that may be told: of a list those that may confirm, of the first one those that may start."""
    if told.side == HOLDERS:
        lists = same_list(procedure, told.of)
        confirming = (row for row in procedure.transitions if row.confirms is not None and row.confirms.of in lists)
        return frozenset(office for row in confirming for office in row.by.offices)
    return procedure.starters(told.side) if told.office == BOUND else frozenset({told.office})


def test_who_is_told_by_a_procedure_may_receive() -> None:
    wanted = {
        (office, procedure.id, row.event, row.purpose)
        for procedure in PROCEDURES
        for row in procedure.transitions
        for told in row.notify
        for office in told_types(procedure, told)
    }

    assert {grant[1:5] for grant in granted() if grant[0] == "RECEIVE"} == wanted


def test_no_mandate_stands_twice() -> None:
    assert len(set(granted())) == len(granted())


def test_every_purpose_and_basis_is_known_and_belongs_together() -> None:
    lines = files("contracts").joinpath("rules/legal_bases.csv").read_text(encoding="utf-8").splitlines()[1:]
    known = {tuple(line.split(",")[:2]) for line in lines}

    assert {(row.legal_basis, row.purpose) for row in load_mandates()} - known == set()


def test_the_event_bodies_of_the_directory_know_every_office_type() -> None:
    folder = files("contracts").joinpath("avro/body")
    for name in ("office_registered", "mandate_granted"):
        schema = json.loads(folder.joinpath(f"{name}.avsc").read_text(encoding="utf-8"))
        symbols = next(field["type"]["symbols"] for field in schema["fields"] if field["name"] == "office_type")

        assert symbols == [office_type.value for office_type in OfficeType]
