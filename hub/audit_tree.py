"""The tree that an audit derives, cut into tiles: each kept hash is compared as soon as its own is derived."""

from __future__ import annotations

from typing import Final

from contracts.ids import Hash
from hub.audit_source import Kept, KeptError, Source
from ledger.compact import EMPTY_ROOT, HASH_BYTES, CompactRange, hash_node
from ledger.tiles import TILE_WIDTH

_NO_TILE: Final = Kept("", b"")


class _Level:
    """The unfinished tile of one level."""

    __slots__ = ("index", "kept", "part")

    def __init__(self, index: int, kept: Kept) -> None:
        self.index = index
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
        self._levels = [_Level(0, self._fetch(0, 0))] if size else []

    def _fetch(self, level: int, index: int) -> Kept:
        """The tile as kept, of exactly the width that it must have."""
        width = min(TILE_WIDTH, (self._size >> 8 * level) - index * TILE_WIDTH)
        if width <= 0:
            return _NO_TILE
        kept = self._source.tile(level, index, width)
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
        level = self._levels[0]
        if level.kept.data:
            at = level.part.size * HASH_BYTES
            if level.kept.data[at : at + HASH_BYTES] != leaf:
                self._differs(0, level, leaf)

    def append(self, leaf_hash: Hash) -> None:
        """See `hub.replay.Tree`."""
        self._append(0, leaf_hash)

    def _append(self, number: int, value: Hash) -> None:
        if number == len(self._levels):
            self._levels.append(_Level(0, self._fetch(number, 0)))
        level = self._levels[number]
        at = level.part.size * HASH_BYTES
        if level.kept.data and level.kept.data[at : at + HASH_BYTES] != value:
            self._differs(number, level, value)
        level.part.append(value)
        if level.part.size == TILE_WIDTH:
            self._levels[number] = _Level(level.index + 1, self._fetch(number, level.index + 1))
            self._append(number + 1, level.part.root())

    def _differs(self, number: int, level: _Level, value: Hash) -> None:
        offset = level.part.size
        at = offset * HASH_BYTES
        message = f"hash {offset} is {level.kept.data[at : at + HASH_BYTES].hex()}, derived {value.hex()}"
        if number:
            raise KeptError("TILE_INVALID", message, place=level.kept.place)
        index = level.index * TILE_WIDTH + offset
        raise KeptError(
            "TILE_INVALID", f"{message}: the entry or the hash was changed", place=level.kept.place, index=index
        )

    def root(self) -> Hash:
        """See `hub.replay.Tree`."""
        hashes = [value for level in reversed(self._levels) for value in level.part.hashes]
        if not hashes:
            return EMPTY_ROOT
        node = hashes[-1]
        for left in hashes[-2::-1]:
            node = hash_node(left, node)
        return node
