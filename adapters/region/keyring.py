"""The private keys of one region's gateway, as values; how they come from disk is the keys' own adapter.

One key serves one purpose: batches, opening requests, receipts for deliveries; one X25519 key an office, one a county
point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from contracts import signing
from contracts.errors import AccessError
from contracts.ids import KeyId, OfficeId, PointId
from contracts.suite import SealingPrivateKey, public_of


@dataclass(frozen=True, slots=True, repr=False)
class SigningIdentity:
    """A signing key with the id under which the directory knows it.

    Attributes:
        private: Ed25519.
        key_id: See `contracts.signing.key_id`.
        public_raw: 32 bytes.
    """

    private: Ed25519PrivateKey
    key_id: KeyId
    public_raw: bytes

    @classmethod
    def of(cls, purpose: str, private: Ed25519PrivateKey) -> Self:
        """The identity of a key under one purpose."""
        raw = private.public_key().public_bytes_raw()
        return cls(private, signing.key_id(purpose, raw), raw)

    def sign(self, tbs: bytes) -> bytes:
        """Sign bytes that begin with a label of ours."""
        return signing.sign(self.private, tbs)


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """Everything a gateway signs and opens with.

    Attributes:
        batch: Signs batches of events.
        opening: Signs requests to open a payload.
        receipt: Signs receipts for deliveries.
        offices: Opens what was sealed to an office.
        points: Opens case runs that were sealed to a delivery point.
        more_offices: Further keys of offices: what was sealed to an earlier one is opened with that one.
        more_points: Further keys of points.
        holds: Secret of the register of protection holds, 32 bytes; None where there is no register.
    """

    batch: SigningIdentity
    opening: SigningIdentity
    receipt: SigningIdentity
    offices: Mapping[OfficeId, SealingPrivateKey]
    points: Mapping[PointId, X25519PrivateKey]
    more_offices: Mapping[OfficeId, tuple[SealingPrivateKey, ...]] = field(default_factory=dict)
    more_points: Mapping[PointId, tuple[X25519PrivateKey, ...]] = field(default_factory=dict)
    holds: bytes | None = None

    def office(self, office: OfficeId) -> SealingPrivateKey:
        """The key of an office of this region.

        Raises:
            AccessError: OPEN_FORBIDDEN: this gateway holds no key of that office.
        """
        key = self.offices.get(office)
        if key is None:
            raise AccessError("OPEN_FORBIDDEN", "this gateway holds no key of that office", field="office")
        return key

    def opening_of(self, office: OfficeId, key_id: KeyId) -> SealingPrivateKey:
        """The key of an office that a content key was wrapped to.

        Returns:
            The one with this id, of those that the office has or had; else its first one, which will open nothing.

        Raises:
            AccessError: OPEN_FORBIDDEN: this gateway holds no key of that office.
        """
        first = self.office(office)
        held = (first, *self.more_offices.get(office, ()))
        return next((key for key in held if signing.key_id("office", public_of(key)) == key_id), first)

    def point_keys(self) -> dict[tuple[PointId, KeyId], X25519PrivateKey]:
        """Every key of every point, by point and id."""
        held = [*self.points.items(), *((point, key) for point, keys in self.more_points.items() for key in keys)]
        return {(point, signing.key_id("point", key.public_key().public_bytes_raw())): key for point, key in held}
