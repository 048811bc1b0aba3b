"""The hub's own key for its batches, and those that took its place: `HubKeys`.

Part of the directory and changed by its events alone, but for the first key, which the genesis record names. A
replacement is one entry: its batch is signed by the key in use, its body by the one that follows. Which key a batch
needs is judged by its ledger index: up to and with the index of a replacement the earlier one, after it the next one.

Source: ADR 0067.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from contracts.errors import AccessError
from contracts.ids import KeyId, LeafIndex
from contracts.signing import key_id, verify
from hub.directory_errors import taken
from hub.directory_values import SigningKey

HUB_KEY_REPLACED: Final = "HubKeyReplaced"
PURPOSE: Final = "hub-events"
"""Of the hub's key."""
LABEL: Final = b"pprd-hub-key/v1\n\0"
"""Separates what the next key signs from everything else that is signed."""


def follows_tbs(replaced: KeyId, public_key: bytes) -> bytes:
    """What the next key signs: that it follows another one.

    Args:
        replaced: Id of the key in use, 8 bytes.
        public_key: The next one, 32 bytes.
    """
    return LABEL + replaced + public_key


class _Replacement(NamedTuple):
    entry: LeafIndex
    replaced: KeyId
    public_key: bytes


class HubKeys:
    """The keys of one hub. Mutable; its directory's."""

    __slots__ = ("_first", "_found", "_replaced")

    def __init__(self) -> None:
        self._first: bytes | None = None
        self._replaced: list[_Replacement] = []
        self._found: dict[KeyId, SigningKey] = {}

    def begin(self, public_key: bytes) -> None:
        """Take the key of the genesis record, once its entry was read.

        Raises:
            AccessError: KEY_UNKNOWN: the ledger's first replacement is that of another key.
            ConflictError: DIRECTORY_TAKEN: it took the place of another one later.
        """
        first = key_id(PURPOSE, public_key)
        if self._replaced and self._replaced[0].replaced != first:
            raise _unknown(self._replaced[0].replaced)
        if any(one.public_key == public_key for one in self._replaced):
            raise taken("key", first.hex())
        self._first = public_key
        self._list()

    def replace(self, body: Mapping[str, Any], index: LeafIndex) -> None:
        """Take a `HubKeyReplaced` whose new key has a good form and no other holder.

        Raises:
            AccessError: KEY_UNKNOWN: it does not replace the key in use.
            ConflictError: DIRECTORY_TAKEN: it was in use before.
            EvidenceError: SIGNATURE_INVALID: the new key did not sign it.
        """
        replaced, public_key = KeyId(body["replaced"]), body["public_key"]
        in_use = self.in_use
        if in_use is not None and in_use.key_id != replaced:
            raise _unknown(replaced)
        if body["key_id"] in self._found:
            raise taken("key", body["key_id"].hex())
        verify(public_key, body["signature"], follows_tbs(replaced, public_key))
        self._replaced.append(_Replacement(index, replaced, public_key))
        self._list()

    @property
    def in_use(self) -> SigningKey | None:
        """The key for the next batch; None before the first one is known."""
        return next(reversed(self._found.values()), None)

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """All that are known, the one in use last."""
        return tuple(self._found.values())

    def find(self, name: KeyId) -> SigningKey | None:
        """The key with this id, whether or not another one took its place."""
        return self._found.get(name)

    def copy(self) -> HubKeys:
        """The same keys, to go on with apart from these."""
        other = HubKeys()
        other._first, other._replaced, other._found = self._first, [*self._replaced], dict(self._found)
        return other

    def _list(self) -> None:
        known = [(one.entry, one.public_key) for one in self._replaced]
        if self._first is not None:
            known.insert(0, (LeafIndex(0), self._first))
        ends = [since for since, _ in known[1:]]
        keys = [
            SigningKey.of_hub(key_id=KeyId(key_id(PURPOSE, public)), public_key=public, since=since, until=until)
            for (since, public), until in zip(known, [*ends, None], strict=True)
        ]
        self._found = {key.key_id: key for key in keys}


def _unknown(name: KeyId) -> AccessError:
    return AccessError("KEY_UNKNOWN", f"key {name.hex()} is not the hub's key in use", field="replaced")
