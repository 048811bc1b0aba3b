"""Matters of HOUSEHOLD_MOVE for tests. Pure of pytest."""

from __future__ import annotations

from typing import Any

from tests.support.batches import Made
from tests.support.matters import MatterMaker, Sealed, synthetic_person
from tests.support.world import World


class HouseholdMove:
    """Makes the steps of one household move, each by the office that may, sealed to whom it tells.

    Args:
        world: Offices, time, ids.
        destination: Region where the household moves.
        origin: Region where it is registered.
    """

    def __init__(self, world: World, destination: str = "44", origin: str = "45") -> None:
        self.world = world
        self.maker = MatterMaker(world, "HOUSEHOLD_MOVE")
        self.police = world.office(destination, "POLICE_STATION")
        self.household = world.office(destination, "COUNTY_PSB_HOUSEHOLD")
        self.origin = world.office(origin, "POLICE_STATION")
        self._people = [synthetic_person(world, origin) for _ in range(2)]

    def apply(self) -> Made:
        """The application."""
        world = self.world
        body = {
            "division": world.division(self.police.region),
            "notice_id": world.fresh_id(),
            "ground": "FAMILY_JOIN",
            "members_listed": True,
        }
        return self.maker.event("HouseholdMoveApplied", self.police, body, counterpart=self.origin)

    def admit(self) -> Made:
        """The admission."""
        return self.maker.event(
            "AdmissionCertificateIssued",
            self.household,
            {"official": self.world.fresh_id()},
            sealed=[self._admission()],
        )

    def verify(self) -> Made:
        """The origin finds the record."""
        body = {"record_found": True, "other_admission_open": False}
        return self.maker.event("OriginRecordVerified", self.origin, body, sealed=[self._found("VERIFIED")])

    def object(self) -> Made:
        """The origin objects."""
        sealed = [self._found("OBJECTED", reason="RECORD_NOT_FOUND")]
        return self.maker.event("OriginObjected", self.origin, {"reason": "RECORD_NOT_FOUND"}, sealed=sealed)

    def amend(self) -> Made:
        """The destination amends the admission."""
        body = {"official": self.world.fresh_id()}
        return self.maker.event("HouseholdMoveAmended", self.household, body, sealed=[self._admission()])

    def move_out(self) -> Made:
        """The origin issues the move-out certificate and marks its record."""
        expires_on = self.maker.day(30)
        sealed = [self._found("MOVE_OUT_ISSUED", certificate_number="样例-2", certificate_expires_on=expires_on)]
        body = {"record_marked": True, "record_cancelled": False}
        return self.maker.event("MoveOutCertificateIssued", self.origin, body, sealed=sealed)

    def settle(self) -> Made:
        """The destination registers the household."""
        county = self.world.counties[self.police.region]
        content = {"stream_id": self.maker.stream_id, "date": self.maker.day(), "county": county}
        sealed = [Sealed("NP-HM-SETTLED", (self.origin,), content)]
        return self.maker.event("HouseholdSettled", self.police, {"only_registration": True}, sealed=sealed)

    def close_origin(self) -> Made:
        """The origin cancels its record."""
        return self.maker.event("OriginRecordCancelled", self.origin)

    def withdraw(self) -> Made:
        """The applicant withdraws after the admission."""
        return self.maker.event("HouseholdMoveWithdrawn", self.police, sealed=[self._admission()])

    def restrict(self) -> Made:
        """The rights desk stops the matter."""
        body = {"request": self.world.fresh_id(), "official": self.world.fresh_id()}
        desk = self.world.office(self.police.region, "RIGHTS_DESK")
        return self.maker.event("MatterRestricted", desk, body, purpose="RIGHTS", legal_basis="LB-PIPL-47")

    def _admission(self) -> Sealed:
        content = {
            "members": [{"identity": person, "sex": "9"} for person in self._people],
            "origin_address": self.world.division(self.origin.region),
            "household_number": "样例户1号",
            "ground": "FAMILY_JOIN",
            "certificate_number": "样例-1",
            "certificate_expires_on": self.maker.day(40),
        }
        return Sealed("NP-HM-ADMIT", (self.origin,), content)

    def _found(self, result: str, **more: Any) -> Sealed:
        content = {
            "stream_id": self.maker.stream_id,
            "result": result,
            "certificate_number": None,
            "certificate_expires_on": None,
            "reason": None,
        }
        return Sealed("NP-HM-ORIGIN", (self.police,), content | more)


def household_move(world: World, destination: str = "44", origin: str = "45") -> list[Made]:
    """A household move from the application to the cancellation at the origin, with an objection on the way."""
    move = HouseholdMove(world, destination, origin)
    admitted = [move.apply(), move.admit(), move.object(), move.amend()]
    return [*admitted, move.verify(), move.move_out(), move.settle(), move.close_origin()]
