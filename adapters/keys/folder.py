"""The keys of a hub and of a region, by name in one folder each.

    hub:     log.key (checkpoints), hub-events.key (the hub's own batches)
    relay:   broker.key (who it is on the broker)
    region:  batch.key, open.key, receipt.key, broker.key (Ed25519); office-<office>.key, point-<point>.key (X25519);
             holds.key, a secret that signs nothing: it keys the register of protection holds
    witness: cosign.key, validated.key (Ed25519 or ML-DSA-44)

One key serves one purpose. A region's key is replaced in steps (`adapters.keys.rotation`): beside `<role>.key` there
may stand `<role>.next.key`, made and not yet used, and `<role>.<key id>.key`, used before. All of an office's and a
point's open what was sealed to them; only the first signs. Not here: what a key is registered for, which is the
directory's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters.keys.key_file import (
    make_folder,
    read_cosigning_key,
    read_opening_key,
    read_sealing_key,
    read_signing_key,
    write_key,
)
from adapters.keys.key_lock import KeyLock
from adapters.keys.rotation import NEXT
from contracts.ids import OfficeId, PointId
from contracts.suite import X25519, SealingPrivateKey, new_sealing_key

BROKER_KEY: Final = "broker.key"
"""Name of the key that says to the broker who a program is."""
HOLD_KEY: Final = "holds.key"
"""Name of the secret of a region's register of protection holds."""

K = TypeVar("K")

_OFFICE: Final = "office-"
_POINT: Final = "point-"
_SUFFIX: Final = ".key"


@dataclass(frozen=True, slots=True, repr=False)
class HubKeys:
    """What the hub signs with.

    Attributes:
        log: Signs checkpoints and nothing else.
        events: Signs the hub's own batches and nothing else.
        next_log: The key that takes the place of `log`, once it is made.
        next_events: The key that takes the place of `events`, once it is made.
    """

    log: Ed25519PrivateKey
    events: Ed25519PrivateKey
    next_log: Ed25519PrivateKey | None = None
    next_events: Ed25519PrivateKey | None = None


@dataclass(frozen=True, slots=True, repr=False)
class WitnessKeys:
    """What a witness cosigns with.

    Attributes:
        cosign: Says that a ledger only grew, and nothing else.
        validated: Says that every entry follows too, and nothing else.
    """

    cosign: Ed25519PrivateKey | MLDSA44PrivateKey
    validated: Ed25519PrivateKey | MLDSA44PrivateKey


@dataclass(frozen=True, slots=True, repr=False)
class RegionKeys:
    """What a region's gateway signs and opens with.

    Attributes:
        batch: Signs batches of events.
        opening: Signs requests to open a payload.
        receipt: Signs receipts for deliveries.
        broker: Says to the broker who the region is.
        offices: Opens what was sealed to an office.
        points: Opens case runs that were sealed to a delivery point.
        more_offices: Further keys of offices, earlier ones and next ones.
        more_points: Further keys of points.
    """

    batch: Ed25519PrivateKey
    opening: Ed25519PrivateKey
    receipt: Ed25519PrivateKey
    broker: Ed25519PrivateKey
    offices: Mapping[OfficeId, SealingPrivateKey]
    points: Mapping[PointId, X25519PrivateKey]
    more_offices: Mapping[OfficeId, tuple[SealingPrivateKey, ...]] = field(default_factory=dict)
    more_points: Mapping[PointId, tuple[X25519PrivateKey, ...]] = field(default_factory=dict)


def make_hub_keys(folder: Path, lock: KeyLock | None = None) -> HubKeys:
    """Generate and keep the keys of a new hub; raises as `write_key`."""
    keys = HubKeys(log=Ed25519PrivateKey.generate(), events=Ed25519PrivateKey.generate())
    make_folder(folder)
    write_key(folder / "log.key", keys.log, lock)
    write_key(folder / "hub-events.key", keys.events, lock)
    return keys


def read_hub_keys(folder: Path, lock: KeyLock | None = None) -> HubKeys:
    """Read the keys of a hub; raises as `read_key`."""

    def coming(role: str) -> Ed25519PrivateKey | None:
        path = folder / f"{role}.{NEXT}{_SUFFIX}"
        return read_signing_key(path, lock) if path.exists() else None

    return HubKeys(
        log=read_signing_key(folder / "log.key", lock),
        events=read_signing_key(folder / "hub-events.key", lock),
        next_log=coming("log"),
        next_events=coming("hub-events"),
    )


def read_log_keys(folder: Path, lock: KeyLock | None = None) -> list[Ed25519PrivateKey]:
    """Read every key of a hub that signs or signed checkpoints, as far as they are kept; raises as `read_key`."""
    return [read_signing_key(path, lock) for path in sorted(folder.glob(f"log*{_SUFFIX}"))]


def make_anchor_keys(folder: Path, lock: KeyLock | None = None) -> None:
    """Generate and keep the two keys of who anchors ledgers; raises as `write_key`."""
    make_folder(folder)
    write_key(folder / "anchor-ml-dsa-44.key", MLDSA44PrivateKey.generate(), lock)
    write_key(folder / "anchor.key", Ed25519PrivateKey.generate(), lock)


