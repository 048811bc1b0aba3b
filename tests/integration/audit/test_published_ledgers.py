"""A ledger over HTTP: names, headers and refusals of C2SP tlog-tiles, and an audit of it (LEDGER 3, ADR 0008)."""

import asyncio
import gzip
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from adapters.compose.auditing import run_audit, run_export
from adapters.compose.publishing import LedgerProgram
from adapters.settings import PublishSettings
from contracts.errors import ContractError, UnavailableError
from ledger.compact import HASH_BYTES
from ledger.tiles import decode_bundle, tiles_of
from tests.support.async_tests import runs_in_a_loop
from tests.support.kept_ledger import KeptLedger, forge

pytestmark = pytest.mark.integration


@asynccontextmanager
async def published(source: Path) -> AsyncIterator[str]:
    settings = PublishSettings.load(None, source=source, listen="127.0.0.1:0")
    async with LedgerProgram(settings) as program:
        yield f"http://{program.address}"


@asynccontextmanager
async def asking(source: Path) -> AsyncIterator[aiohttp.ClientSession]:
    async with published(source) as url, aiohttp.ClientSession(url, auto_decompress=False) as session:
        yield session


@pytest.mark.parametrize("kind", ["data folder", "export"])
@runs_in_a_loop
async def test_a_published_ledger_is_audited_over_http(honest: KeptLedger, honest_export: Path, kind: str) -> None:
    async with published(honest.folder if kind == "data folder" else honest_export) as url:
        report = await asyncio.to_thread(run_audit, url, vkey=honest.world.verifier.vkey)

    assert report.problem is None
    assert report.size == len(honest.entries())
    assert not report.is_key_from_source


@runs_in_a_loop
async def test_tiles_never_change_and_the_checkpoint_is_asked_for_anew(honest: KeptLedger) -> None:
    async with asking(honest.folder) as session:
        async with session.get("/checkpoint") as answer:
            note = await answer.read()
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert answer.headers["Cache-Control"] == "no-cache, max-age=0"
        async with session.get("/tile/0/000") as answer:
            assert (answer.status, len(await answer.read())) == (200, 256 * HASH_BYTES)
            assert answer.headers["Content-Type"] == "application/octet-stream"
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            etag = answer.headers["ETag"]
        async with session.get("/tile/0/000", headers={"If-None-Match": f'"x", {etag}'}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
        async with session.head("/tile/0/000") as answer:
            assert (answer.status, answer.headers["ETag"], await answer.read()) == (200, etag, b"")
            assert answer.headers["Content-Length"] == str(256 * HASH_BYTES)

    assert note.startswith(honest.world.verifier.name.encode() + b"\n")


@runs_in_a_loop
async def test_entries_are_packed_for_who_asks(honest: KeptLedger) -> None:
    async with asking(honest.folder) as session:
        async with session.get("/tile/entries/000", headers={"Accept-Encoding": "identity"}) as answer:
            plain, plain_etag = await answer.read(), answer.headers["ETag"]
            assert "Content-Encoding" not in answer.headers
        async with session.get("/tile/entries/000", headers={"Accept-Encoding": "br, gzip;q=0.5"}) as answer:
            packed = await answer.read()
            assert answer.headers["Content-Encoding"] == "gzip"
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert answer.headers["ETag"] != plain_etag
        async with session.get("/tile/entries/000", headers={"Accept-Encoding": "gzip;q=0"}) as answer:
            assert await answer.read() == plain

    assert gzip.decompress(packed) == plain
    assert decode_bundle(plain) == honest.entries()[:256]


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-31", 206, slice(0, 32)),
        ("bytes=32-", 206, slice(32, None)),
        ("bytes=8190-9999", 206, slice(8190, None)),
        ("bytes=8192-", 416, slice(0, 0)),
        ("bytes=5-2", 200, slice(None)),
        ("bytes=-5", 200, slice(None)),
        ("bytes=0-1,4-5", 200, slice(None)),
        ("lines=0-1", 200, slice(None)),
    ],
)
@runs_in_a_loop
async def test_one_range_of_bytes_is_given(honest: KeptLedger, asked: str, status: int, part: slice) -> None:
    async with asking(honest.folder) as session:
        async with session.get("/tile/0/000") as answer:
            whole = await answer.read()
        async with session.get("/tile/0/000", headers={"Range": asked}) as answer:
            assert answer.status == status
            assert await answer.read() == whole[part]


