"""How long a receipt is follows from a formula, and docs/capacity.md says what it comes to (issue: below 1.5 kB)."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.ids import Hash, LeafIndex, TreeSize
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.note import Cosigner, NoteSigner, add_lines
from ledger.proof import TlogProof, format_proof

LIMIT: Final = 1_500
ORIGIN: Final = "ledger.pprd.example/2026"
WITNESSES: Final = ("44.witness.example", "45.witness.example", "46.witness.example")
SHORT: Final = ("a", ("b", "c", "d"))
"""The shortest names that keys may have."""
_DRAWN: Final = 20_000


def path_hashes(index: int, size: int) -> int:
    """Hashes in the inclusion path of an entry (LEDGER 1)."""
    inner = (index ^ (size - 1)).bit_length()
    return inner + (index >> inner).bit_count()


def receipt_bytes(index: int, size: int, origin: str, witnesses: Sequence[str]) -> int:
    """Length of a `.tlog-proof` without its extra line: head, index, path, checkpoint, signature, cosignatures."""
    head = len("c2sp.org/tlog-proof@v1\n") + len(f"index {index}\n")
    path = 45 * path_hashes(index, size) + 1
    text = len(f"{origin}\n{size}\n") + 45 + 1
    signature = 4 + len(origin) + 1 + 92 + 1
    return head + path + text + signature + sum(4 + len(name) + 1 + 104 + 1 for name in witnesses)


@pytest.mark.parametrize(
    ("index", "size"), [(0, 1), (5, 8), (499_999, 500_000), (0, 10_000_000), (9_999_871, 10_000_000)]
)
def test_the_formula_is_the_length_of_a_receipt(index: int, size: int) -> None:
    log = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    cosigners = [
        Cosigner(name, Ed25519PrivateKey.from_private_bytes(bytes([at]) * 32)) for at, name in enumerate(WITNESSES, 1)
    ]
    checkpoint = Checkpoint(ORIGIN, TreeSize(size), Hash(bytes(32)))
    lines = [one.line(checkpoint.text(), seconds=1_772_416_860) for one in cosigners]
    note = add_lines(sign_checkpoint(checkpoint, log), lines)
    path = tuple([Hash(bytes(32))] * path_hashes(index, size))

    file = format_proof(TlogProof(LeafIndex(index), path, note))

    assert len(file) == receipt_bytes(index, size, ORIGIN, WITNESSES)


def test_up_to_half_a_million_entries_every_receipt_is_below_the_limit() -> None:
    assert max(receipt_bytes(index, 1 << 19, ORIGIN, WITNESSES) for index in range(0, 1 << 19, 257)) < LIMIT
    assert longest(1 << 19, ORIGIN, WITNESSES) < LIMIT <= longest(1 << 20, ORIGIN, WITNESSES)


def test_no_name_is_short_enough_for_every_receipt_of_ten_million_entries() -> None:
    """The path alone is 1,080 bytes: names of one character reach two million entries and no more."""
    assert longest(1 << 21, *SHORT) < LIMIT < longest((1 << 21) + 1, *SHORT)
    assert longest(10_000_000, *SHORT) == 1_601


def longest(size: int, origin: str, witnesses: Sequence[str]) -> int:
    """The longest receipt in a tree: that of its first entries has a hash a level."""
    return receipt_bytes(0, size, origin, witnesses)


def drawn(entries: int, batch: int) -> tuple[int, float]:
    """Mean length of first receipts while a ledger grows to this size by such batches, and the share below 1,500."""
    chance = random.Random(1)
    lengths = []
    for _ in range(_DRAWN):
        size = chance.randrange(entries // 2, entries)
        lengths.append(receipt_bytes(size - 1 - chance.randrange(batch), size, ORIGIN, WITNESSES))
    return round(sum(lengths) / _DRAWN), sum(length < LIMIT for length in lengths) / _DRAWN


def test_beside_names_digits_and_path_there_are_507_bytes() -> None:
    digits = len("5") + len("8")

    assert receipt_bytes(5, 8, "", ("", "", "")) - 45 * path_hashes(5, 8) - digits == 507


def test_the_page_of_capacity_says_what_the_formula_gives(project: Path) -> None:
    page = (project / "docs" / "capacity.md").read_text("utf-8")
    rows = re.findall(
        r"^\| ([\d,]+) \| ([\d,]+) \| ([\d,]+), ([\d.]+) % \| ([\d,]+), ([\d.]+) % \|$", page, re.MULTILINE
    )

    assert len(rows) == 5
    for entries, most, *means in rows:
        size = int(entries.replace(",", ""))
        told = [f"{longest(size, ORIGIN, WITNESSES):,}"]
        for batch in (1, 256):
            mean, share = drawn(size, batch)
            told += [f"{mean:,}", f"{100 * share:.1f}"]
        assert [most, *means] == told
