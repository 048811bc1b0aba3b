"""A hub whose own key is replaced, without the verb and its files. Pure of pytest."""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.ids import KeyId, LeafIndex
from contracts.signing import key_id, sign
from hub.application import Application
from hub.hub_keys import HUB_KEY_REPLACED, PURPOSE, follows_tbs
from hub.own_batch import HubDraft

NEXT_HUB_KEY: Final = Ed25519PrivateKey.from_private_bytes((45).to_bytes(32, "big"))
"""The key that follows that of a world's hub."""


def replacement(
    replaced: Ed25519PrivateKey, coming: Ed25519PrivateKey = NEXT_HUB_KEY, *, signer: Ed25519PrivateKey | None = None
) -> dict[str, Any]:
    """The body of a `HubKeyReplaced`; `signer` signs in place of the coming key."""
    public = coming.public_key().public_bytes_raw()
    name = KeyId(key_id(PURPOSE, replaced.public_key().public_bytes_raw()))
    return {
        "replaced": name,
        "key_id": KeyId(key_id(PURPOSE, public)),
        "public_key": public,
        "signature": sign(signer or coming, follows_tbs(name, public)),
    }


def replace_hub_key(application: Application, replaced: Ed25519PrivateKey) -> LeafIndex:
    """Let the next key sign the hub's batches; the application holds it."""
    (index,) = application.record([HubDraft(HUB_KEY_REPLACED, "DIRECTORY", replacement(replaced))])
    return index
