"""One matter of every procedure, for tests that want something of everything. Pure of pytest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tests.support.batches import Made
from tests.support.case_matters import minor_return, rehabilitation, resettlement
from tests.support.clearances import declined_clearance
from tests.support.household_matters import household_move
from tests.support.matters import correction, notification, permit, residence
from tests.support.order_matters import erasure_order, retention_confirmation, rights_request, seal_order
from tests.support.permit_matters import lodging, settlement, tenancy, work_permit
from tests.support.world import World

MAKERS: Final[Mapping[str, Callable[[World], list[Made]]]] = {
    "RESIDENCE": lambda world: residence(world, "44"),
    "RESIDENCE_NOTIFICATION": notification,
    "RESIDENCE_PERMIT": permit,
    "CORRECTION_TRANSFER": correction,
    "RESETTLEMENT_HANDOVER": resettlement,
    "REHAB_HANDOVER": rehabilitation,
    "MINOR_RETURN": minor_return,
    "TENANCY_FILING": tenancy,
    "FOREIGN_LODGING": lodging,
    "HOUSEHOLD_MOVE": household_move,
    "WORK_PERMIT": work_permit,
    "POINTS_SETTLEMENT": settlement,
    "RIGHTS_REQUEST": rights_request,
    "SEAL_ORDER": seal_order,
    "ERASURE_ORDER": erasure_order,
    "RETENTION_CONFIRMATION": retention_confirmation,
    "EMERGENCY_OPENING": lambda world: declined_clearance(world, "EMERGENCY"),
    "SEALED_QUERY": lambda world: declined_clearance(world, "SEALED_QUERY"),
}
"""Makes a whole matter of each procedure that offices carry out, by procedure; an order with the matter before it.
A clearance is declined: its reading is no event of an office."""


def one_of_each(world: World) -> dict[str, list[Made]]:
    """A whole matter of each procedure."""
    return {procedure: make(world) for procedure, make in MAKERS.items()}
