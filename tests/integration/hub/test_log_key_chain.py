"""The chain of a ledger's keys leads from any key to all others, and nothing that was changed in it is believed."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from adapters.store.store_keys import store_chain, store_keys
from contracts.errors import ConflictError, EvidenceError, ExchangeError, FatalError
from contracts.schema import load_registry
from hub.log_key_chain import CHAIN_HEADER, format_chain, parse_chain, verify_chain
from hub.log_key_changes import WITHDRAWN
from ledger.checkpoint import parse_checkpoint
from ledger.note import NoteSigner
from ledger.proof import format_proof
from tests.support.log_keys import NEXT, announce, announcement, end
from tests.support.matters import declaration
from tests.support.world import ORIGIN, World

pytestmark = pytest.mark.integration

REGISTRY = load_registry()
STRANGER = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"stranger".ljust(32, b".")))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LedgerStore]:
    with closing(open_store(tmp_path / "ledger.sqlite")) as opened:
        yield opened


@pytest.fixture
def world(store: LedgerStore) -> World:
    """Whose ledger has switched to its next key."""
    made = World()
    made.found(store)
    application = made.load(store, next_signer=NEXT)
    announce(application)
    application.submit([made.batches["44"].batch([declaration(made, "44")])])
    end(application)
    application.submit([made.batches["44"].batch([declaration(made, "44")])])
    return made


def chain_of(store: LedgerStore) -> bytes:
    return store_chain(store) or b""


def test_from_either_key_the_chain_leads_to_both(store: LedgerStore, world: World) -> None:
    from_first = verify_chain(chain_of(store), world.verifier, REGISTRY)
    from_second = verify_chain(chain_of(store), NEXT.verifier, REGISTRY)

    assert from_first == from_second == store_keys(store)
    assert [key.verifier for key in from_first.keys] == [world.verifier, NEXT.verifier]
    assert parse_checkpoint(store.checkpoint() or b"", from_first).size == store.size()


def test_a_key_that_is_none_of_the_chain_is_led_nowhere(store: LedgerStore, world: World) -> None:
    with pytest.raises(EvidenceError, match="LOG_KEYS_INVALID"):
        verify_chain(chain_of(store), STRANGER.verifier, REGISTRY)


def test_every_line_that_is_changed_left_out_or_moved_is_noticed(store: LedgerStore, world: World) -> None:
    """But the last one: a chain may be older than the ledger."""
    proofs = parse_chain(chain_of(store))
    lines = [format_proof(proof) for proof in proofs]
    others = [
        lines[1:],
        [lines[0], lines[2]],
        [lines[0], lines[2], lines[1]],
        [lines[0], lines[1], lines[1]],
        [lines[0], format_proof(replace(proofs[1], checkpoint=proofs[2].checkpoint)), lines[2]],
        [lines[0], format_proof(replace(proofs[1], extra=proofs[2].extra)), lines[2]],
        [lines[0], format_proof(replace(proofs[2], index=proofs[1].index)), lines[2]],
    ]
    for other in others:
        with pytest.raises(ExchangeError):
            verify_chain(format_chain(other), world.verifier, REGISTRY)

    assert len(verify_chain(format_chain(lines[:2]), world.verifier, REGISTRY).keys) == 2


def test_the_form_of_a_chain_is_strict(store: LedgerStore, world: World) -> None:
    good = chain_of(store)
    for bad in (b"", good[:-1], good + b"\n", good.replace(b"/v1", b"/v2"), CHAIN_HEADER.encode() + b"\n", b"\xff\n"):
        with pytest.raises(ExchangeError):
            parse_chain(bad)


def test_one_changed_byte_anywhere_is_noticed(store: LedgerStore, world: World) -> None:
    """Of what the base64 holds: signatures, hashes, entries."""
    header, *lines, _ = chain_of(store).split(b"\n")
    for number, line in enumerate(lines):
        data = base64.b64decode(line)
        for at in range(0, len(data), 37):
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            other = [*lines[:number], base64.b64encode(changed), *lines[number + 1 :]]
            with pytest.raises(ExchangeError):
                verify_chain(b"\n".join([header, *other, b""]), world.verifier, REGISTRY)


def test_a_hub_without_a_key_that_has_to_sign_does_not_start(store: LedgerStore) -> None:
    world = World()
    world.found(store)
    application = world.load(store, next_signer=NEXT)
    announce(application)

    with pytest.raises(FatalError, match="LOG_KEY_MISSING"):
        world.load(store)
    with pytest.raises(FatalError, match="LOG_KEY_MISSING"):
        world.load(store, next_signer=STRANGER)
    end(application, WITHDRAWN)
    assert world.load(store).log_keys.in_use == world.verifier


def test_one_replacement_at_a_time_and_no_key_twice(store: LedgerStore) -> None:
    world = World()
    world.found(store)
    application = world.load(store, next_signer=NEXT)
    announce(application)
    with pytest.raises(ConflictError, match="LOG_KEY_WAITING"):
        application.record([announcement(STRANGER)])
    end(application)
    with pytest.raises(ConflictError, match="DIRECTORY_TAKEN"):
        application.record([announcement(NEXT)])
    assert world.load(store, next_signer=NEXT).log_keys.in_use == NEXT.verifier
