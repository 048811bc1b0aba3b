"""A ledger whose own key is replaced, step by step, without the verbs and their files. Pure of pytest."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.ids import LeafIndex
from contracts.signing import key_id
from hub.application import Application
from hub.log_key_changes import ANNOUNCED, SWITCHED
from hub.own_batch import HubDraft
from ledger.note import NoteSigner
from tests.support.world import ORIGIN

NEXT: Final = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
"""The key that follows that of a world."""


def announcement(signer: NoteSigner) -> HubDraft:
    """The draft that announces a key."""
    public_key = signer.verifier.public_key
    return HubDraft(ANNOUNCED, "DIRECTORY", {"key_id": key_id("log", public_key), "public_key": public_key})


def announce(application: Application, signer: NoteSigner = NEXT) -> LeafIndex:
    """Announce the next key; the application holds it."""
    (index,) = application.record([announcement(signer)])
    return index


def end(application: Application, event_type: str = SWITCHED) -> LeafIndex:
    """Switch to the announced key, or withdraw it."""
    changes = application.directory.log_keys
    name = changes.announced
    if name is None:
        raise AssertionError("no key is announced")
    (index,) = application.record(
        [HubDraft(event_type, "DIRECTORY", {"key_id": name}, stream_id=changes.stream_of(name))]
    )
    return index
