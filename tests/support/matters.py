"""Matters for tests: every event made, sealed and chained as a gateway would. Pure of pytest.

`residence`, `notification`, `permit` and `correction` give the events of one matter each, in order, for different
regions' gateways to submit. `MatterMaker` makes single events, right ones and, with `changes`, wrong ones. One matter
of every procedure: `tests.support.all_matters`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from contracts.event import Header, SealedRef, encode_event, leaf_hash
from contracts.identity import acting_birth_date, synthetic_resident_id
from contracts.ids import EventId, Hash, StreamId
from contracts.instant import DAY_MS, local_day, rounded
from contracts.procedure_types import body_schema
from contracts.profile import encode_payload
from contracts.sealing import Associated, seal
from hub.submission import SubmittedPayload
from tests.support.batches import Made
from tests.support.world import World, WorldOffice


class Sealed(NamedTuple):
    """One payload to be sealed.

    Attributes:
        profile: Its profile.
        to: Recipient offices.
        content: The profile's own fields, without those that every payload has.
    """

    profile: str
    to: tuple[WorldOffice, ...]
    content: Mapping[str, Any]


class MatterMaker:
    """Makes the events of one matter; every event is taken as recorded, unless `step` is False.

    Args:
        world: Offices, time, ids.
        procedure: Its procedure, under the world's edition.

    Attributes:
        stream_id: The matter.
        next_seq: Position of the next event.
        head: Leaf hash of the last one.
    """

    def __init__(self, world: World, procedure: str) -> None:
        self.world = world
        self.procedure = world.rules.procedures[procedure, world.edition]
        self.stream_id = StreamId(world.fresh_id())
        self.next_seq = 0
        self.head = Hash(bytes(32))

    def event(
        self,
        event_type: str,
        by: WorldOffice,
        body: Mapping[str, Any] | None = None,
        *,
        counterpart: WorldOffice | None = None,
        sealed: Sequence[Sealed] = (),
        purpose: str | None = None,
        legal_basis: str | None = None,
        step: bool = True,
        **changes: Any,
    ) -> Made:
        """Make the next event.

        Args:
            event_type: What happened.
            by: The office that acts.
            body: Fields of the body schema.
            counterpart: The other office, if the event names one.
            sealed: What it seals.
            purpose: The procedure's own if not given.
            legal_basis: The procedure's first if not given.
            step: Whether the matter goes on with this event.
            changes: Fields of the header to be other than right.
        """
        encoded = self.world.rules.registry.encode_body(body_schema(event_type), body or {})
        header = Header(
            event_id=EventId(self.world.fresh_id()),
            schema_id=encoded[2:10],
            event_type=event_type,
            event_class=self.procedure.event_class,
            stream_id=self.stream_id,
            stream_seq=self.next_seq,
            prev_hash=self.head,
            procedure=self.procedure.id,
            edition=self.procedure.edition,
            producer_region=by.region,
            producer_office=by.office,
            counterpart_region=None if counterpart is None else counterpart.region,
            counterpart_office=None if counterpart is None else counterpart.office,
            occurred_at=rounded(self.procedure.event_class, self.world.clock.now_ms()),
            purpose=purpose or self.procedure.purpose,
            legal_basis=legal_basis or self.procedure.legal_bases[0],
            data_class=self.procedure.data_class,
            body=encoded,
            sealed=(),
            correlation_id=None,
            causation_id=None,
            sandbox=True,
        )
        refs, payloads = self._seal(header, by, sealed)
        header = header._replace(sealed=refs)._replace(**changes)
        data = encode_event(header)
        if step:
            self.next_seq, self.head = header.stream_seq + 1, leaf_hash(data)
        return Made(by.region, header, data, payloads)

    def _seal(
        self, header: Header, by: WorldOffice, wanted: Sequence[Sealed]
    ) -> tuple[tuple[SealedRef, ...], tuple[SubmittedPayload, ...]]:
        entropy = self.world.entropy
        done = [
            seal(
                plaintext=encode_payload(one.profile, self._common(header, one.profile) | dict(one.content)),
                associated=Associated(header.stream_id, header.event_id, one.profile),
                recipients=[office.key for office in one.to],
                producer=by.key,
                content_key=entropy.draw(32),
                nonce=entropy.draw(12),
                opening=entropy.draw(64),
            )
            for one in wanted
        ]
        return tuple(one.ref for one in done), tuple(SubmittedPayload(one.ciphertext, one.wrapped) for one in done)

    def _common(self, header: Header, profile: str) -> dict[str, Any]:
        return {
            "profile": profile,
            "purpose": header.purpose,
            "legal_basis": header.legal_basis,
            "retention_rule": self.procedure.id,
            "expires_on": self.day(self.procedure.copy_days(header.producer_region)),
            "minor": False,
            "seal_state": "NONE",
            "safety_hold": False,
        }

    def day(self, days: int = 0) -> str:
        """The local day, so many days from now."""
        return day_of(self.world, days)


def day_of(world: World, days: int = 0) -> str:
    """The world's day in Shanghai, so many days from now."""
    return local_day(world.clock.now_ms() + days * DAY_MS).isoformat()


