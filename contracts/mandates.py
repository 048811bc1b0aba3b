"""The mandates that the packaged procedures need: `MandateRow`, `load_mandates`.

One row of `contracts/rules/mandates.csv` says what the offices of one type may send or receive, for one purpose on one
basis, in every region alike. A row allows nothing by itself: a mandate is in force when the ledger holds its
`MandateGranted` for a region, and `hub.directory` finds those. An event type that rests on one of several bases stands
in a row for each; one that can serve two purposes, such as an ending by death, in a row for each.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from contracts.office_type import OfficeType


@dataclass(frozen=True, slots=True)
class MandateRow:
    """What offices of one type may send or receive.

    Attributes:
        office_type: Type of the offices.
        procedure: The procedure.
        event_types: Its events, each once.
        direction: `SEND` or `RECEIVE`.
        purpose: Purpose of DOMAIN 5.4.
        legal_basis: Legal basis of DOMAIN 5.4.
    """

    office_type: OfficeType
    procedure: str
    event_types: tuple[str, ...]
    direction: str
    purpose: str
    legal_basis: str


@cache
def load_mandates() -> tuple[MandateRow, ...]:
    """Read all packaged rows once, in file order.

    Raises:
        ValueError: A row of the packaged file is wrong: this is a defect of the release, not of data.
    """
    text = files("contracts").joinpath("rules/mandates.csv").read_text(encoding="utf-8")
    return tuple(
        MandateRow(
            office_type=OfficeType(row["office_type"]),
            procedure=row["procedure"],
            event_types=tuple(row["event_types"].split(";")),
            direction=row["direction"],
            purpose=row["purpose"],
            legal_basis=row["legal_basis"],
        )
        for row in csv.DictReader(text.splitlines())
    )
