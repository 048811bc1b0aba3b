"""An anchor binds origin, size and SHA-256 root to a root under another hash, and its form is strict (ADR 0057)."""

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError, EvidenceError, ExchangeError
from contracts.ids import Hash, TreeSize
from ledger.anchor import ALGORITHMS, SHA3_256, SHA_512, Anchor, AnchorTree, format_anchor, parse_anchor
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.note import NoteSigner
from ledger.tree import hash_leaf, root_of
from tests.unit.ledger.conftest import private_key

ENTRIES = [bytes([number]) * number for number in range(9)]
ROOT = root_of([hash_leaf(entry) for entry in ENTRIES])
HASHES = {SHA_512: hashlib.sha512, SHA3_256: hashlib.sha3_256}


def tree_of(algorithm: str, entries: list[bytes]) -> AnchorTree:
    tree = AnchorTree(algorithm)
    for entry in entries:
        tree.append(entry)
    return tree


def by_definition(algorithm: str, entries: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, with another hash."""
    made = HASHES[algorithm]
    if not entries:
        return made(b"").digest()
    if len(entries) == 1:
        return made(b"\0" + entries[0]).digest()
    cut = 1 << (len(entries) - 1).bit_length() - 1
    left, right = by_definition(algorithm, entries[:cut]), by_definition(algorithm, entries[cut:])
    return made(b"\x01" + left + right).digest()


@pytest.fixture
def anchor(log: NoteSigner) -> Anchor:
    checkpoint = Checkpoint(log.name, TreeSize(len(ENTRIES)), ROOT)
    bare = Anchor(SHA_512, tree_of(SHA_512, ENTRIES).root(), checkpoint, sign_checkpoint(checkpoint, log))
    signed = bare.signed("archive.example", private_key(7), 1_767_225_600)
    return signed.signed("archive.example", MLDSA44PrivateKey.from_seed_bytes(bytes(32)), 1_767_225_600)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(entries=st.lists(st.binary(max_size=6), max_size=40), cut=st.integers(0, 40))
def test_the_tree_is_that_of_the_rfc_and_goes_on_from_any_kept_state(
    algorithm: str, entries: list[bytes], cut: int
) -> None:
    first = tree_of(algorithm, entries[:cut])
    rest = AnchorTree(algorithm, first.size, first.hashes)
    for entry in entries[cut:]:
        rest.append(entry)

    assert rest.root() == tree_of(algorithm, entries).root() == by_definition(algorithm, entries)


def test_an_anchor_is_read_back_and_its_signatures_hold(anchor: Anchor) -> None:
    data = format_anchor(anchor)

    assert parse_anchor(data) == anchor
    anchor.verify_signatures()
    anchor.verify_roots(root=ROOT, anchored=by_definition(SHA_512, ENTRIES))
    assert [one.algorithm for one in anchor.signatures] == ["Ed25519", "ML-DSA-44"]


def test_another_root_under_either_algorithm_is_named(anchor: Anchor) -> None:
    for root, anchored in ((Hash(bytes(32)), anchor.root), (ROOT, bytes(64))):
        with pytest.raises(EvidenceError, match="ANCHOR_INVALID"):
            anchor.verify_roots(root=root, anchored=anchored)


def test_a_signature_holds_for_its_name_time_size_and_roots_only(anchor: Anchor) -> None:
    other_size = replace(anchor.checkpoint, size=TreeSize(8))
    for changed in (
        replace(anchor, root=bytes(64)),
        replace(anchor, checkpoint=other_size),
        replace(anchor, checkpoint=replace(anchor.checkpoint, root=Hash(bytes(32)))),
        replace(anchor, signatures=(anchor.signatures[0]._replace(name="other.example"),)),
        replace(anchor, signatures=(anchor.signatures[1]._replace(seconds=1),)),
    ):
        with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
            changed.verify_signatures()


def test_one_form_only(anchor: Anchor) -> None:
    data = format_anchor(anchor)
    lines = data.split(b"\n")
    for bad in (
        data.replace(b"/v1", b"/v2", 1),
        data.replace(b"SHA-512", b"SHA-256", 1),
        data.replace(b"SHA-512", SHA3_256.encode(), 1),
        data.replace(b"\nroot ", b"\nroot  ", 1),
        data.replace(b"1767225600", b"01767225600", 1),
        b"\n".join([*lines[:3], lines[3], *lines[3:]]),
        data[:-1],
        data.replace(b"\n\n", b"\n", 1),
        b"\xff" + data,
    ):
        with pytest.raises(ExchangeError):
            parse_anchor(bad)


def test_too_many_signers_and_names_that_are_none_are_refused(anchor: Anchor) -> None:
    full = anchor
    for number in range(14):
        full = full.signed("x", private_key(200 + number), 1)
    with pytest.raises(ContractError, match="ANCHOR_MALFORMED"):
        full.signed("x", private_key(300), 1)
    with pytest.raises(ContractError, match="ANCHOR_MALFORMED"):
        anchor.signed("two words", private_key(9), 1)
    with pytest.raises(ContractError, match="ANCHOR_MALFORMED"):
        AnchorTree("MD5")
