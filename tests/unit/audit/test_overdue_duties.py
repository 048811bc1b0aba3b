"""Which duties are past due follows from the matters and the rules alone (DOMAIN 4.1)."""

from contracts.deadline import due_at
from contracts.ids import EventId, Hash, OfficeId, RegionCode, StreamId, uuid7
from contracts.procedure import load_procedures
from contracts.procedure_types import RETENTION
from hub.matter import Duty, Matter, Party
from hub.overdue import overdue

STARTED_MS = 1_772_416_800_000
EVENT = EventId(uuid7(unix_ms=STARTED_MS, entropy=bytes(10)))
RULE = "R-COR-3"


def matter(*duties: Duty) -> Matter:
    return Matter(
        stream_id=StreamId(uuid7(unix_ms=STARTED_MS, entropy=bytes(range(10)))),
        procedure="CORRECTION_TRANSFER",
        edition=1,
        state="OPINION_ASKED",
        next_seq=2,
        head=Hash(bytes(32)),
        opened_at=STARTED_MS,
        parties=(Party("SENDING", "COUNTY_CORRECTION", RegionCode("44"), OfficeId("o12345678")),),
        regions=(("SENDING", RegionCode("44")), ("RECEIVING", RegionCode("43"))),
        counties=(),
        holders=(),
        duties=duties,
        facts=(),
    )


OPINION = Duty(RULE, "RECEIVING", "COUNTY_CORRECTION", STARTED_MS, EVENT)
DUE_MS = due_at(RULE, start_ms=STARTED_MS, region=RegionCode("43")).due_ms


def test_a_duty_is_overdue_from_the_instant_at_which_it_was_due() -> None:
    matters, procedures = [matter(OPINION)], load_procedures()

    before = list(overdue(matters, procedures, DUE_MS - 1))
    after = list(overdue(matters, procedures, DUE_MS))

    assert before == []
    (found,) = after
    assert (found.rule, found.side, found.office_type) == (RULE, "RECEIVING", "COUNTY_CORRECTION")
    assert (found.region, found.due_ms, found.started_by) == ("43", DUE_MS, EVENT)
    assert found.stream_id == matters[0].stream_id


def test_retention_is_nobodys_duty() -> None:
    held = Duty(RETENTION, "SENDING", "COUNTY_CORRECTION", STARTED_MS, EVENT)

    assert list(overdue([matter(held)], load_procedures(), DUE_MS * 2)) == []


def test_a_matter_without_duties_is_never_overdue() -> None:
    assert list(overdue([matter()], load_procedures(), DUE_MS * 2)) == []
