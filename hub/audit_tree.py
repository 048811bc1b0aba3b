"""The tree that an audit derives, cut into tiles: each kept hash is compared as soon as its own is derived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contracts.ids import Hash
from hub.audit_errors import KeptError
from hub.audit_source import Kept, Source
from ledger.compact import EMPTY_ROOT, HASH_BYTES, CompactRange, hash_node, root_of
from ledger.tiles import TILE_BYTES, TILE_WIDTH

_NO_TILE: Final = Kept("", b"")


class _Level:
    """The unfinished tile of one level."""

    __slots__ = ("at", "index", "kept", "part")

    def __init__(self, index: int, kept: Kept) -> None:
        self.index = index
        self.at = 0
        self.part = CompactRange()
        self.kept = kept


class TileTree:
    """`hub.replay.Tree` that compares every hash of every tile with the one that a source keeps.

    Args:
        source: Keeps tiles, or none.
        size: Of the tree at the end: says how wide the last tile of each level is.
    """

    def __init__(self, source: Source, size: int) -> None:
        self._source = source
        self._size = size
        self._leaves = _Level(0, self._fetch(0, 0))
        self._pending: list[Hash] = []
        self._upper: list[_Level] = []

    def _fetch(self, number: int, index: int) -> Kept:
        """A tile as kept, of exactly the width that it must have; empty bytes where none is kept."""
        width = min(TILE_WIDTH, (self._size >> 8 * number) - index * TILE_WIDTH)
        kept = self._source.tile(number, index, width) if width > 0 else None
        if kept is None:
            return _NO_TILE
        if len(kept.data) != width * HASH_BYTES:
            raise KeptError(
                "TILE_INVALID", f"holds {len(kept.data)} bytes instead of {width * HASH_BYTES}", place=kept.place
            )
        return kept

    def check_leaf(self, leaf: Hash) -> None:
        """Compare the next leaf with the kept one, before anything is concluded from its entry.

        Raises:
            KeptError: TILE_INVALID: they differ; the entry or the tile was changed.
        """
        level = self._leaves
        kept = level.kept.data
        if kept and kept[level.at : level.at + HASH_BYTES] != leaf:
            index = level.index * TILE_WIDTH + level.at // HASH_BYTES
            raise _differs(level, leaf, ": the entry or the hash was changed", index)

    def append(self, leaf_hash: Hash) -> None:
        """See `hub.replay.Tree`; the leaf was checked."""
        level = self._leaves
        self._pending.append(leaf_hash)
        level.at += HASH_BYTES
        if level.at == TILE_BYTES:
            self._close_tile()

    def fits(self, leaf_hashes: Sequence[Hash]) -> bool:
        """Whether the next leaves are the kept ones; they may not lead beyond the end of a tile."""
        level = self._leaves
        joined = b"".join(leaf_hashes)
        return not level.kept.data or level.kept.data[level.at : level.at + len(joined)] == joined

    def extend(self, leaf_hashes: Sequence[Hash]) -> None:
        """As `append` of each; they `fit`."""
        level = self._leaves
        self._pending += leaf_hashes
        level.at += HASH_BYTES * len(leaf_hashes)
        if level.at == TILE_BYTES:
            self._close_tile()

    def _close_tile(self) -> None:
        """Go on to the next tile of leaves; the root of a tile that no checkpoint cut is computed in one go."""
        level, value = self._leaves, root_of(self._pending) if not self._leaves.part.size else self._cut().root()
        self._pending = []
        self._leaves = _Level(level.index + 1, self._fetch(0, level.index + 1))
        self._append(1, value)

    def _cut(self) -> CompactRange:
        """The leaves of the unfinished tile, as far as they are there."""
        part = self._leaves.part
        part.extend(self._pending)
        self._pending = []
        return part

    def _append(self, number: int, value: Hash) -> None:
        """Append the root of a full tile to the level above it."""
        if number > len(self._upper):
            self._upper.append(_Level(0, self._fetch(number, 0)))
        level = self._upper[number - 1]
        kept = level.kept.data
        if kept and kept[level.at : level.at + HASH_BYTES] != value:
            raise _differs(level, value)
        level.part.append(value)
        level.at += HASH_BYTES
        if level.at == TILE_BYTES:
            self._upper[number - 1] = _Level(level.index + 1, self._fetch(number, level.index + 1))
            self._append(number + 1, level.part.root())

    def levels(self) -> list[tuple[int, tuple[Hash, ...]]]:
        """Of each level of tiles how many hashes it has, and the state of its unfinished tile: what `take_up` takes."""
        self._cut()
        levels = (self._leaves, *self._upper)
        return [(level.index * TILE_WIDTH + level.part.size, level.part.hashes) for level in levels]

    def take_up(self, levels: Sequence[tuple[int, Sequence[Hash]]]) -> None:
        """Go on from the levels of another tree of the same ledger; this one is empty.

        Raises:
            EvidenceError: RANGE_INVALID: these are no levels of a tree.
        """
        taken = [self._level(number, count, hashes) for number, (count, hashes) in enumerate(levels)]
        self._leaves, *self._upper = taken

    def _level(self, number: int, count: int, hashes: Sequence[Hash]) -> _Level:
        index, width = divmod(count, TILE_WIDTH)
        level = _Level(index, self._fetch(number, index))
        level.part = CompactRange.of(width, hashes)
        level.at = width * HASH_BYTES
        return level

    def root(self) -> Hash:
        """See `hub.replay.Tree`."""
        hashes = [value for level in reversed(self._upper) for value in level.part.hashes]
        hashes += self._cut().hashes
        if not hashes:
            return EMPTY_ROOT
        node = hashes[-1]
        for left in hashes[-2::-1]:
            node = hash_node(left, node)
        return node


def _differs(level: _Level, value: Hash, why: str = "", index: int | None = None) -> KeptError:
    kept = level.kept.data[level.at : level.at + HASH_BYTES]
    message = f"hash {level.at // HASH_BYTES} is {kept.hex()}, derived {value.hex()}{why}"
    return KeptError("TILE_INVALID", message, place=level.kept.place, index=index)
