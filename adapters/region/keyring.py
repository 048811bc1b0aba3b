"""The private keys of one region's gateway, as values; how they come from disk is the keys' own adapter.

One key serves one purpose: batches, opening requests, receipts for deliveries; one X25519 key an office, one a county
point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from contracts import signing
from contracts.errors import AccessError
from contracts.ids import KeyId, OfficeId, PointId
from contracts.suite import SealingPrivateKey


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
    """

    batch: SigningIdentity
    opening: SigningIdentity
    receipt: SigningIdentity
    offices: Mapping[OfficeId, SealingPrivateKey]
    points: Mapping[PointId, X25519PrivateKey]

    def office(self, office: OfficeId) -> SealingPrivateKey:
        """The key of an office of this region.

        Raises:
            AccessError: OPEN_FORBIDDEN: this gateway holds no key of that office.
        """
        key = self.offices.get(office)
        if key is None:
            raise AccessError("OPEN_FORBIDDEN", "this gateway holds no key of that office", field="office")
        return key
