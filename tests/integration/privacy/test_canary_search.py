"""The search for marks finds a planted one, however it is written and wherever it stands."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from contracts.errors import ContractError
from tests.support.canary_marks import ADDRESS, NAME, NUMBER, REASON_TEXT, Mark, find, find_in_files, needles
from tests.support.hub_server import HubServer
from tests.support.raw_client import ask_raw
from tests.support.wire_tee import WireTee, http2_data

WAYS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": lambda text: text.encode(),
    "UTF-16, little end first": lambda text: text.encode("utf-16-le"),
    "UTF-16, big end first": lambda text: text.encode("utf-16-be"),
    "GB 18030": lambda text: text.encode("gb18030"),
    "hex": lambda text: text.encode().hex().encode(),
    "HEX": lambda text: text.encode().hex().upper().encode(),
    "hex of UTF-16": lambda text: text.encode("utf-16-le").hex().encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, one byte on": lambda text: base64.b64encode(b"x" + text.encode() + b"yz"),
    "base64, two bytes on": lambda text: base64.b64encode(b"xy" + text.encode() + b"z"),
    "base64 of UTF-16": lambda text: base64.b64encode(b"{" + text.encode("utf-16-be") + b"}"),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(b"?" + text.encode()),
    "percent": lambda text: quote(text).encode(),
    "JSON": lambda text: json.dumps({"x": text}).encode(),
    "a repr of bytes": lambda text: repr(text.encode()).encode(),
    "UTF-8 taken for Latin-1": lambda text: text.encode().decode("latin-1").encode(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mark", Mark)
def test_a_mark_is_found_in_every_encoding(mark: Mark, way: str) -> None:
    data = bytes(7) + WAYS[way](mark.value) + b"\xff" * 5

    assert {found.mark for found in find(data, "here")} == {mark}
    assert find(bytes(data[:9]), "here") == []


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        (NAME, Mark.NAME),
        (NUMBER, Mark.NUMBER),
        (NUMBER[:17] + "0", Mark.NUMBER),
        (NUMBER[6:], Mark.NUMBER),
        (ADDRESS, Mark.ADDRESS),
        (REASON_TEXT, Mark.TYPED_REASON),
    ],
)
def test_a_part_of_a_text_is_found_too(text: str, mark: Mark) -> None:
    assert mark in {found.mark for found in find(base64.b64encode(text.encode()), "here")}


def test_no_mark_is_a_part_of_another_one() -> None:
    assert [(a, b) for a in Mark for b in Mark if a is not b and a.value in b.value] == []
    assert min(len(needle) for mark in Mark for needle in needles(mark.value)) >= 8


def test_a_mark_is_found_in_a_file_its_name_and_the_cells_of_a_database(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.txt").write_text("nothing", encoding="utf-8")
    (tmp_path / "log.txt").write_text(f"id {NUMBER}", encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "some.sqlite", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE things (name TEXT, content BLOB)")
        # On two pages: no search of the file's bytes alone finds it whole.
        db.execute("INSERT INTO things VALUES (?,?)", ("x" * 4060 + ADDRESS, b"y" * 9000 + ADDRESS.encode("utf-16-le")))
        found = find_in_files(sorted(tmp_path.iterdir()), tmp_path)

    places = {(one.place, one.mark) for one in found}
    assert (f"name of {NAME}.txt", Mark.NAME) in places
    assert ("log.txt", Mark.NUMBER) in places
    assert ("some.sqlite things.name", Mark.ADDRESS) in places
    assert ("some.sqlite things.content", Mark.ADDRESS) in places


@pytest.mark.integration
def test_a_mark_on_a_line_of_grpc_is_found(tmp_path: Path) -> None:
    """A request of 200 KB that names somebody a thousand times."""
    raw = b"".join(bytes(200 - len(NAME.encode())) + NAME.encode() for _ in range(1000))

    async def main() -> list[bytes]:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            with WireTee(int(hub.address.rpartition(":")[2])) as tee:
                with pytest.raises(Exception, match="GetStreamRequest"):
                    await ask_raw(f"127.0.0.1:{tee.port}", "GetStream", raw)
                return list(tee.lines("request"))

    (line,) = asyncio.run(main())
    assert {found.mark for found in find(line, "line")} == {Mark.NAME}
    assert http2_data(line).count(NAME.encode()) == 1000


def test_a_mark_that_two_frames_share_is_found() -> None:
    """HTTP/2 cuts content into frames, mixes those of several calls and may pad them."""

    def frame(kind: int, call: int, content: bytes, flags: int = 0) -> bytes:
        return len(content).to_bytes(3, "big") + bytes((kind, flags)) + call.to_bytes(4, "big") + content

    name = NAME.encode()
    line = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"".join(
        (
            frame(4, 0, b"settings"),
            frame(0, 1, b"begin " + name[:5]),
            frame(0, 3, b"another call"),
            frame(0, 1, b"\x04" + name[5:9] + bytes(4), flags=0x8),
            frame(0, 1, name[9:] + b" end", flags=0x1),
        )
    )

    assert find(line, "line") == []
    assert http2_data(line) == b"begin " + name + b" end\0another call"
    assert {found.mark for found in find(http2_data(line), "line")} == {Mark.NAME}


def test_an_error_of_ours_that_quotes_is_found() -> None:
    """What the canary would say of a message that repeats what was typed."""
    error = ContractError("BODY_FIELD", f"division: {ADDRESS!r} is no code")

    assert {found.mark for found in find(str(error).encode(), "message")} == {Mark.ADDRESS}