def read_anchor_keys(
    folder: Path, lock: KeyLock | None = None
) -> tuple[Ed25519PrivateKey | MLDSA44PrivateKey, Ed25519PrivateKey | MLDSA44PrivateKey]:
    """Read the two keys of who anchors ledgers, Ed25519 and ML-DSA-44; raises as `read_key`."""
    names = ("anchor.key", "anchor-ml-dsa-44.key")
    first, second = (read_cosigning_key(folder / name, lock) for name in names)
    return first, second


def make_witness_keys(folder: Path, *, is_ml_dsa: bool, lock: KeyLock | None = None) -> WitnessKeys:
    """Generate and keep the keys of a new witness, ML-DSA-44 or Ed25519; raises as `write_key`."""
    generate = MLDSA44PrivateKey.generate if is_ml_dsa else Ed25519PrivateKey.generate
    keys = WitnessKeys(cosign=generate(), validated=generate())
    make_folder(folder)
    write_key(folder / "cosign.key", keys.cosign, lock)
    write_key(folder / "validated.key", keys.validated, lock)
    return keys


def read_witness_keys(folder: Path, lock: KeyLock | None = None) -> WitnessKeys:
    """Read the keys of a witness; raises as `read_key`."""
    return WitnessKeys(
        cosign=read_cosigning_key(folder / "cosign.key", lock),
        validated=read_cosigning_key(folder / "validated.key", lock),
    )


def make_region_keys(
    folder: Path,
    *,
    offices: Iterable[OfficeId],
    points: Iterable[PointId],
    suite: str = X25519,
    lock: KeyLock | None = None,
) -> RegionKeys:
    """Generate and keep the keys of a new region, its offices' of a suite; raises as `write_key`, and SUITE_UNKNOWN."""
    keys = RegionKeys(
        batch=Ed25519PrivateKey.generate(),
        opening=Ed25519PrivateKey.generate(),
        receipt=Ed25519PrivateKey.generate(),
        broker=Ed25519PrivateKey.generate(),
        offices={office: new_sealing_key(suite) for office in offices},
        points={point: X25519PrivateKey.generate() for point in points},
    )
    make_folder(folder)
    write_key(folder / "batch.key", keys.batch, lock)
    write_key(folder / "open.key", keys.opening, lock)
    write_key(folder / "receipt.key", keys.receipt, lock)
    write_key(folder / BROKER_KEY, keys.broker, lock)
    for office, key in keys.offices.items():
        write_key(folder / f"{_OFFICE}{office}{_SUFFIX}", key, lock)
    for point, opening in keys.points.items():
        write_key(folder / f"{_POINT}{point}{_SUFFIX}", opening, lock)
    return keys


def read_region_keys(folder: Path, lock: KeyLock | None = None) -> RegionKeys:
    """Read all keys of a region; raises as `read_key`."""
    offices = {name: read_sealing_key(path, lock) for name, path in _named(folder, _OFFICE).items()}
    points = {name: read_opening_key(path, lock) for name, path in _named(folder, _POINT).items()}
    return RegionKeys(
        batch=read_signing_key(folder / "batch.key", lock),
        opening=read_signing_key(folder / "open.key", lock),
        receipt=read_signing_key(folder / "receipt.key", lock),
        broker=read_signing_key(folder / BROKER_KEY, lock),
        offices={OfficeId(name): key for name, key in offices.items() if "." not in name},
        points={PointId(name): key for name, key in points.items() if "." not in name},
        more_offices={OfficeId(name): keys for name, keys in _further(offices).items()},
        more_points={PointId(name): keys for name, keys in _further(points).items()},
    )


def read_broker_key(folder: Path, lock: KeyLock | None = None) -> Ed25519PrivateKey:
    """The key with which a program logs in to the broker; raises as `read_key`."""
    return read_signing_key(folder / BROKER_KEY, lock)


def make_broker_key(folder: Path, lock: KeyLock | None = None) -> Ed25519PrivateKey:
    """The key with which a relay logs in to the broker, made where there is none; raises as `write_key`."""
    path = folder / BROKER_KEY
    if not path.exists():
        make_folder(folder)
        write_key(path, Ed25519PrivateKey.generate(), lock)
    return read_signing_key(path, lock)


def make_hold_key(folder: Path, lock: KeyLock | None = None) -> bytes:
    """The 32 secret bytes that key a region's register of protection holds, made where there are none.

    Raises as `write_key`.
    """
    path = folder / HOLD_KEY
    if not path.exists():
        make_folder(folder)
        write_key(path, Ed25519PrivateKey.generate(), lock)
    return read_signing_key(path, lock).private_bytes_raw()


def _named(folder: Path, prefix: str) -> dict[str, Path]:
    """Key files by what stands between prefix and suffix: a name, and for further keys a dot and which one."""
    paths = sorted(folder.glob(f"{prefix}*{_SUFFIX}"))
    return {path.name.removeprefix(prefix).removesuffix(_SUFFIX): path for path in paths}


def _further(keys: Mapping[str, K]) -> dict[str, tuple[K, ...]]:
    """Further keys by name."""
    found: dict[str, tuple[K, ...]] = {}
    for name, key in keys.items():
        if "." in name:
            holder = name.partition(".")[0]
            found[holder] = (*found.get(holder, ()), key)
    return found
