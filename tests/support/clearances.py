"""Openings without an open task for tests: an office asks, two others approve, the office opens. Pure of pytest.

clearance = ClearanceMaker(world, "EMERGENCY", asker, sent.header)
await hub.submit([clearance.asked(first, second), clearance.approved(first), clearance.approved(second)])
opened = await hub.client.open_payload(clearance.request())
clearance.follow(opened.access_event)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from contracts.event import Header, SealedRef, decode_event, leaf_hash
from contracts.ids import Hash
from contracts.opening import load_opening_rules, reason_commitment
from contracts.signing import sign
from hub.awaited import holders_of
from hub.directory import Directory
from hub.matter import unpack
from hub.openings import OpenRequest
from hub.ports import LedgerReader
from tests.support.batches import Made
from tests.support.matters import MatterMaker, correction
from tests.support.order_matters import about, order
from tests.support.world import World, WorldOffice

_SAID: Final[Mapping[str, Mapping[str, str]]] = {
    "EMERGENCY": {"provision": "LB_PIPL_13_4", "ground": "LIFE"},
    "SEALED_QUERY": {"provision": "LB_CPL_286", "ground": "CASE_HANDLING"},
}


class ClearanceMaker(MatterMaker):
    """One clearance, as the gateways of those who take part in it make its events.

    Args:
        world: Offices, time, ids.
        reason: `EMERGENCY` or `SEALED_QUERY`.
        asker: Who wants to read.
        header: The event whose payload it is.
        ref: Which payload; the first one if None.
    """

    def __init__(
        self, world: World, reason: str, asker: WorldOffice, header: Header, ref: SealedRef | None = None
    ) -> None:
        super().__init__(world, load_opening_rules().clearances[reason].procedure)
        self.reason = reason
        self.asker = asker
        self.opened = header
        self.ref = ref or header.sealed[0]

    def asked(self, *approvers: WorldOffice, **changes: Any) -> Made:
        """The office asks two others."""
        body = {
            "opened_event": self.opened.event_id,
            "ciphertext_hash": self.ref.ciphertext_hash,
            "approvers": [office.office for office in approvers],
            "official": self.world.fresh_id(),
            **_SAID[self.reason],
        }
        return self.event("OpeningAsked", self.asker, body | changes)

    def approved(self, office: WorldOffice, **changes: Any) -> Made:
        """One of them approves."""
        return self.event("OpeningApproved", office, {"official": self.world.fresh_id()}, **changes)

    def cleared(self, first: WorldOffice, second: WorldOffice) -> list[Made]:
        """Asked, and approved by both."""
        return [self.asked(first, second), self.approved(first), self.approved(second)]

    def request(self, *, signer: str | None = None, role: str = "REGISTRAR", **changes: Any) -> OpenRequest:
        """The signed request to open under it."""
        world = self.world
        gateway = world.gateways[signer or self.asker.region]
        unsigned = OpenRequest(
            request_id=world.fresh_id(),
            event_id=self.opened.event_id,
            ciphertext_hash=self.ref.ciphertext_hash,
            office=self.asker.office,
            officer=world.fresh_id(),
            role=role,
            purpose=self.procedure.purpose,
            reason=self.reason,
            reason_commitment=reason_commitment(key=world.entropy.draw(32), text="样例理由"),
            approval=world.entropy.draw(32),
            created_ms=world.clock.now_ms(),
            producer=gateway.producer,
            key_id=gateway.key_id("open"),
            signature=bytes(64),
            clearance=self.stream_id,
        )
        changed = replace(unsigned, **changes)
        return replace(changed, signature=sign(gateway.keys["open"], changed.tbs()))

    def follow(self, event: bytes) -> None:
        """Go on after an event that the hub made in this matter."""
        self.next_seq, self.head = decode_event(event).stream_seq + 1, Hash(leaf_hash(event))


def declined_clearance(world: World, reason: str) -> list[Made]:
    """A case whose file was sent, and a clearance for it that one office approves and another one declines."""
    record = correction(world, "44", "43")
    asked = next(made for made in record if made.header.sealed)
    clearance = ClearanceMaker(world, reason, world.office("43", "COUNTY_CORRECTION"), asked.header)
    first, second = world.office("43", "JUDICIAL_OFFICE"), world.office("44", "COUNTY_PSB")
    return [
        *record,
        clearance.asked(first, second),
        clearance.approved(first),
        clearance.event("OpeningDeclined", second, {"official": world.fresh_id()}),
    ]


def sealing(world: World, reader: LedgerReader, directory: Directory, target: bytes, what: str = "SEAL") -> Made:
    """A court's order to seal a recorded matter, or to unseal it: to everybody who holds something of it."""
    matter = unpack(reader.matters([target])[target])
    names = holders_of(matter, world.rules.procedures[matter.procedure, matter.edition], directory) or ()
    holders = [office for office in world.offices() if office.office in names]
    made, court = MatterMaker(world, "SEAL_ORDER"), world.office("43", "COURT")
    body = about(target, holders) | {"official": world.fresh_id()}
    event = {"SEAL": "SealOrdered", "UNSEAL": "UnsealOrdered"}[what]
    to = [holder for holder in holders if holder != court]
    return made.event(event, court, body, sealed=order(made, to, target, what))
