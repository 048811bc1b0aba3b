"""Tiles: how a published tree is cut into files, and how to read nodes from them.

A tile holds up to 256 hashes of one tile level L, which are the roots of perfect subtrees of 256**L leaves. All but the
last tile of a level are full and never change; the last one only grows. An entry bundle holds the bytes of up to 256
entries. Where the tiles are kept is the adapters' affair: a `TileReader` fetches one.

Source: LEDGER, section 3; C2SP tlog-tiles.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from contracts.errors import ContractError, EvidenceError, RuleError
from contracts.ids import Hash
from ledger.compact import HASH_BYTES, MAX_TREE_SIZE, check_hashes, hash_node, root_of, sha256
from ledger.tree import NodeReader

TILE_WIDTH: Final = 256
TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES
MAX_ENTRY_BYTES: Final = 65_535

MAX_PATH_LENGTH: Final = 64
"""Longest name of a tile."""
_match_path: Final = re.compile(
    r"tile/(?P<level>[0-7]|entries)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?", re.ASCII
).fullmatch

TileReader = Callable[[int, int], bytes]
"""Called with (tile level, tile index): gives the concatenated hashes that the tile holds by now, at most 256."""


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Name of a hash tile below the prefix of the ledger.

    Args:
        level: Tile level, 0 to 7.
        index: Tile index within the level.
        width: Hashes in the tile, 1 to 256; 256 is a full tile.

    Raises:
        RuleError: NOT_FOUND, there can be no such tile.
    """
    if not 0 <= level <= 7:
        raise RuleError("NOT_FOUND", f"there is no tile level {level}")
    return f"tile/{level}/{_index_path(index, width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Name of an entry bundle below the prefix of the ledger; arguments and errors as in `tile_path`."""
    return f"tile/entries/{_index_path(index, width)}"


def _index_path(index: int, width: int) -> str:
    if not 0 <= index <= MAX_TREE_SIZE or not 1 <= width <= TILE_WIDTH:
        raise RuleError("NOT_FOUND", f"there is no tile {index} of width {width}")
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "".join(f"x{group}/" for group in groups[:-1]) + groups[-1]
    return name if width == TILE_WIDTH else f"{name}.p/{width}"


@dataclass(frozen=True, slots=True)
class TilePlace:
    """What the name of a tile says.

    Attributes:
        level: Tile level, 0 to 7; None for an entry bundle.
        index: Tile index within the level.
        width: Hashes or entries in it, 1 to 256; 256 is a full tile.
    """

    level: int | None
    index: int
    width: int

    @property
    def path(self) -> str:
        """The name."""
        if self.level is None:
            return entries_path(self.index, self.width)
        return tile_path(self.level, self.index, self.width)

    def is_in(self, size: int) -> bool:
        """Say whether a tree of `size` leaves fills the tile up to its width."""
        return self.index * TILE_WIDTH + self.width <= size >> 8 * (self.level or 0)


def parse_tile_path(name: str) -> TilePlace:
    """Read the name of a hash tile or an entry bundle; each has one name.

    Raises:
        RuleError: NOT_FOUND, no tile has that name.
    """
    match = _match_path(name) if len(name) <= MAX_PATH_LENGTH else None
    if match is None:
        raise RuleError("NOT_FOUND", "no tile has that name")
    level = None if match["level"] == "entries" else int(match["level"])
    index = int(match["index"].replace("/", "").replace("x", ""))
    place = TilePlace(level, index, int(match["width"]) if match["width"] else TILE_WIDTH)
    if place.path != name:
        raise RuleError("NOT_FOUND", "no tile has that name")
    return place


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """List the hash tiles of a tree of `size` leaves as (level, index, width), lowest level first, none empty."""
    level = 0
    while size:
        full, rest = divmod(size, TILE_WIDTH)
        for index in range(full):
            yield level, index, TILE_WIDTH
        if rest:
            yield level, full, rest
        level, size = level + 1, full


