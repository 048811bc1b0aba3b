"""A stage for procedures: made-up offices, one valid body for each event, and a matter that walks from row to row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from contracts.division import load_divisions
from contracts.event import Header, SealedRef
from contracts.ids import HUB_OFFICE, HUB_REGION, EventId, Hash, OfficeId, PointId, RegionCode, StreamId, uuid7
from contracts.procedure import Procedure, Transition, load_procedures
from hub.matter import Matter, advance, check_counterpart_open, check_guards, match_row
from tests.unit.procedures.bodies_of_moves_and_permits import BODIES as BODIES_OF_MOVES_AND_PERMITS

ZERO: Final = Hash(bytes(32))
ID: Final = bytes(range(1, 17))
LIST: Final = bytes(range(32))
COUNTY: Final = "440106000000"


@dataclass(frozen=True, slots=True)
class FakeOffice:
    """An office of the stage."""

    office: OfficeId
    region: RegionCode
    office_type: str
    county6: str | None
    point: PointId
    counties: frozenset[str]
    is_closed: bool = False


class FakeDirectory:
    """Offices by id; `named` finds one by type and county. Each county has one office of each type."""

    def __init__(self) -> None:
        self.by_id: dict[OfficeId, FakeOffice] = {}
        self._names: dict[tuple[str, str], OfficeId] = {}

    def add(self, office_type: str, county6: str, *, name: str | None = None) -> OfficeId:
        """Add an office; `name` replaces its type where a county has two of one type."""
        region = RegionCode(county6[:2])
        office = OfficeId(f"o{len(self.by_id) + 1:08d}")
        point = PointId(f"{region}-{county6}")
        self.by_id[office] = FakeOffice(office, region, office_type, county6, point, frozenset({county6}))
        self._names[name or office_type, county6] = office
        return office

    def close(self, office: OfficeId) -> None:
        """Close an office."""
        entry = self.by_id[office]
        self.by_id[office] = FakeOffice(
            office, entry.region, entry.office_type, entry.county6, entry.point, entry.counties, is_closed=True
        )

    def named(self, office_type: str, county6: str) -> OfficeId:
        """The office of a type in a county, added when first asked for."""
        return self._names.get((office_type, county6)) or self.add(office_type, county6)

    def office(self, office: OfficeId) -> FakeOffice | None:
        """What the engine asks."""
        return self.by_id.get(office)

    def acting(self, office: OfficeId) -> FakeOffice | None:
        """The office while it is open; on this stage nobody follows another one by name."""
        entry = self.by_id.get(office)
        return None if entry is None or entry.is_closed else entry

    def serving(self, office_type: str, place: str, at_ms: int | None = None) -> FakeOffice | None:
        """The office of a type in a county; nobody is added by asking."""
        return self.by_id.get(self._names.get((office_type, place[:6]), OfficeId("")))

    def serves(self, office: OfficeId, county6: str, at_ms: int) -> bool:
        """Whether an office serves a county; on this stage codes never change."""
        entry = self.by_id.get(office)
        return entry is not None and county6 in entry.counties


def noon(day: str) -> int:
    """Noon in Shanghai of a day, milliseconds."""
    return int(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp()) * 1000 + 14_400_000


_NOTICE = {"notice_id": ID}
_PLACE = {"division": COUNTY}
BODIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "RegistrationDeclared": {**_PLACE, **_NOTICE, "declared_by": "APPLICANT"},
    "RegistrationRecorded": {"registered_on": "2026-03-02", "identity_form_valid": True},
    "RegistrationRejected": {"reason": "PAPERS_MISSING", "missing": ["IDENTITY_DOCUMENT"]},
    "RegistrationAddressChanged": {"division": "440305000000"},
    "RegistrationCorrected": {"correction_code": "22", "evidence_checked": True, "notice_was_sent": True},
    "RegistrationEnded": {"reason": "DEPARTED"},
    "MatterRestricted": {"request": ID, "official": ID},
    "ResidenceNoticePrepared": _NOTICE,
    "ResidenceNoticeSuppressed": {},
    "ResidenceNoticeSent": {},
    "ResidenceNoticeDelivered": {"verified": True},
    "ResidenceNoticeAcknowledged": {},
    "ResidenceNoticeDisputed": {"reason": "DUPLICATE"},
    "ResidenceNoticeWithdrawn": {},
    "ResidenceNoticeReissued": {},
    "ResidenceNoticeClosed": {},
    "ResidencePermitAccepted": {
        **_PLACE,
        **_NOTICE,
        "applied_by": "APPLICANT",
        "registered_on": "2025-08-01",
        "ground": "STABLE_WORK",
    },
    "ResidencePermitSupplementRequested": {
        **_PLACE,
        **_NOTICE,
        "applied_by": "APPLICANT",
        "missing": ["PROOF_OF_WORK", "PROOF_OF_ADDRESS"],
    },
    "ResidencePermitSigned": {"official": ID},
    "ResidencePermitRefused": {"reason": "PAPERS_MISSING", "official": ID, "review_told": True},
    "ResidencePermitIssued": {"year_from": "2026-03-02"},
    "ResidencePermitEndorsed": {"year_from": "2027-03-02"},
    "ResidencePermitSuspended": {
        "full_year_on": "2027-03-02",
        "first_reminder_on": "2027-01-31",
        "second_reminder_on": "2027-02-23",
    },
    "ResidencePermitReinstated": {"residence_counted_from": "2027-06-01"},
    "ResidencePermitAddressChanged": {"division": "440103000000"},
    "ResidencePermitReplaced": {"reason": "LOST"},
    "ResidencePermitCancelled": {"reason": "LEFT", "official": None, "appeal_told": None},
    "ResidencePermitHistoryReleased": {"consent_on": "2026-03-02", "consent_form": "IN_WRITING"},
    "TransferRequested": {**_NOTICE, "ground": "FAMILY", "papers": ["APPLICATION", "PROOF_OF_GROUND"]},
    "OpinionAsked": {},
    "OpinionGiven": {"opinion": "AGREE"},
    "CoordinationRequested": {},
    "CoordinationResult": {"opinion": "AGREE"},
    "TransferDecided": {
        "decision": "TRANSFER",
        "deciding_body": "COURT",
        "official": ID,
        "complaint_way_told": True,
        "told_on": None,
    },
    "DecisionServed": {"served_on": "2026-03-02", "travel_days": 2, "consequences_told": True},
    "FileSent": {"hash_list": LIST, "documents_complete": True, "supplement": False},
    "FileAcknowledged": {"hash_list": LIST, "missing": [], "supplement": False},
    "ReportedIn": {"identity_checked": True},
    "CaseReceived": {},
    "NotReported": {},
    "CaseReturned": {},
    "TransferWithdrawn": {},
    "ReleaseNotified": {**_NOTICE, "ground": "RELEASE", "home_from_record": True, "also_told": "NOBODY"},
    "HomeConfirmed": {"checked_together": True},
    "HomeReferred": {"checked_together": True, "division": "430102000000"},
    "HomeNotKnown": {"checked_together": True},
    "AssessmentDelivered": {"ground": "RELEASE", "shown_to_person": True},
    "ReturnAgreed": {"sending_agrees": True, "person_agrees": True},
    "Released": {"ground": "RELEASE", "released_on": "2026-03-02"},
    "Arrived": {"arrived_on": "2026-03-02"},
    "AssistanceOpened": {"person_agrees": True},
    "AssistanceDeclined": {},
    "ArrivalNotKnown": {},
    "AssistanceEnded": {},
    "AssistanceReferred": {"person_asks": True},
    "PlaceChanged": {**_NOTICE, "changed_on": "2026-03-02", "may_be_handed_over": True},
    "MaterialsSent": {"materials": LIST},
    "MaterialsAcknowledged": {"materials": LIST},
    "AgreementSigned": {"person_signed": True},
    "MinorAdmitted": {"home_named": True},
    "GuardianFound": {"told_sparingly": True},
    "GuardianNotFound": {"told_sparingly": True},
    "HomeAssessed": {"result": "SAFE", "visited": True, "child_heard": True, "harm_checked": True},
    "ReturnPlanned": {"way": "GUARDIAN_FETCHES"},
    "HandedOver": {
        "identity_checked": True,
        "relation_checked": True,
        "official": ID,
        "receiving_signature": LIST,
    },
    "FollowedUp": {"visited_on": "2026-03-02"},
    "CareArranged": {"official": ID},
    "RightsRequested": {**_NOTICE, "kind": "ACCESS"},
    "RequesterIdentified": {"identity_checked": True, "representation_checked": True, "official": ID},
    "RightsRequestRouted": {"target": ID, "holders": ["o00000001"]},
    "RightsDecided": {
        "kind": "ACCESS",
        "outcome": "GRANTED",
        "effect": "COPY",
        "reason": None,
        "court_way_told": None,
        "official": ID,
        "not_involved": None,
    },
    "RightsExecuted": {"carried_out": True},
    "RightsRequestClosed": {"person_told": True},
    "RightsRequestWithdrawn": {},
    "SealOrdered": {"target": ID, "holders": ["o00000001"], "official": ID},
    "UnsealOrdered": {"target": ID, "holders": ["o00000001"], "official": ID},
    "SealApplied": {"carried_out": True},
    "ErasureOrdered": {"target": ID, "holders": ["o00000001"], "official": ID, "ground": "PURPOSE_MET"},
    "PayloadErased": {"keys_destroyed": True, "content_deleted": True},
    "RetentionConfirmed": {"until": 1, "keys_destroyed": True, "content_deleted": True},
    "OpeningAsked": {
        "opened_event": ID,
        "ciphertext_hash": LIST,
        "provision": "LB_PIPL_13_4",
        "ground": "LIFE",
        "approvers": ["o00000001", "o00000002"],
        "official": ID,
    },
    "OpeningApproved": {"official": ID},
    "OpeningDeclined": {"official": ID},
    "OpeningExpired": {},
    "EmergencyNoted": {"official": ID},
    "EmergencyEnded": {},
    "PersonTold": {"told_on": "2026-03-02", "official": ID},
    "TellingWithheld": {"reason": "DANGER_TO_OTHERS", "official": ID},
    "AccessRecorded": {
        "opened_event": ID,
        "profile": "NP-RES",
        "ciphertext_hash": LIST,
        "office": "o00000001",
        "officer": ID,
        "role": "REGISTRAR",
        "purpose": "RESIDENCE_NOTICE",
        "reason": "TASK",
        "reason_commitment": LIST,
        "approval": LIST,
        "request_key": ID[:8],
        "request_signature": LIST * 2,
        "requested_at": 1,
    },
    "DigestsPublished": {
        "month": "2026-03",
        "position": 100,
        "form": "1:0123456789abcdef",
        "digests": [{"projection": "WORK_LIST", "digest": LIST}],
    },
    "HeadsPublished": {"heads": [{"point": "44-node", "n": 1, "head": LIST}]},
    "StatisticsPublished": {
        "table": "OD_MONTH",
        "month": "2026-03",
        "below": 10,
        "part": 1,
        "parts": 1,
        "cells": [{"row": "45", "column": "TOTAL", "n": 15}],
        "table_hash": LIST,
    },
    "ContentEnded": {"target": ID, "due_ms": 1},
    "CopiesEnded": {"target": ID, "brought_by": ID, "due_ms": 1},
    "DeadlineMissed": {"rule": "R-COR-3", "region": "45", "due_ms": 1},
    **BODIES_OF_MOVES_AND_PERMITS,
}
"""One body for each event that its procedure admits."""

Step = (
    tuple[str, str]
    | tuple[str, str, Mapping[str, Any]]
    | tuple[str, str, Mapping[str, Any], str]
    | tuple[str, str, Mapping[str, Any], str, str]
)
"""Event, actor (`TYPE` or `TYPE@county`; `TIMER` for the hub), changed body fields, day (empty for the same), and the
office that the event names as the other side."""


@dataclass
class Scene:
    """One matter on its way.

    Attributes:
        procedure: What it follows.
        home: County of the side that starts.
        away: County of the other side.
        matter: As it stands.
        day: When the next event occurs.
        last: The row that the last event took.
    """

    procedure: Procedure
    home: str = "440106"
    away: str = "450103"
    directory: FakeDirectory = field(default_factory=FakeDirectory)
    matter: Matter | None = None
    day: str = "2026-03-02"
    last: Transition | None = None

    @classmethod
    def of(cls, procedure: str) -> Scene:
        """An empty stage for a packaged procedure."""
        return cls(load_procedures()[procedure, 1])

    def office(self, actor: str) -> OfficeId:
        """The office of an actor; a type alone is in the home county, `TYPE@away` in the other."""
        office_type, _, county6 = actor.partition("@")
        return self.directory.named(office_type, {"": self.home, "away": self.away}.get(county6, county6))

    def header(self, event: str, actor: str, **changes: Any) -> Header:
        """The next event's header, to be changed at will."""
        seq, head = (0, ZERO) if self.matter is None else (self.matter.next_seq, self.matter.head)
        is_hub = actor == "TIMER"
        office = HUB_OFFICE if is_hub else self.office(actor)
        header = Header(
            event_id=EventId(uuid7(unix_ms=noon(self.day), entropy=bytes(9) + bytes((seq,)))),
            schema_id=bytes(8),
            event_type=event,
            event_class=self.procedure.event_class,
            stream_id=StreamId(ID),
            stream_seq=seq,
            prev_hash=head,
            procedure=self.procedure.id,
            edition=self.procedure.edition,
            producer_region=HUB_REGION if is_hub else self.directory.by_id[office].region,
            producer_office=office,
            counterpart_region=None,
            counterpart_office=None,
            occurred_at=noon(self.day),
            purpose="",
            legal_basis="",
            data_class=self.procedure.data_class,
            body=b"",
            sealed=(),
            correlation_id=None,
            causation_id=None,
            sandbox=True,
        )
        return header._replace(**changes)

    def names(self, actor: str) -> dict[str, Any]:
        """Header fields that name an office as the counterpart."""
        office = self.office(actor)
        return {"counterpart_region": self.directory.by_id[office].region, "counterpart_office": office}

    def happen(self, event: str, actor: str, body: Mapping[str, Any] | None = None, **changes: Any) -> Matter:
        """Decide about an event and apply it; the body is the valid one with changed fields."""
        full = {**BODIES[event], **(body or {})}
        if full.get("holders"):
            full["holders"] = list(self.holders())
        if full.get("approvers") and "approvers" not in (body or {}):
            full["approvers"] = [self.office("COUNTY_PSB@away"), self.office("COUNTY_CORRECTION@away")]
        if "sealed" not in changes:
            changes["sealed"] = self._sealed(event, full)
        if self.matter is None and not changes.get("counterpart_region") and self._needs_counterpart(event, full):
            other = self.procedure.counterpart
            assert other is not None
            changes |= self.names(f"{min(other.offices)}@away")
        header = self.header(event, actor, **changes)
        row = match_row(self.procedure, self.matter, header, full, self.directory)
        holders = self.holders()
        check_counterpart_open(header, self.directory)
        guards = self.procedure.row_guards[row.guards]
        check_guards(
            self.procedure, guards, self.matter, header, full, self.directory, load_divisions(), lambda _: holders
        )
        self.matter = advance(
            self.procedure, self.matter, header, full, self.directory, Hash(bytes((header.stream_seq + 1,)) * 32), row
        )
        self.last = row
        return self.matter

    def holders(self) -> tuple[OfficeId, ...]:
        """Who holds something of the record that an order is about: one office here, one away."""
        return self.office("POLICE_STATION"), self.office("COURT@away")

    def step(self, step: Step, **changes: Any) -> Matter:
        """Let one step of a table happen."""
        event, actor, *more = step
        body: Any = more[0] if more else None
        if len(more) > 1:
            self.day = str(more[1]) or self.day
        if len(more) > 2:
            changes |= self.names(str(more[2]))
        return self.happen(event, actor, body, **changes)

    def _needs_counterpart(self, event: str, body: Mapping[str, Any]) -> bool:
        rows = self.procedure.rows.get((event, None), ())
        fitting = (row for row in rows if row.when is None or body[row.when.field] in row.when.values)
        return self.procedure.counterpart is not None and any(row.names_counterpart for row in fitting)

    def _sealed(self, event: str, body: Mapping[str, Any]) -> tuple[SealedRef, ...]:
        state = None if self.matter is None else self.matter.state
        rows = self.procedure.rows.get((event, state), ())
        fitting = (row for row in rows if row.when is None or body[row.when.field] in row.when.values)
        profiles = sorted({n.profile for row in fitting for n in row.notify if n.profile})
        return tuple(SealedRef(p, bytes(32), bytes(32), 1, (OfficeId("o00000099"),)) for p in profiles)
