"""The tree of an audit: the same roots as any other, and the first hash that differs is named (LEDGER 1 and 3)."""

from collections.abc import Iterator, Sequence

import pytest

from contracts.ids import Hash, LeafIndex
from hub.audit_errors import KeptError
from hub.audit_source import Followed, Kept, MissingPayload, NamedPayload
from hub.audit_tree import TileTree
from hub.ports import Run
from hub.replay import Replay
from ledger.compact import CompactRange, hash_leaf
from ledger.tiles import tiles_after

LEAVES = [hash_leaf(number.to_bytes(4, "big")) for number in range(70_000)]


class TilesInMemory:
    """A source that keeps nothing but tiles."""

    holds_payloads = False
    only_replayed = ()

    def __init__(self, size: int) -> None:
        self.tiles = dict(tiles_after(0, LEAVES[:size], lambda level, index: b""))

    def log_keys(self) -> Kept | None:
        """One key for ever."""
        return None

    def log_key(self) -> str:
        return ""

    def checkpoint(self) -> Kept:
        return Kept("", b"")

    def entries(self, start: LeafIndex, end: LeafIndex) -> Iterator[bytes]:
        return iter(())

    def place(self, index: LeafIndex) -> str | None:
        return None

    def notes(self, size: int) -> Iterator[Kept]:
        return iter(())

    def runs(self, size: int) -> Iterator[Run] | None:
        return None

    def tile(self, level: int, index: int, width: int) -> Kept | None:
        return Kept(f"{level}/{index}", self.tiles[level, index])

    def check_payloads(self, named: Sequence[NamedPayload]) -> list[MissingPayload]:
        return []

    def held_of(self, stream_id: bytes, before: int) -> tuple[int, int]:
        """See `hub.audit_source.Source.held_of`: nothing is."""
        return 0, 0

    def payloads_kept(self, size: int) -> int | None:
        """See `hub.audit_source.Source.payloads_kept`: none are."""
        return None

    def copies_of(self, event_id: bytes) -> int:
        """See `hub.audit_source.Source.copies_of`: none are."""
        return 0

    def is_erased_after(self, stream_id: bytes, size: int) -> bool:
        """See `hub.audit_source.Source.is_erased_after`: nothing is held."""
        return False

    def check_files(self, followed: Followed) -> None:
        return

    def check_rest(self, replay: Replay) -> None:
        return


def derive(source: TilesInMemory, size: int) -> TileTree:
    tree = TileTree(source, size)
    for leaf in LEAVES[:size]:
        tree.check_leaf(leaf)
        tree.append(leaf)
    return tree


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513, 1_000, 65_535, 65_536, 65_537, 70_000])
def test_the_root_is_that_of_the_plain_tree(size: int) -> None:
    plain = CompactRange()
    plain.extend(LEAVES[:size])

    assert derive(TilesInMemory(size), size).root() == plain.root()


def test_the_root_is_right_at_every_size_on_the_way() -> None:
    size = 600
    tree, plain = TileTree(TilesInMemory(size), size), CompactRange()

    for leaf in LEAVES[:size]:
        tree.append(leaf)
        plain.append(leaf)
        assert tree.root() == plain.root()


@pytest.mark.parametrize(("tile", "offset"), [((0, 0), 0), ((0, 0), 255), ((0, 2), 17), ((1, 0), 1), ((1, 0), 3)])
def test_the_first_hash_that_differs_is_named(tile: tuple[int, int], offset: int) -> None:
    size = 1_100
    source = TilesInMemory(size)
    hashes = bytearray(source.tiles[tile])
    hashes[32 * offset] ^= 1
    source.tiles[tile] = bytes(hashes)

    with pytest.raises(KeptError) as found:
        derive(source, size)

    level, index = tile
    assert found.value.code == "TILE_INVALID"
    assert found.value.place == f"{level}/{index}"
    assert f"hash {offset} " in found.value.message
    assert found.value.index == (None if level else 256 * index + offset)


@pytest.mark.parametrize("tile", [(0, 0), (0, 4), (1, 0)])
def test_a_tile_of_another_width_is_named(tile: tuple[int, int]) -> None:
    source = TilesInMemory(1_100)
    source.tiles[tile] = source.tiles[tile][:-32]

    with pytest.raises(KeptError) as found:
        derive(source, 1_100)

    assert found.value.place == f"{tile[0]}/{tile[1]}"


def test_a_tree_of_no_leaves_has_the_empty_root() -> None:
    assert TileTree(TilesInMemory(0), 0).root() == CompactRange().root()


def test_leaves_are_hashes() -> None:
    assert all(len(Hash(leaf)) == 32 for leaf in LEAVES[:3])
