"""A region's keys beside what the directory says of them, and the file that asks for the next ones to be registered.

Not here: the files (`adapters.keys.rotation`), what the directory accepts (`hub.directory`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from adapters.compose.folder import DataFolder
from adapters.compose.key_ends import ends_soon
from adapters.compose.key_locks import key_lock
from adapters.compose.parts import KEYS, SystemClock, only_one
from adapters.compose.region_program import connected_gateway, gateway_at_rest
from adapters.compose.registration import Registration
from adapters.keys.key_file import relock
from adapters.keys.key_lock import KeyLock
from adapters.keys.rotation import NEXT, HeldKey, check_role, held_keys, switch
from adapters.settings import RegionSettings
from contracts.errors import AccessError
from contracts.ids import KeyId
from contracts.instant import local_day
from hub.directory import Directory

REGISTERED: Final = "registered"
UNKNOWN: Final = "not registered"
REVOKED: Final = "revoked"
REPLACED: Final = "replaced"


class Standing(NamedTuple):
    """A key and what the directory says of it.

    Attributes:
        held: The key.
        state: `registered`, `not registered`, `revoked`, or `replaced` for an earlier one of an office or point.
        until: Last day on which content is sealed to it, for the key that an office has now.
    """

    held: HeldKey
    state: str
    until: date | None

    def is_ending(self, today: date) -> bool:
        """Whether it is time to replace it."""
        return self.until is not None and ends_soon(self.until, today)


def keys_folder(folder: DataFolder, region: str) -> Path:
    """Where a region's keys are."""
    return folder.region(region) / KEYS


def standing_of(held: HeldKey, directory: Directory) -> Standing:
    """What a directory says of a key."""
    if held.purpose in ("office", "point"):
        is_point = held.purpose == "point"
        holder = directory.point(held.holder) if is_point else directory.office(held.holder)
        if holder is None or holder.key.key_id != held.key_id:
            was_used = holder is not None and held.which not in ("", NEXT)
            return Standing(held, REPLACED if was_used else UNKNOWN, None)
        until = None if is_point else holder.key.until
        return Standing(held, REGISTERED if holder.key.revoked_at is None else REVOKED, until)
    key = next((key for key in directory.signing_keys() if key.key_id == held.key_id), None)
    if key is None:
        return Standing(held, UNKNOWN, None)
    return Standing(held, REGISTERED if key.revoked_at is None else REVOKED, None)


async def region_keys(settings: RegionSettings) -> list[Standing]:
    """A region's keys beside the directory as the region knows it; it reaches for no hub."""
    async with gateway_at_rest(settings) as gateway:
        directory = gateway.replica.directory
        return [standing_of(held, directory) for held in held_keys(settings.data_dir / KEYS, key_lock())]


async def switch_key(settings: RegionSettings, role: str) -> HeldKey:
    """Use a role's next key from the next start on, if the directory has it by now.

    Raises:
        AccessError: KEY_UNKNOWN: it is not registered yet.
        ConflictError: FOLDER_IN_USE: the gateway runs.
        UnavailableError: KEY_MISSING: there is no next one.
    """
    check_role(role)
    folder, lock = settings.data_dir / KEYS, key_lock()
    async with connected_gateway(settings) as gateway:
        for held in held_keys(folder, lock):
            if (held.role, held.which) != (role, NEXT):
                continue
            if standing_of(held, gateway.replica.directory).state != REGISTERED:
                raise AccessError("KEY_UNKNOWN", f"the next key of {role} is not registered yet", field="key_id")
    return switch(folder, role, lock)


def request_for(region: str, held: Sequence[HeldKey]) -> Registration:
    """The registration of further keys of a region that is registered, for the hub's operator.

    Args:
        region: Whose.
        held: The keys.
    """
    signing = [one for one in held if one.purpose not in ("office", "point")]
    offices = [one for one in held if one.purpose == "office"]
    points = [one for one in held if one.purpose == "point"]
    return Registration(
        region=region,
        is_new=False,
        keys=[
            {"purpose": one.purpose, "producer": f"{region}-node", "public_key": one.public_raw.hex()}
            for one in signing
        ],
        office_keys=[{"office": one.holder, "public_key": one.public_raw.hex()} for one in offices],
        point_keys=[{"point": one.holder, "public_key": one.public_raw.hex()} for one in points],
    )


def lock_again(folder: Path, new: KeyLock | None) -> tuple[int, int]:
    """Encrypt every key file of a program's folder with another lock; done again after a stop, it goes on.

    Args:
        folder: Of the program: its keys lie in `keys`.
        new: The lock from now on; None leaves the files unencrypted.

    Returns:
        How many were written again, of how many.

    Raises:
        ConflictError: FOLDER_IN_USE: the program runs.
        ExchangeError: As `read_key`; files that were written again stay so.
    """
    with only_one(folder):
        old = key_lock()
        paths = sorted((folder / KEYS).glob("*.key"))
        return sum(relock(path, old, new) for path in paths), len(paths)


def today() -> date:
    """The day in Shanghai."""
    return local_day(SystemClock().now_ms())


def revocation_of(directory: Directory, key_id: KeyId, reason: str) -> tuple[str, dict[str, object]]:
    """The event that revokes a key: its type and its body.

    Raises:
        AccessError: KEY_UNKNOWN: it is neither a signing key nor one that an office has.
    """
    if any(key.key_id == key_id for key in directory.signing_keys()):
        return "KeyRevoked", {"key_id": key_id, "reason": reason}
    for office in directory.offices():
        if office.key.key_id == key_id:
            return "OfficeKeyRevoked", {"office": office.office, "key_id": key_id, "reason": reason}
    raise AccessError("KEY_UNKNOWN", f"no key {key_id.hex()} in use", field="key_id")