def synthetic_person(world: World, region: str) -> dict[str, str]:
    """The identity core of somebody who cannot exist."""
    draw = int.from_bytes(world.entropy.draw(4), "big")
    born = date(1800, 1, 1) + timedelta(days=draw % 28_000)
    number = synthetic_resident_id(world.counties[region], born.year, born.month, born.day, 1 + draw % 899)
    return {
        "name": f"测试甲{draw % 1000}",
        "document_type": "CN_RESIDENT_ID",
        "document_number": number,
        "birth_date": acting_birth_date(born).isoformat(),
    }


# -- matters of four procedures


def declaration(world: World, region: str) -> Made:
    """A registration's first event, alone: the cheapest event that is accepted."""
    return _declare(MatterMaker(world, "RESIDENCE"), region)


def residence(world: World, region: str) -> list[Made]:
    """A registration: declared, recorded, ended. One region, nobody is told."""
    matter = MatterMaker(world, "RESIDENCE")
    police = world.office(region, "POLICE_STATION")
    return [
        _declare(matter, region),
        matter.event("RegistrationRecorded", police, {"registered_on": matter.day(), "identity_form_valid": True}),
        matter.event("RegistrationEnded", police, {"reason": "DEPARTED"}),
    ]


def _declare(matter: MatterMaker, region: str) -> Made:
    world = matter.world
    body = {"division": world.division(region), "notice_id": world.fresh_id(), "declared_by": "APPLICANT"}
    return matter.event("RegistrationDeclared", world.office(region, "POLICE_STATION"), body)


def notification(world: World, destination: str = "44", origin: str = "45") -> list[Made]:
    """A residence notice: prepared, sent with `NP-RES`, delivered, acknowledged. Two regions, each told once."""
    matter = MatterMaker(world, "RESIDENCE_NOTIFICATION")
    sender = world.office(destination, "COUNTY_PSB_HOUSEHOLD")
    receiver = world.office(origin, "COUNTY_PSB_HOUSEHOLD")
    notice = {
        "identity": synthetic_person(world, origin),
        "county": world.counties[destination],
        "date": matter.day(),
        "change": "STARTED",
    }
    return [
        matter.event("ResidenceNoticePrepared", sender, {"notice_id": world.fresh_id()}, counterpart=receiver),
        matter.event("ResidenceNoticeSent", sender, sealed=[Sealed("NP-RES", (receiver,), notice)]),
        matter.event("ResidenceNoticeDelivered", receiver, {"verified": True}),
        matter.event("ResidenceNoticeAcknowledged", receiver),
    ]


def disputed(world: World, destination: str = "44", origin: str = "45") -> list[Made]:
    """A residence notice that the origin disputes: prepared, sent, delivered, disputed."""
    matter = MatterMaker(world, "RESIDENCE_NOTIFICATION")
    sender = world.office(destination, "COUNTY_PSB_HOUSEHOLD")
    receiver = world.office(origin, "COUNTY_PSB_HOUSEHOLD")
    notice = {
        "identity": synthetic_person(world, origin),
        "county": world.counties[destination],
        "date": matter.day(),
        "change": "STARTED",
    }
    return [
        matter.event("ResidenceNoticePrepared", sender, {"notice_id": world.fresh_id()}, counterpart=receiver),
        matter.event("ResidenceNoticeSent", sender, sealed=[Sealed("NP-RES", (receiver,), notice)]),
        matter.event("ResidenceNoticeDelivered", receiver, {"verified": True}),
        matter.event("ResidenceNoticeDisputed", receiver, {"reason": "DUPLICATE"}),
    ]


