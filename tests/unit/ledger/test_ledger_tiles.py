"""Tiles hold the tree as C2SP tlog-tiles says, an append touches the changed ones only, and proofs read from them."""

from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import ContractError, EvidenceError, ExchangeError, RuleError
from contracts.ids import Hash
from ledger.tiles import (
    decode_bundle,
    encode_bundle,
    entries_path,
    split_hashes,
    tile_node_reader,
    tile_path,
    tiles_after,
    tiles_of,
)
from ledger.tree import (
    CompactRange,
    appended_node_reader,
    hash_leaf,
    hash_node,
    prove_consistency,
    prove_inclusion,
    prove_range,
    root_of,
    verify_consistency,
    verify_inclusion,
    verify_range,
)

_LEAVES = [hash_leaf(b"%d" % number) for number in range(70_000)]
_Tiles = dict[tuple[int, int], bytes]


def _no_tile(level: int, index: int) -> bytes:
    raise AssertionError(f"tile {index} of level {level} was read")


def _grow(tiles: _Tiles, old_size: int, new_size: int) -> Mapping[tuple[int, int], bytes]:
    changed = tiles_after(old_size, _LEAVES[old_size:new_size], lambda level, index: tiles[level, index])
    tiles.update(changed)
    return changed


@pytest.fixture(scope="module")
def tiles() -> _Tiles:
    """The tiles of 70,000 entries."""
    return dict(tiles_after(0, _LEAVES, _no_tile))


def test_70000_entries_make_277_hash_tiles(tiles: _Tiles) -> None:
    wanted = list(tiles_of(70_000))

    assert len(wanted) == 277
    assert {place: len(data) // 32 for place, data in tiles.items()} == {
        (level, index): width for level, index, width in wanted
    }
    assert [level for level, _, _ in wanted].count(0) == 274


