"""What waits for an office: `WorkRow`, `rows_of` (DOMAIN 8.1, last paragraph).

A row is an open duty of the office, or content that it got and on which it has not acted. A row says the stream, the
kind as far as the office may know it, the state, the due date and its rule; there is no person in it and no way from a
person to it. A matter that is over or restricted, and a stream that an order hid, has no rows at all: to who asks it is
as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from contracts.hiding import Hiding
from contracts.ids import OfficeId, StreamId
from contracts.procedure_types import Procedure
from hub.directory import Directory
from hub.matter import Matter
from hub.projections.obligation import obligations
from hub.projections.stream_record import StreamRecord

NO_DUE_MS: Final = 1 << 62
"""Stands for no due date: after every date."""
CLOSED_KIND: Final = "CASE"
"""Kind and state of a case for an office that got content of it and has no part in it."""
CLOSED_STATE: Final = "OPEN"


class WorkRow(NamedTuple):
    """One thing that waits for an office.

    Attributes:
        office: Whose it is; empty where no office serves the county.
        due_ms: The first instant that is too late, milliseconds; `NO_DUE_MS` without a limit.
        stream_id: The matter.
        rule: Id of the rule; empty without a limit.
        kind: The matter's procedure, or `CASE`.
        state: Where the matter stands, or `OPEN`.
        calendar_assumed: Whether the due date rests on an assumed calendar.
    """

    office: OfficeId
    due_ms: int
    stream_id: StreamId
    rule: str
    kind: str
    state: str
    calendar_assumed: bool

    @property
    def key(self) -> tuple[str, int, bytes, str]:
        """Its place among all rows: an office's list is in order of it."""
        return self.office, self.due_ms, self.stream_id, self.rule


def rows_of(
    record: StreamRecord, procedure: Procedure, directory: Directory, hiding: Hiding, at_ms: int
) -> Iterator[WorkRow]:
    """Everything that one stream adds to work lists at an instant."""
    matter = record.matter
    if matter is None or record.is_hidden or not (matter.duties or record.told):
        return
    if matter.state in hiding.states or procedure.states[matter.state].is_final:
        return
    owing = set()
    for one in obligations(procedure, matter, directory, at_ms):
        owing.add(one.office)
        yield WorkRow(
            one.office,
            one.due_ms,
            matter.stream_id,
            one.duty.rule,
            matter.procedure,
            matter.state,
            one.calendar_assumed,
        )
    for told in record.told:
        acting = directory.acting(told)
        office = told if acting is None else acting.office
        if office not in owing:
            owing.add(office)
            kind, state = _as_told(told, matter, procedure)
            yield WorkRow(office, NO_DUE_MS, matter.stream_id, "", kind, state, calendar_assumed=False)


def _as_told(office: OfficeId, matter: Matter, procedure: Procedure) -> tuple[str, str]:
    """Kind and state as far as an office may know them: of a case only who has a part in it knows more."""
    if procedure.kind != "case" or any(party.office == office for party in matter.parties):
        return matter.procedure, matter.state
    return CLOSED_KIND, CLOSED_STATE
