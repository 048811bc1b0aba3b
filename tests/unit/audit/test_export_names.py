"""Names of exported files: each tile has one, and nothing else has the name of a tile (LEDGER 3)."""

import pytest

from adapters.store.export_layout import (
    format_manifest,
    history_name,
    parse_manifest,
    receipt_name,
    tile_place,
)
from hub.audit_errors import KeptError
from ledger.tiles import TilePlace, entries_path, tile_path


@pytest.mark.parametrize("index", [0, 7, 999, 1000, 1_234_067, 10**12])
@pytest.mark.parametrize("width", [1, 9, 255, 256])
def test_a_name_says_level_index_and_width(index: int, width: int) -> None:
    assert tile_place(f"log/{tile_path(3, index, width)}") == TilePlace(3, index, width)
    assert tile_place(f"log/{entries_path(index, width)}") == TilePlace(None, index, width)


@pytest.mark.parametrize(
    "name",
    [
        "log/tile/0/0",
        "log/tile/0/0000",
        "log/tile/0/x000/001",
        "log/tile/0/x001",
        "log/tile/0/001/002",
        "log/tile/0/000.p/0",
        "log/tile/0/000.p/256",
        "log/tile/0/000.p/01",
        "log/tile/0/000.p/",
        "log/tile/0/000.p/1/2",
        "log/tile/00/000",
        "log/tile/8/000",
        "log/tile/-1/000",
        "log/tile/data/000",
        "tile/0/000",
        "log/checkpoint",
    ],
)
def test_no_other_name_is_one_of_a_tile(name: str) -> None:
    assert tile_place(name) is None


def test_a_manifest_reads_as_it_was_written() -> None:
    digests = {"policy": "0" * 64, history_name(7): "1" * 64, receipt_name(8): "a" * 64, "log/checkpoint": "2" * 64}

    assert parse_manifest(format_manifest(digests)) == digests


@pytest.mark.parametrize(
    "data",
    [
        b"\n",
        b"x",
        b"0" * 64 + b" policy\n",
        b"0" * 64 + b"  ../../etc/passwd\n",
        b"0" * 64 + b"  policy",
        b"A" * 64 + b"  policy\n",
        b"0" * 64 + b"  policy\n" + b"0" * 64 + b"  policy\n",
        b"0" * 64 + b"  policy\n" + b"0" * 64 + b"  manifest\n"[:0] + b"0" * 64 + b"  log/checkpoint\n",
        "é".encode("latin-1"),
    ],
)
def test_a_manifest_has_one_form(data: bytes) -> None:
    with pytest.raises(KeptError):
        parse_manifest(data)
