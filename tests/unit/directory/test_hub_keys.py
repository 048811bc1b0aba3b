"""The hub's own key is replaced by one entry that both keys sign, judged by ledger index (ADR 0067)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.errors import ExchangeError
from contracts.ids import KeyId, LeafIndex
from contracts.signing import key_id
from hub.hub_keys import HUB_KEY_REPLACED, PURPOSE, HubKeys
from tests.support.hub_keys import NEXT_HUB_KEY, replacement

if TYPE_CHECKING:
    from tests.unit.directory.conftest import Builder

FIRST = Ed25519PrivateKey.from_private_bytes((7).to_bytes(32, "big"))
THIRD = Ed25519PrivateKey.from_private_bytes((8).to_bytes(32, "big"))


def public_of(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def id_of(key: Ed25519PrivateKey) -> KeyId:
    return KeyId(key_id(PURPOSE, public_of(key)))


def test_each_index_has_exactly_one_key_of_the_hub(builder: Builder) -> None:
    directory = builder.directory
    directory.hub_keys.begin(public_of(FIRST))
    at = builder.apply(HUB_KEY_REPLACED, "hub", replacement(FIRST))
    later = builder.apply(HUB_KEY_REPLACED, "hub again", replacement(NEXT_HUB_KEY, THIRD))

    def valid(index: int) -> list[str]:
        found = []
        for name, key in (("first", FIRST), ("next", NEXT_HUB_KEY), ("third", THIRD)):
            try:
                directory.signer_of_batch(id_of(key), LeafIndex(index))
            except ExchangeError:
                continue
            found.append(name)
        return found

    assert [valid(index) for index in (1, at, at + 1, later, later + 1, later + 100)] == [
        ["first"],
        ["first"],
        ["next"],
        ["next"],
        ["third"],
        ["third"],
    ]


CHANGES: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "another id": ("BODY_FIELD", lambda body: body.update(key_id=bytes(8))),
    "of another key than the one in use": ("KEY_UNKNOWN", lambda body: body.update(replaced=bytes(8))),
    "not signed by the key that follows": ("SIGNATURE_INVALID", lambda body: body.update(signature=bytes(64))),
    "a key of small order": ("KEY_UNSAFE", lambda body: body.update(public_key=bytes(32))),
    "the key in use again": ("DIRECTORY_TAKEN", lambda body: body.update(replacement(FIRST, FIRST))),
    "signed by the key in use alone": (
        "SIGNATURE_INVALID",
        lambda body: body.update(replacement(FIRST, signer=FIRST)),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_replacement_that_does_not_hold_changes_nothing(builder: Builder, name: str) -> None:
    builder.directory.hub_keys.begin(public_of(FIRST))
    body = replacement(FIRST)
    code, change = CHANGES[name]
    change(body)

    with pytest.raises(ExchangeError) as error:
        builder.apply(HUB_KEY_REPLACED, "hub", body)

    in_use = builder.directory.hub_keys.in_use
    assert in_use is not None
    assert (error.value.code, in_use.key_id) == (code, id_of(FIRST))
    builder.apply(HUB_KEY_REPLACED, "hub", replacement(FIRST))


def test_a_key_of_the_hub_has_no_other_holder(builder: Builder) -> None:
    """One key serves one purpose and one holder, for ever."""
    builder.directory.hub_keys.begin(public_of(FIRST))
    builder.apply(HUB_KEY_REPLACED, "hub", replacement(FIRST))
    public = public_of(NEXT_HUB_KEY)
    body = {"key_id": KeyId(key_id("batch", public)), "purpose": "batch", "producer": "44-node", "region": "44"}

    with pytest.raises(ExchangeError, match="DIRECTORY_TAKEN"):
        builder.apply("KeyRegistered", "key", body | {"public_key": public})


def test_the_first_key_may_be_learnt_after_its_replacement(builder: Builder) -> None:
    """A region reads its own copy of the directory before it asks for the genesis record."""
    at = builder.apply(HUB_KEY_REPLACED, "hub", replacement(FIRST))
    keys = builder.directory.hub_keys
    for wrong, code in ((THIRD, "KEY_UNKNOWN"), (NEXT_HUB_KEY, "KEY_UNKNOWN")):
        with pytest.raises(ExchangeError, match=code):
            keys.begin(public_of(wrong))
    keys.begin(public_of(FIRST))

    first, following = keys.find(id_of(FIRST)), keys.find(id_of(NEXT_HUB_KEY))
    assert first is not None
    assert following is not None
    assert (first.registered_at, first.revoked_at, following.registered_at, following.revoked_at) == (0, at, at, None)


def test_a_copy_goes_on_apart() -> None:
    keys = HubKeys()
    keys.begin(public_of(FIRST))
    copy = keys.copy()
    copy.replace(replacement(FIRST), LeafIndex(9))

    assert keys.in_use is not None
    assert copy.in_use is not None
    assert (keys.in_use.key_id, copy.in_use.key_id) == (id_of(FIRST), id_of(NEXT_HUB_KEY))
