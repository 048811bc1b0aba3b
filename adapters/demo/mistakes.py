"""What goes wrong in the demonstration on purpose: events that must be refused, and repeats that must change nothing.

An honest gateway would not send these: it refuses them itself with the same code. So each is tried at the gateway first
and then rehearsed, unchecked, against the exchange. Not here: officials who say no, disputes, corrections: those are
stories.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from adapters.demo.player import Doings
from adapters.region.draft import Draft, local_date
from adapters.region.gateway import RegionGateway
from adapters.region.outbox_store import SentEvent
from contracts.errors import AccessError, EvidenceError, FatalError, RuleError
from contracts.ids import RegionCode, StreamId, uuid7
from contracts.instant import DAY_MS
from contracts.office_type import OfficeType
from hub.directory import Office
from hub.submission import Outcome

HONG_KONG: Final = RegionCode("81")


class Mistakes:
    """Makes one round of mistakes for one region.

    Args:
        gateway: Of the region.
        county6: One of its counties.
        now_ms: When the demonstration is played.
        doings: Where refusals are counted.
    """

    def __init__(self, *, gateway: RegionGateway, county6: str, now_ms: int, doings: Doings) -> None:
        self._gateway = gateway
        self._county6 = county6
        self._now_ms = now_ms
        self._doings = doings

    async def make(self, round_: int) -> None:
        """Make every mistake once.

        Args:
            round_: Number of the round; what was begun in it is found again after a restart.

        Raises:
            EvidenceError: MISTAKE_ACCEPTED: something was recorded that must not be.
        """
        await self._wrong_division()
        await self._hasty_permit(round_)
        await self._notice_to_hong_kong(round_)

    async def _wrong_division(self) -> None:
        await self._try(
            self._draft(
                "RESIDENCE",
                "RegistrationDeclared",
                OfficeType.POLICE_STATION,
                {"division": f"{self._county6[:2]}9999000000", "notice_id": self._id(1), "declared_by": "APPLICANT"},
            )
        )

    async def _hasty_permit(self, round_: int) -> None:
        """A permit that is handed over unsigned, signed by the wrong office, signed twice, and sent again."""
        body = {
            "division": self._county6 + "000000",
            "notice_id": self._id(2),
            "applied_by": "APPLICANT",
            "registered_on": local_date(self._now_ms - 250 * DAY_MS),
            "ground": "STABLE_HOME",
        }
        accepted = self._draft("RESIDENCE_PERMIT", "ResidencePermitAccepted", OfficeType.POLICE_STATION, body)
        begun = await self._begin(accepted, f"mistake-permit-{round_}")
        issue = {"year_from": local_date(self._now_ms)}
        await self._try(
            self._draft("RESIDENCE_PERMIT", "ResidencePermitIssued", OfficeType.POLICE_STATION, issue, begun.stream_id)
        )
        official = {"official": self._id(4)}
        for office in (OfficeType.COMMUNITY_AGENCY, OfficeType.COUNTY_PSB_HOUSEHOLD):
            sign = self._draft("RESIDENCE_PERMIT", "ResidencePermitSigned", office, official, begun.stream_id)
            if office is OfficeType.COMMUNITY_AGENCY:
                await self._try(sign)
            else:
                await self._race(sign)
        await self._repeat(begun)

    async def _race(self, draft: Draft) -> None:
        """Two officials sign at the same moment: one is first, the other is told to load the matter again."""
        answers = [await self._gateway.rehearse(draft) for _ in range(2)]
        for sent in [await answer for answer in answers]:
            self._count(sent)

    async def _repeat(self, sent: SentEvent) -> None:
        """A batch and an event that are in the ledger already: both get their first receipt, nothing is recorded."""
        results = await self._gateway.send_batch_again(sent.event_id)
        mine = next(result for result in results if result.index == sent.index)
        if mine.outcome is not Outcome.ACCEPTED:
            raise EvidenceError("MISTAKE_ACCEPTED", "a repeated batch got another answer than the first time")
        again = await (await self._gateway.send_again(sent.event_id))
        self._count(again)
        if again.outcome is not Outcome.REPEATED or again.index != sent.index:
            raise EvidenceError("MISTAKE_ACCEPTED", f"a repeated event was {again.outcome} at {again.index}")

    async def _notice_to_hong_kong(self, round_: int) -> None:
        office = self._serving(OfficeType.COUNTY_PSB_HOUSEHOLD, f"{HONG_KONG}0000")
        prepared = self._draft(
            "RESIDENCE_NOTIFICATION",
            "ResidenceNoticePrepared",
            OfficeType.COUNTY_PSB_HOUSEHOLD,
            {"notice_id": self._id(3)},
            counterpart=office,
        )
        await self._try(prepared)

    async def _begin(self, draft: Draft, ref: str) -> SentEvent:
        """Record the right event that a wrong one follows."""
        sent = await (await self._gateway.send(replace(draft, ref=ref)))
        self._count(sent)
        if sent.index is None:
            raise EvidenceError("MISTAKE_ACCEPTED", f"{draft.event_type} was refused and is right")
        return sent

    async def _try(self, draft: Draft) -> None:
        """Try a wrong draft at the gateway, then against the exchange: both must refuse it.

        Raises:
            EvidenceError: MISTAKE_ACCEPTED.
        """
        try:
            await self._gateway.send(draft)
        except (RuleError, AccessError) as error:
            self._doings.refused_here[error.code] += 1
        else:
            raise EvidenceError("MISTAKE_ACCEPTED", f"the gateway sent a wrong {draft.event_type}")
        sent = await (await self._gateway.rehearse(draft))
        self._count(sent)
        if sent.outcome is not Outcome.REFUSED:
            raise EvidenceError("MISTAKE_ACCEPTED", f"the exchange recorded a wrong {draft.event_type}")

    def _count(self, sent: SentEvent) -> None:
        self._doings.sent[sent.outcome or ""] += 1
        if sent.refusal is not None:
            self._doings.refused_there[sent.refusal.code] += 1

    def _draft(
        self,
        procedure: str,
        event_type: str,
        office_type: OfficeType,
        body: Mapping[str, Any],
        stream_id: StreamId | None = None,
        counterpart: Office | None = None,
    ) -> Draft:
        return Draft(
            procedure=procedure,
            event_type=event_type,
            office=self._serving(office_type, self._county6).office,
            occurred_at=self._now_ms - DAY_MS,
            stream_id=stream_id,
            body=body,
            counterpart_region=None if counterpart is None else counterpart.region,
            counterpart_office=None if counterpart is None else counterpart.office,
        )

    def _serving(self, office_type: OfficeType, county6: str) -> Office:
        office = self._gateway.replica.directory.serving(office_type, county6)
        if office is None:
            raise FatalError("DEMO_FAILED", f"no {office_type} serves {county6} in the demonstration")
        return office

    def _id(self, number: int) -> bytes:
        return uuid7(unix_ms=self._now_ms, entropy=number.to_bytes(10, "big"))