@given(size=st.integers(0, 1 << 63))
def test_a_partial_tile_has_the_width_that_the_specification_says_and_is_never_empty(size: int) -> None:
    places = list(tiles_of(size % 300_000))

    for level, index, width in places:
        assert 1 <= width <= 256
        if width < 256:
            assert width == (size % 300_000 // 256**level) % 256
            assert index == size % 300_000 // 256 ** (level + 1)


def test_all_tiles_of_a_level_together_are_its_hashes(tiles: _Tiles) -> None:
    lowest = b"".join(tiles[0, index] for index in range(274))
    second = split_hashes(tiles[1, 0])

    assert lowest == b"".join(_LEAVES)
    assert second[3] == root_of(_LEAVES[3 * 256 : 4 * 256])
    assert split_hashes(tiles[2, 0]) == [root_of(_LEAVES[: 256 * 256])]


@given(steps=st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_growing_in_steps_gives_the_tiles_of_growing_at_once(steps: list[int]) -> None:
    grown: _Tiles = {}
    size = 0
    for step in steps:
        _grow(grown, size, size + step)
        size += step

    assert grown == tiles_after(0, _LEAVES[:size], _no_tile)


def test_an_append_touches_changed_tiles_only(tiles: _Tiles) -> None:
    read: list[tuple[int, int]] = []

    def read_tile(level: int, index: int) -> bytes:
        read.append((level, index))
        return tiles[level, index]

    changed = tiles_after(70_000, _LEAVES[:256], read_tile)

    assert set(changed) == {(0, 273), (0, 274), (1, 1)}
    assert read == [(0, 273), (1, 1)]
    assert changed[0, 273].startswith(tiles[0, 273])


def test_an_append_of_nothing_changes_nothing() -> None:
    assert tiles_after(300, [], _no_tile) == {}


@settings(deadline=None)
@given(
    size=st.integers(1, 70_000),
    data=st.data(),
)
def test_proofs_read_from_tiles_lead_to_the_root(tiles: _Tiles, size: int, data: st.DataObject) -> None:
    node = tile_node_reader(lambda level, index: tiles[level, index])
    state = CompactRange()
    state.extend(_LEAVES[:size])
    root = state.root()
    index = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(index + 1, min(size, index + 300)))
    older = CompactRange()
    older.extend(_LEAVES[: index + 1])
    left, right = prove_range(node, index, end, size)

    verify_inclusion(
        leaf_hash=_LEAVES[index],
        leaf_index=index,
        tree_size=size,
        path=prove_inclusion(node, index, size),
        root=root,
    )
    verify_range(
        start=index, end=end, leaf_hashes=_LEAVES[index:end], tree_size=size, left=left, right=right, root=root
    )
    verify_consistency(
        size1=index + 1,
        size2=size,
        path=prove_consistency(node, index + 1, size),
        root1=older.root(),
        root2=root,
    )


def test_one_node_reader_serves_a_growing_tree() -> None:
    growing: _Tiles = {}
    node = tile_node_reader(lambda level, index: growing[level, index])
    for old_size, size in pairwise((0, 1, 2, 200, 256, 300, 700)):
        _grow(growing, old_size, size)
        path = prove_inclusion(node, 0, size)

        verify_inclusion(leaf_hash=_LEAVES[0], leaf_index=0, tree_size=size, path=path, root=root_of(_LEAVES[:size]))


def test_the_proofs_of_a_commit_are_the_same_from_the_append_and_from_the_new_tiles(tiles: _Tiles) -> None:
    before = CompactRange()
    before.extend(_LEAVES[:69_744])
    node = appended_node_reader(before, _LEAVES[69_744:])
    from_tiles = tile_node_reader(lambda level, index: tiles[level, index])

    assert prove_range(node, 69_800, 69_900, 70_000) == prove_range(from_tiles, 69_800, 69_900, 70_000)


def test_a_tile_that_is_shorter_or_longer_than_its_tree_is_refused(tiles: _Tiles) -> None:
    for broken in (b"", tiles[0, 0][:-1], tiles[0, 0] + b"\0" * 32):
        node = tile_node_reader(lambda level, index, broken=broken: broken)  # type: ignore[misc]
        with pytest.raises(EvidenceError, match="TILE_INVALID"):
            node(0, 255)
        with pytest.raises(EvidenceError, match="TILE_INVALID"):
            node(3, 31)
    with pytest.raises(EvidenceError, match="TILE_INVALID"):
        tiles_after(10, _LEAVES[:1], lambda level, index: tiles[0, 0][: 9 * 32])
    with pytest.raises(EvidenceError, match="TILE_INVALID"):
        tiles_after(0, [Hash(b"short")], _no_tile)


@pytest.mark.parametrize("tile", [b"", b"\0" * 31, b"\0" * 33, b"\0" * 257 * 32])
def test_bytes_that_are_no_whole_hashes_are_no_tile(tile: bytes) -> None:
    with pytest.raises(EvidenceError, match="TILE_INVALID"):
        split_hashes(tile)


@pytest.mark.parametrize(
    ("index", "width", "name"),
    [
        (0, 256, "000"),
        (5, 1, "005.p/1"),
        (999, 255, "999.p/255"),
        (1000, 256, "x001/000"),
        (1_234_067, 256, "x001/x234/067"),
        (1_234_067, 17, "x001/x234/067.p/17"),
    ],
)
def test_a_tile_is_named_in_groups_of_three_digits(index: int, width: int, name: str) -> None:
    assert tile_path(1, index, width) == f"tile/1/{name}"
    assert entries_path(index, width) == f"tile/entries/{name}"


@pytest.mark.parametrize(("level", "index", "width"), [(-1, 0, 1), (8, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_a_tile_that_cannot_be_has_no_name(level: int, index: int, width: int) -> None:
    with pytest.raises(RuleError, match="NOT_FOUND"):
        tile_path(level, index, width)


@given(entries=st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries


def test_a_bundle_holds_1_to_256_entries_of_at_most_65535_bytes() -> None:
    for entries in ([], [b""] * 257, [b"\0" * 65_536]):
        with pytest.raises(ContractError, match="ENTRY_MALFORMED"):
            encode_bundle(entries)

    assert decode_bundle(encode_bundle([b"\0" * 65_535] * 2)) == [b"\0" * 65_535] * 2


@given(data=st.binary(max_size=1000))
def test_any_bytes_are_a_bundle_or_refused(data: bytes) -> None:
    with suppress(ExchangeError):
        assert encode_bundle(decode_bundle(data)) == data


def test_a_node_of_a_tile_is_the_hash_of_its_two_children(tiles: _Tiles) -> None:
    node = tile_node_reader(lambda level, index: tiles[level, index])

    for level in (0, 3, 7, 8, 11):
        assert node(level + 1, 2) == hash_node(node(level, 4), node(level, 5))