def permit(world: World, region: str = "44") -> list[Made]:
    """A residence permit: accepted, signed, issued."""
    matter = MatterMaker(world, "RESIDENCE_PERMIT")
    police = world.office(region, "POLICE_STATION")
    household = world.office(region, "COUNTY_PSB_HOUSEHOLD")
    application = {
        "division": world.division(region),
        "notice_id": world.fresh_id(),
        "applied_by": "APPLICANT",
        "registered_on": matter.day(-200),
        "ground": "STABLE_WORK",
    }
    return [
        matter.event("ResidencePermitAccepted", police, application),
        matter.event("ResidencePermitSigned", household, {"official": world.fresh_id()}),
        matter.event("ResidencePermitIssued", police, {"year_from": matter.day()}),
    ]


def correction(world: World, sending: str = "44", receiving: str = "43") -> list[Made]:
    """A transfer of community correction, from the request to the reception. Two counties, every step told."""
    matter = MatterMaker(world, "CORRECTION_TRANSFER")
    old, new = world.office(sending, "COUNTY_CORRECTION"), world.office(receiving, "COUNTY_CORRECTION")
    person = synthetic_person(world, sending)
    ask = {
        "identity": person,
        "proposed_address": "样例路1号",
        "ground": "WORK",
        "household_or_employer": "样例工厂",
        "measure": "SUSPENDED_SENTENCE",
        "end_date": matter.day(400),
        "bans": [],
    }
    opinion = {"stream_id": matter.stream_id, "opinion": "AGREE", "reasons": "样例理由"}
    document = {"title": "样例文书", "number": "样例-1", "issued_on": matter.day(-30), "content": b"synthetic"}
    copy = {"identity": person, "documents": [document]}
    hash_list = world.entropy.draw(32)
    file = {"part": 1, "parts": 1, "hash_list": [world.entropy.draw(32)], "documents": [document]}
    decided = {
        "decision": "TRANSFER",
        "deciding_body": "COURT",
        "official": world.fresh_id(),
        "complaint_way_told": True,
        "told_on": None,
    }

    def copies(region: str, *types: str) -> Sealed:
        return Sealed("NP-COR-COPY", tuple(world.office(region, one) for one in types), copy)

    def status(state: str) -> Sealed:
        return Sealed("NP-COR-STATUS", (old,), {"stream_id": matter.stream_id, "state": state, "date": matter.day()})

    requested = {"notice_id": world.fresh_id(), "ground": "WORK", "papers": ["APPLICATION", "PROOF_OF_GROUND"]}
    sent = {"hash_list": hash_list, "documents_complete": True, "supplement": False}
    return [
        matter.event("TransferRequested", world.office(sending, "JUDICIAL_OFFICE"), requested, counterpart=new),
        matter.event("OpinionAsked", old, sealed=[Sealed("NP-COR-ASK", (new,), ask)]),
        matter.event("OpinionGiven", new, {"opinion": "AGREE"}, sealed=[Sealed("NP-COR-OPINION", (old,), opinion)]),
        matter.event("TransferDecided", old, decided, sealed=[copies(sending, "COURT", "PROCURATORATE", "COUNTY_PSB")]),
        matter.event("DecisionServed", old, {"served_on": matter.day(), "travel_days": 2, "consequences_told": True}),
        matter.event("FileSent", old, sent, sealed=[Sealed("NP-COR-FILE", (new,), file)]),
        matter.event(
            "FileAcknowledged",
            new,
            {"hash_list": hash_list, "missing": [], "supplement": False},
            sealed=[copies(receiving, "PROCURATORATE", "COUNTY_PSB")],
        ),
        matter.event("ReportedIn", new, {"identity_checked": True}, sealed=[status("REPORTED")]),
        matter.event("CaseReceived", new, sealed=[status("RECEIVED")]),
    ]
