"""The tree gives the answers that others published, and refuses the proofs that others found wrong."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import EvidenceError
from contracts.ids import Hash
from ledger.tree import EMPTY_ROOT, hash_leaf, root_of, verify_consistency, verify_inclusion

_VECTORS = Path(__file__).parents[2] / "vectors"
_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
_ROOTS = [
    ("6e340b9c", "a01d"),
    ("fac54203", "c125"),
    ("aeb6bcfe", "6e77"),
    ("d37ee418", "14b7"),
    ("4e3bbb1f", "64d4"),
    ("76e67dad", "87ef"),
    ("ddb89be4", "4c8c"),
    ("5dc9da79", "4328"),
]


def _rows(name: str) -> list[Any]:
    rows = [json.loads(line) for line in (_VECTORS / name).read_text("utf-8").splitlines()]
    assert len(rows) == 98
    return [pytest.param(row, id=row["name"]) for row in rows]


def _hash(value: str) -> Hash:
    return Hash(base64.b64decode(value))


def _path(row: dict[str, Any]) -> list[Hash]:
    return [_hash(item) for item in row["proof"] or ()]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of([]) == EMPTY_ROOT


@pytest.mark.parametrize("size", range(1, 9))
def test_the_first_eight_roots_are_the_published_ones(size: int) -> None:
    root = root_of(hash_leaf(leaf) for leaf in _LEAVES[:size]).hex()

    assert (root[:8], root[-4:]) == _ROOTS[size - 1]


@pytest.mark.parametrize("row", _rows("merkle_inclusion.jsonl"))
def test_an_inclusion_vector_is_judged_as_published(row: dict[str, Any]) -> None:
    def check() -> None:
        verify_inclusion(
            leaf_hash=_hash(row["leafHash"]),
            leaf_index=row["leafIdx"],
            tree_size=row["treeSize"],
            path=_path(row),
            root=_hash(row["root"]),
        )

    if not row["wantErr"]:
        check()
        return
    with pytest.raises(EvidenceError) as caught:
        check()
    assert caught.value.code == "INCLUSION_INVALID"


@pytest.mark.parametrize("row", _rows("merkle_consistency.jsonl"))
def test_a_consistency_vector_is_judged_as_published_but_for_roots_that_are_no_hashes(row: dict[str, Any]) -> None:
    root1, root2 = _hash(row["root1"]), _hash(row["root2"])
    is_refused = row["wantErr"] or len(root1) != 32 or len(root2) != 32

    def check() -> None:
        verify_consistency(size1=row["size1"], size2=row["size2"], path=_path(row), root1=root1, root2=root2)

    if not is_refused:
        check()
        return
    with pytest.raises(EvidenceError) as caught:
        check()
    assert caught.value.code == "CONSISTENCY_INVALID"


def test_only_one_vector_is_refused_for_the_length_of_its_roots_alone() -> None:
    rows = [param.values[0] for param in _rows("merkle_consistency.jsonl")]
    alone = [row["name"] for row in rows if not row["wantErr"] and len(_hash(row["root1"])) != 32]

    assert alone == ["additional/sizes-are-equal-one-and-proof-is-empty"]
