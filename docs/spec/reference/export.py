"""The files of an exported ledger: which there must be, what each holds (`docs/spec/tree.md`).

OUT/log/checkpoint  OUT/log/tile/<L>/<N>[.p/<W>]  OUT/log/tile/entries/<N>[.p/<W>]
OUT/log/log-keys, if the log had more keys than one
OUT/policy  OUT/history/*.checkpoint  OUT/receipts/*.tlog-proof  OUT/manifest
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from docs.spec.reference.tree import leaf_hash, root_of, sha256
from docs.spec.reference.unproved import UnprovedError, expect

WIDTH = 256


class Export:
    """Reads an exported ledger; everything that it gives is checked against the name of its file.

    Args:
        folder: `OUT`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes:
        """Bytes of a file.

        Raises:
            UnprovedError: There is none.
        """
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise UnprovedError("the file is missing, no file, or not what the manifest means", name) from error

    def names(self) -> list[str]:
        """All files, in order."""
        return sorted(str(file.relative_to(self._folder)) for file in self._folder.rglob("*") if not file.is_dir())

    def vkey(self) -> str:
        """The verifier key that the policy names first. A reader has it from somewhere else and compares.

        Raises:
            UnprovedError: The policy is not of the one form that an export has: one log, with a second key while one is
                announced, and no quorum.
        """
        text = self.read("policy").decode("utf-8", "replace")
        match = re.fullmatch(r"log (\S+)\n(?:log \S+\n)?quorum none\n", text)
        if match is None:
            raise UnprovedError("is not one log and no quorum", "policy")
        return match[1]

    def check_manifest(self) -> None:
        """Check that the files outside of the tiles are those that the manifest lists, byte for byte.

        Raises:
            UnprovedError: One is missing, left over or changed.
        """
        kept = [name for name in self.names() if not name.startswith("log/tile/") and name != "manifest"]
        lines = self.read("manifest").decode("ascii", "replace").split("\n")
        expect(lines.pop() == "" and lines == sorted(lines, key=lambda line: line[66:]), "is malformed", "manifest")
        listed = {line[66:]: line[:64] for line in lines if line[64:66] == "  "}
        expect(len(listed) == len(lines), "is malformed", "manifest")
        for name in sorted({*kept, *listed}):
            expect(name in listed, "the manifest does not list the file", name)
            expect(listed[name] == sha256(self.read(name)).hex(), "is not what the manifest lists", name)

    def entries(self, size: int) -> Iterator[tuple[str, bytes]]:
        """Every entry with the name of its file, in order.

        Raises:
            UnprovedError: A bundle is missing, or has not exactly the entries that it must have.
        """
        for number in range(-(-size // WIDTH)):
            width = min(WIDTH, size - number * WIDTH)
            name = tile_name("entries", number, width)
            data, at, count = self.read(name), 0, 0
            while at < len(data):
                end = at + 2 + int.from_bytes(data[at : at + 2], "big")
                expect(at + 2 <= len(data) and end <= len(data), "an entry is cut short", name)
                yield name, data[at + 2 : end]
                at, count = end, count + 1
            expect(count == width, f"{count} entries instead of {width}", name)

    def check_log(self, entries: list[bytes]) -> bytes:
        """Compare every file below `log/tile` with the one that follows from the entries, and see that none is missing.

        Returns:
            The root of the tree.

        Raises:
            UnprovedError: A tile is missing, differs, or is one that a tree of this size has not.
        """
        levels = {"entries": [len(entry).to_bytes(2, "big") + entry for entry in entries]}
        hashes = leaves = [leaf_hash(entry) for entry in entries]
        while hashes:
            levels[str(len(levels) - 1)] = hashes
            hashes = [root_of(hashes[at : at + WIDTH]) for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
        beside = ("log/checkpoint", "log/log-keys")
        kept = {name for name in self.names() if name.startswith("log/") and name not in beside}
        for level, items in levels.items():
            for number in range(-(-len(items) // WIDTH)):
                kept.add(tile_name(level, number, min(WIDTH, len(items) - number * WIDTH)))
        for name in sorted(kept):
            expect(self.read(name) == _tile(name, levels), "is not what follows from the entries", name)
        return root_of(leaves)


def tile_name(level: str, number: int, width: int) -> str:
    """Name of a tile: groups of three digits, all but the last with an `x`; the width if it is not full."""
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"log/tile/{level}/{path}" + ("" if width == WIDTH else f".p/{width}")


def _tile(name: str, levels: Mapping[str, list[bytes]]) -> bytes:
    """What a tile of this or of an earlier size holds: partial ones may be narrower than the last one.

    Raises:
        UnprovedError: No tile has that name.
    """
    match = re.fullmatch(r"log/tile/([0-7]|entries)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?", name, re.ASCII)
    if match is None:
        raise UnprovedError("no tile has that name", name)
    level, number = match[1], int(match[2].replace("x", "").replace("/", ""))
    width = WIDTH if match[3] is None else int(match[3])
    items = levels.get(level, [])[number * WIDTH : number * WIDTH + width]
    expect(
        name == tile_name(level, number, width) and len(items) == width, "no tile of this ledger has that name", name
    )
    return b"".join(items)
