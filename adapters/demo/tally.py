"""What happened, read back from the ledger and nothing else: flows, outcomes, deliveries, openings, refusals, duties.

The flows are a count of synthetic matters drawn from an estimate; they are shown to be recognised, never to be quoted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.store.ledger_store import LedgerStore
from contracts.deadline import Kind
from contracts.event import Header, decode_event
from contracts.ids import HUB_REGION, LeafIndex
from contracts.procedure import load_procedures
from contracts.schema import load_registry
from hub.matter import duty_due, unpack
from ledger.entry import BatchEntry, EventEntry, decode_entry

_OFFICIALS_NO: Final = {
    "RegistrationRejected": "registration rejected",
    "ResidencePermitRefused": "permit refused",
    "ResidencePermitSupplementRequested": "papers asked for",
    "ResidenceNoticeDisputed": "notice disputed",
    "ResidenceNoticeWithdrawn": "notice withdrawn",
    "ResidenceNoticeReissued": "notice sent again",
    "ResidenceNoticeSuppressed": "notice suppressed",
    "RegistrationCorrected": "registration corrected",
    "HouseholdMoveSupplementRequested": "papers asked for",
    "HouseholdMoveRefused": "household move refused",
    "HouseholdMoveWithdrawn": "household move withdrawn",
    "HouseholdMoveAmended": "admission amended",
    "OriginObjected": "origin objected",
    "WorkPermitReturned": "papers asked for",
    "WorkPermitRefused": "work permit refused",
    "WorkPermitExtensionRefused": "extension refused",
    "WorkPermitRevoked": "work permit revoked",
    "SettlementWithdrawn": "settlement withdrawn",
    "CoordinationRequested": "coordination asked for",
    "NotReported": "did not report",
    "CaseReturned": "case returned",
    "TransferWithdrawn": "transfer withdrawn",
    "HomeReferred": "lives elsewhere",
    "HomeNotKnown": "not known at home",
    "AssistanceDeclined": "assistance declined",
    "MatterRestricted": "matter restricted",
    "RightsRequestWithdrawn": "request withdrawn",
    "SealApplied": "seal applied by a holder",
    "PayloadErased": "erasure confirmed by a holder",
    "RightsExecuted": "request carried out by a holder",
}
"""Events in which an official, or a person, says no or sets something right."""
_OFFICE_CLASSES: Final = ("std", "cas", "rgt")
"""Classes of events that offices make in matters."""


@dataclass(slots=True)
class Tally:
    """The numbers of one demonstration.

    Attributes:
        entries: Entries of the ledger.
        batches: Batch entries among them.
        events: Events by type.
        matters: Matters by procedure.
        ended: Matters whose state is final, by (procedure, state).
        open: The others, by (procedure, state).
        flows: Notices by (origin, destination).
        delivered: Notifications by region.
        opened: Openings by region.
        sealed: Payloads that were sealed and recorded.
        held: Payloads that are still held; of the others the events remain.
        time: What time itself did, by event.
        officials: What officials said no to or set right.
        refused: Events that the hub refused, by code.
        overdue: Open duties whose time has run out, by (region, rule).
        missed: `DeadlineMissed` events by rule.
    """

    entries: int = 0
    batches: int = 0
    events: Counter[str] = field(default_factory=Counter)
    matters: Counter[str] = field(default_factory=Counter)
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    open: Counter[tuple[str, str]] = field(default_factory=Counter)
    flows: Counter[tuple[str, str]] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    opened: Counter[str] = field(default_factory=Counter)
    sealed: int = 0
    held: int = 0
    time: Counter[str] = field(default_factory=Counter)
    officials: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    overdue: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "entries": self.entries,
            "batches": self.batches,
            "events": dict(self.events),
            "matters": dict(self.matters),
            "ended": [{"procedure": p, "state": s, "matters": n} for (p, s), n in sorted(self.ended.items())],
            "open": [{"procedure": p, "state": s, "matters": n} for (p, s), n in sorted(self.open.items())],
            "flows": [{"origin": o, "destination": d, "notices": n} for (o, d), n in sorted(self.flows.items())],
            "delivered": dict(self.delivered),
            "opened": dict(self.opened),
            "payloads": {"sealed": self.sealed, "held": self.held, "erased": self.sealed - self.held},
            "time": dict(self.time),
            "officials": dict(self.officials),
            "refused": dict(self.refused),
            "overdue": [{"region": r, "rule": rule, "open": n} for (r, rule), n in sorted(self.overdue.items())],
            "missed": dict(self.missed),
        }


def tally_of(store: LedgerStore, *, now_ms: int) -> Tally:
    """Count what a ledger holds.

    Args:
        store: Opened to be read.
        now_ms: When duties are judged.
    """
    tally = Tally(entries=store.size())
    _Count(tally).entries(store)
    for point, (n, _) in store.heads().items():
        tally.delivered[point[:2]] += n
    tally.held = store.payload_count()
    _count_matters(tally, store, now_ms)
    return tally


class _Count:
    """Counts entries in order."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._registry = load_registry()
        self._region_of: dict[str, str] = {}
        self._origin_of: dict[bytes, str] = {}

    def entries(self, store: LedgerStore) -> None:
        """Count every entry of a ledger."""
        for data in store.entries(LeafIndex(0), LeafIndex(store.size())):
            entry = decode_entry(data)
            if isinstance(entry, BatchEntry):
                self._tally.batches += 1
                self._tally.refused.update(refused.code for refused in entry.refused)
            elif isinstance(entry, EventEntry):
                self._event(decode_event(entry.event))

    def _event(self, header: Header) -> None:
        tally, kind = self._tally, header.event_type
        tally.events[kind] += 1
        tally.sealed += len(header.sealed)
        if header.event_class in _OFFICE_CLASSES:
            if header.stream_seq == 0:
                tally.matters[header.procedure] += 1
            if header.producer_region == HUB_REGION:
                tally.time[kind] += 1
        if header.procedure == "RESIDENCE_NOTIFICATION" and header.counterpart_region is not None:
            self._origin_of[header.stream_id] = header.counterpart_region
        if kind in _OFFICIALS_NO:
            tally.officials[_OFFICIALS_NO[kind]] += 1
        match kind:
            case "OfficeRegistered":
                body = self._body(header)
                self._region_of[body["office"]] = body["region"]
            case "ResidenceNoticeSent":
                tally.flows[self._origin_of[header.stream_id], header.producer_region] += 1
            case "AccessRecorded":
                tally.opened[self._region_of[self._body(header)["office"]]] += 1
            case "DeadlineMissed":
                tally.missed[self._body(header)["rule"]] += 1
            case "RightsDecided" if self._body(header)["outcome"] == "REFUSED":
                tally.officials["request refused"] += 1
            case "TransferDecided" if self._body(header)["decision"] == "STAY":
                tally.officials["stays, with reasons"] += 1

    def _body(self, header: Header) -> Mapping[str, Any]:
        return self._registry.decode_body(header.body)[1]


def _count_matters(tally: Tally, store: LedgerStore, now_ms: int) -> None:
    """Count how matters stand, and which duties are past due."""
    procedures = load_procedures()
    for _, packed in store.all_matters():
        matter = unpack(packed)
        procedure = procedures[matter.procedure, matter.edition]
        if procedure.event_class in _OFFICE_CLASSES:
            counts = tally.ended if procedure.states[matter.state].is_final else tally.open
            counts[matter.procedure, matter.state] += 1
        for duty in matter.duties:
            region = dict(matter.regions).get(duty.side, matter.opened_region)
            due = duty_due(procedure, duty, region)
            if due.kind is Kind.DUTY and due.due_ms <= now_ms:
                tally.overdue[region, duty.rule] += 1
