"""Every public key of the directory: `KeyRegister`. One key serves one purpose and one holder, for ever.

Signing keys are kept and found here by id, revoked ones too. Keys to which something is sealed stand with their office
or point; here it is only known that they are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from contracts.errors import AccessError, ContractError
from contracts.event import Header
from contracts.ids import KeyId, LeafIndex, StreamId
from contracts.signing import check_public_key, key_id
from contracts.suite import HYBRID, X25519, suite_of
from hub.directory_errors import other_stream, taken
from hub.directory_values import AgreementKey, Point, SigningKey


class KeyRegister:
    """Public keys. Mutable; its directory's."""

    __slots__ = ("_public", "_signing", "_streams")

    def __init__(self) -> None:
        self._signing: dict[KeyId, SigningKey] = {}
        self._streams: dict[KeyId, StreamId] = {}
        self._public: set[bytes] = set()

    def find(self, key_id: KeyId) -> SigningKey | None:
        """The signing key with this id, revoked ones too."""
        return self._signing.get(key_id)

    def signing_keys(self) -> Iterator[SigningKey]:
        """All signing keys in the order of registration, revoked ones too."""
        return iter(self._signing.values())

    def stream_of(self, key_id: KeyId) -> StreamId | None:
        """The stream of a signing key."""
        return self._streams.get(key_id)

    def valid(self, purpose: str, key_id: KeyId, at: LeafIndex) -> SigningKey:
        """The key of a purpose that signs what is recorded at an index.

        Raises:
            AccessError: KEY_UNKNOWN or KEY_REVOKED.
        """
        return self.valid_at(self._signing.get(key_id), key_id, purpose, at)

    def agreement(self, purpose: str, body: Mapping[str, Any], since_ms: int) -> AgreementKey:
        """Check a new key to which something will be sealed; `take` it when everything else is checked.

        Raises:
            ContractError: KEY_UNSAFE, BODY_FIELD. ConflictError: DIRECTORY_TAKEN.
        """
        suite, more = body.get("suite", X25519), body.get("mlkem_key")
        if (suite == HYBRID) is not (more is not None):
            raise ContractError("BODY_FIELD", f"mlkem_key belongs to a key of {HYBRID} and to no other", field="suite")
        public = (more or b"") + body["public_key"]
        suite_of(suite).check_public(public)
        if body["public_key"] in self._public:
            raise taken("key", body["key_id"].hex())
        return AgreementKey(self._new(purpose, body, public), public, since_ms, suite=suite)

    def take(self, key: AgreementKey) -> None:
        """Remember that a key has its holder."""
        self._public.update((key.public_key, key.public_key[-32:]))

    def register(self, body: Mapping[str, Any], producer: Point, header: Header, index: LeafIndex) -> None:
        """Enter the signing key of a `KeyRegistered`.

        Raises:
            ContractError: KEY_UNSAFE, BODY_FIELD. ConflictError: DIRECTORY_TAKEN.
        """
        check_public_key(body["public_key"])
        name = self._new(body["purpose"], body, body["public_key"])
        self._signing[name] = SigningKey(
            key_id=name,
            purpose=body["purpose"],
            producer=producer.point,
            region=producer.region,
            public_key=body["public_key"],
            registered_at=index,
            revoked_at=None,
        )
        self._public.add(body["public_key"])
        self._streams[name] = header.stream_id

    def check_free(self, purpose: str, body: Mapping[str, Any]) -> None:
        """Check a signing key that is not kept here; `reserve` it when everything else is checked.

        Raises:
            ContractError: KEY_UNSAFE, BODY_FIELD. ConflictError: DIRECTORY_TAKEN.
        """
        check_public_key(body["public_key"])
        self._new(purpose, body, body["public_key"])

    def reserve(self, public_key: bytes) -> None:
        """Remember that a signing key which is not kept here has its holder."""
        self._public.add(public_key)

    @staticmethod
    def valid_at(key: SigningKey | None, key_id: KeyId, purpose: str, at: LeafIndex) -> SigningKey:
        """A key, if what it signed may be recorded at an index.

        Raises:
            AccessError: KEY_UNKNOWN or KEY_REVOKED.
        """
        if key is None or key.purpose != purpose or key.registered_at >= at:
            raise AccessError("KEY_UNKNOWN", f"no key {key_id.hex()} for {purpose} at index {at}", field="key_id")
        if not key.is_valid_at(at):
            raise AccessError("KEY_REVOKED", f"key {key_id.hex()} was revoked at {key.revoked_at}", field="key_id")
        return key

    def revoke(self, body: Mapping[str, Any], header: Header, index: LeafIndex) -> None:
        """End the signing key of a `KeyRevoked`.

        Raises:
            AccessError: KEY_UNKNOWN, KEY_REVOKED. ConflictError: DIRECTORY_STREAM.
        """
        key = self._signing.get(KeyId(body["key_id"]))
        if key is None:
            raise AccessError("KEY_UNKNOWN", f"no signing key {body['key_id'].hex()}", field="key_id")
        if self._streams[key.key_id] != header.stream_id:
            raise other_stream("key")
        if key.revoked_at is not None:
            raise AccessError("KEY_REVOKED", f"the key was revoked at {key.revoked_at} already", field="key_id")
        self._signing[key.key_id] = replace(key, revoked_at=index)

    def _new(self, purpose: str, body: Mapping[str, Any], raw: bytes) -> KeyId:
        """Check that a key's id is its own and that nobody uses the key already."""
        name = KeyId(body["key_id"])
        if name != key_id(purpose, raw):
            raise ContractError("BODY_FIELD", f"{name.hex()} is not the id of this key for {purpose}", field="key_id")
        if raw in self._public:
            raise taken("key", name.hex())
        return name
