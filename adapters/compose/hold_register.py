"""The register of protection holds of a region, for the verbs: who may change it, and what it says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from adapters.compose.folder import DataFolder
from adapters.compose.parts import REGION_FILE
from adapters.compose.region_program import gateway_at_rest
from adapters.region.database import RegionDatabase
from adapters.region.gateway import RegionGateway
from adapters.region.holds import HoldRegister, is_held_stream
from adapters.settings import RegionSettings
from contracts.errors import AccessError, RuleError
from contracts.ids import OfficeId
from contracts.safety_hold import load_hold_rules


@asynccontextmanager
async def hold_register(settings: RegionSettings, office: OfficeId | None) -> AsyncIterator[HoldRegister]:
    """The register of a region, beside a gateway that runs or does not.

    Args:
        settings: The region's.
        office: Who wants to change it; None only reads.

    Raises:
        RuleError: OFFICE_UNKNOWN. AccessError: HOLD_FORBIDDEN: an office of its kind or region sets no holds here.
        UnavailableError: STORE_MISSING, KEY_MISSING.
    """
    async with gateway_at_rest(settings) as gateway:
        if office is not None:
            _check_setter(gateway, settings.region, office)
        yield gateway.holds


def check_not_held(data: Path, stream_id: bytes) -> None:
    """Check that no region of a folder keeps back what is about a matter.

    Raises:
        RuleError: SAFETY_HOLD.
    """
    folder = DataFolder(data)
    for region in folder.regions():
        file = folder.region(region) / REGION_FILE
        if not file.exists():
            continue
        with closing(RegionDatabase(file)) as database:
            if is_held_stream(database, stream_id):
                raise RuleError("SAFETY_HOLD", "no history of this record is carried elsewhere", field="matter")


def _check_setter(gateway: RegionGateway, region: str, office: OfficeId) -> None:
    found = gateway.replica.directory.office(office)
    if found is None or found.is_closed:
        raise RuleError("OFFICE_UNKNOWN", f"the directory has no open office {office}", field="office")
    if found.region != region or found.office_type not in load_hold_rules().set_by:
        raise AccessError("HOLD_FORBIDDEN", f"{office} sets no protection holds in region {region}", field="office")