@pytest.mark.parametrize("kind", ["data folder", "export"])
@runs_in_a_loop
async def test_every_tile_of_every_size_is_there_and_nothing_else(
    honest: KeptLedger, honest_export: Path, kind: str
) -> None:
    """LEDGER 3: partials exist for every published size."""
    size = len(honest.entries())
    async with asking(honest.folder if kind == "data folder" else honest_export) as session:
        for level, index, width in tiles_of(size):
            name = f"/tile/{level}/{index:03}" + ("" if width == 256 else f".p/{width}")
            async with session.get(name) as answer:
                assert (answer.status, len(await answer.read())) == (200, width * HASH_BYTES), name
        for name, count in (("/tile/0/000.p/7", 7 * HASH_BYTES), ("/tile/0/000.p/255", 255 * HASH_BYTES)):
            async with session.get(name) as answer:
                assert (answer.status, len(await answer.read())) == (200, count), name
        async with session.get("/tile/entries/000.p/3", headers={"Accept-Encoding": "identity"}) as answer:
            assert decode_bundle(await answer.read()) == honest.entries()[:3]
        for name in (
            "/",
            "/policy",
            "/checkpoint/",
            "/tile/0/009",
            f"/tile/0/{size // 256:03}",
            f"/tile/0/{size // 256:03}.p/{size % 256 + 1}",
            "/tile/0/0",
            "/tile/8/000",
            "/tile/0/../../hub.toml",
            "/tile/0/%2e%2e/%2e%2e/hub.toml",
            "/tile/entries/000.p/0",
            "/tile/1/001",
        ):
            async with session.get(name) as answer:
                assert answer.status == 404, name
                assert answer.headers["Cache-Control"] == "no-store"
        async with session.post("/checkpoint", data=b"x") as answer:
            assert answer.status == 405


@runs_in_a_loop
async def test_a_damaged_export_is_named_over_http_too(honest: KeptLedger, out: Path) -> None:
    damages: dict[str, Callable[[bytes], bytes]] = {
        "tile/entries/000": lambda data: data[:-1],
        "tile/0/000": lambda data: bytes([data[0] ^ 1]) + data[1:],
        "checkpoint": lambda data: data.replace(b"\n\n", b"\n"),
    }
    for name, damage in damages.items():
        file = out / "log" / name
        good = file.read_bytes()
        file.write_bytes(damage(good))
        async with published(out) as url:
            report = await asyncio.to_thread(run_audit, url)
        assert report.problem is not None, name
        assert report.problem.place in (name, name.replace("/entries/", "/0/"))
        file.write_bytes(good)
    (out / "log/tile/0/000").unlink()
    async with published(out) as url:
        report = await asyncio.to_thread(run_audit, url)

    assert report.problem is not None
    assert (report.problem.code, report.problem.place) == ("EXPORT_DAMAGED", "tile/0/000")


@runs_in_a_loop
async def test_a_forged_ledger_is_found_over_http(honest: KeptLedger, tmp_path: Path) -> None:
    entries = honest.entries()
    del entries[40]
    forged = forge(honest, tmp_path / "forged", entries)
    async with published(forged.folder) as url:
        report = await asyncio.to_thread(run_audit, url)

    assert report.problem is not None
    assert report.problem.index is not None


@runs_in_a_loop
async def test_an_export_goes_on_while_it_is_published(honest: KeptLedger, tmp_path: Path) -> None:
    run_export(honest.folder, tmp_path / "out")
    async with published(tmp_path / "out") as url:
        run_export(honest.folder, tmp_path / "out")
        report = await asyncio.to_thread(run_audit, url)

    assert report.problem is None


def test_plain_http_is_spoken_with_this_machine_only(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="SETTINGS_INVALID"):
        run_audit("http://ledger.example/")
    with pytest.raises(ContractError, match="SETTINGS_INVALID"):
        run_audit("https://user:secret@ledger.example/")
    with pytest.raises(ContractError, match="SETTINGS_INVALID"):
        PublishSettings.load(None, source=tmp_path, listen="0.0.0.0:0")


def test_nobody_at_the_address_says_nothing_about_the_ledger() -> None:
    with pytest.raises(UnavailableError, match="SOURCE_UNREADABLE"):
        run_audit("http://127.0.0.1:1/")


@runs_in_a_loop
async def test_a_folder_without_a_ledger_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="STORE_MISSING"):
        async with published(tmp_path):
            pass
    shutil.rmtree(tmp_path)