def tiles_after(old_size: int, leaf_hashes: Sequence[Hash], read_tile: TileReader) -> Mapping[tuple[int, int], bytes]:
    """Compute the tiles that an append changes.

    Args:
        old_size: Leaves in the tree before the append.
        leaf_hashes: The appended leaves.
        read_tile: Reader of the tiles of the tree before; asked only for the partial tile of each changed level.

    Returns:
        For each changed tile (level, index) all its hashes, concatenated.

    Raises:
        EvidenceError: TILE_INVALID, a tile that was read does not hold what the tree of `old_size` needs.
    """
    check_hashes("TILE_INVALID", leaf_hashes)
    changed: dict[tuple[int, int], bytes] = {}
    level, at, hashes = 0, old_size, list(leaf_hashes)
    while hashes:
        index, kept = divmod(at, TILE_WIDTH)
        data = (_read_hashes(read_tile, level, index, 0, kept) if kept else b"") + b"".join(hashes)
        hashes = []
        for offset in range(0, len(data), TILE_BYTES):
            tile = data[offset : offset + TILE_BYTES]
            changed[level, index] = tile
            if len(tile) == TILE_BYTES:
                hashes.append(root_of(split_hashes(tile)))
            index += 1
        level, at = level + 1, at // TILE_WIDTH
    return changed


def split_hashes(tile: bytes) -> list[Hash]:
    """Cut the bytes of a tile into its hashes.

    Raises:
        EvidenceError: TILE_INVALID, the length is not that of 1 to 256 hashes.
    """
    if not tile or len(tile) > TILE_BYTES or len(tile) % HASH_BYTES:
        raise EvidenceError("TILE_INVALID", f"a tile of {len(tile)} bytes does not hold 1 to 256 hashes")
    return [Hash(tile[at : at + HASH_BYTES]) for at in range(0, len(tile), HASH_BYTES)]


def tile_node_reader(read_tile: TileReader, *, max_cached: int = 1 << 16) -> NodeReader:
    """Read nodes of the tree from its tiles.

    Perfect subtrees never change, so nodes inside tiles are computed once and kept; tiles themselves are not kept: give
    a caching `read_tile` where reading is slow.

    Args:
        read_tile: Reader of the tiles of one tree, which may grow while the node reader is used. What it has once given
            must stay true: use another node reader for tiles that are not committed yet.
        max_cached: Nodes kept in memory, at most.

    Returns:
        A reader that raises EvidenceError TILE_INVALID if a tile does not hold what is asked for.
    """

    @lru_cache(max_cached)
    def inner_node(level: int, index: int) -> Hash:
        height = level & 7
        if height > 1:
            return hash_node(inner_node(level - 1, 2 * index), inner_node(level - 1, 2 * index + 1))
        tile_index, pair = divmod(index, TILE_WIDTH // 2)
        return sha256(b"\x01" + _read_hashes(read_tile, level >> 3, tile_index, 2 * pair, 2)).digest()

    def node(level: int, index: int) -> Hash:
        if level & 7:
            return inner_node(level, index)
        return Hash(_read_hashes(read_tile, level >> 3, index >> 8, index & 255, 1))

    return node


def _read_hashes(read_tile: TileReader, level: int, index: int, first: int, count: int) -> bytes:
    """Bytes of `count` hashes of a tile from the hash `first` on."""
    tile = read_tile(level, index)
    end = (first + count) * HASH_BYTES
    if not end <= len(tile) <= TILE_BYTES:
        raise EvidenceError("TILE_INVALID", f"tile {index} of level {level} has {len(tile)} bytes, {end} are needed")
    return tile[first * HASH_BYTES : end]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Give the bytes of an entry bundle: each entry behind its length in two bytes, big-endian.

    Raises:
        ContractError: ENTRY_MALFORMED, not 1 to 256 entries, or one above 65,535 bytes.
    """
    if not 1 <= len(entries) <= TILE_WIDTH or any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise ContractError("ENTRY_MALFORMED", f"{len(entries)} entries make no bundle, or one is too long")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes) -> list[bytes]:
    """Read an entry bundle.

    Raises:
        ContractError: ENTRY_MALFORMED, not 1 to 256 whole entries.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data) and len(entries) < TILE_WIDTH:
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        entries.append(data[start:at])
    if not entries or at != len(data):
        raise ContractError("ENTRY_MALFORMED", f"{len(data)} bytes are not 1 to {TILE_WIDTH} whole entries")
    return entries
