"""The ledger over HTTP: checkpoint, hash tiles and entry bundles under the names that C2SP gives them.

    GET <prefix>/checkpoint                     asked for anew each time, for an ETag
    GET <prefix>/log-keys                       the chain of the log's keys, where it had more than one; as checkpoint
    GET <prefix>/tile/<L>/<N>[.p/<W>]           immutable
    GET <prefix>/tile/entries/<N>[.p/<W>]       immutable, gzip where the asker takes it

What the published checkpoint does not count is not there: 404. HEAD, `If-None-Match` and one range of bytes work; a
range is of the plain form. Anything between here and the asker may keep a tile for ever.

Source: LEDGER, sections 3 and 7; C2SP tlog-tiles.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from adapters.web.site import Handler, Reading
from hub.ports import LedgerFiles

TEXT: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"
IMMUTABLE: Final = "public, max-age=31536000, immutable"
FRESH: Final = "no-cache, max-age=0"
_ENTRIES: Final = "tile/entries/"
_GROWING: Final = ("checkpoint", "log-keys")
_match_range = re.compile(r"bytes=([0-9]{1,10})-([0-9]{0,10})").fullmatch
_has_gzip = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[0-9.]+\s*)?(?:,|$)").search


class LedgerSite:
    """Answers for one ledger.

    Args:
        files: The published ledger.
        prefix: Path before the names, without a slash at its end.
    """

    def __init__(self, files: LedgerFiles, *, prefix: str = "") -> None:
        self._files = files
        self._prefix = prefix
        self._reading: Reading | None = None

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Methods, paths and handlers; HEAD comes with GET."""
        return [
            (method, f"{self._prefix}/{{name:checkpoint|log-keys|tile/.+}}", self._answer) for method in ("GET", "HEAD")
        ]

    async def _answer(self, request: web.Request) -> web.Response:
        self._reading = self._reading or Reading()
        name = request.match_info["name"]
        data = await self._reading.run(self._files.file, name)
        is_packed = name.startswith(_ENTRIES) and _has_gzip(request.headers.get("Accept-Encoding", "")) is not None
        is_packed = is_packed and "Range" not in request.headers
        etag = f'"{hashlib.sha256(data).hexdigest()[:32]}{"-gzip" if is_packed else ""}"'
        headers = {
            "ETag": etag,
            "Cache-Control": FRESH if name in _GROWING else IMMUTABLE,
            "Accept-Ranges": "bytes",
            "X-Content-Type-Options": "nosniff",
            "Access-Control-Allow-Origin": "*",
        }
        if name.startswith(_ENTRIES):
            headers["Vary"] = "Accept-Encoding"
        if etag in [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]:
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = TEXT if name in _GROWING else BYTES
        if is_packed:
            # No time in it: the same entries are the same bytes, whoever asks and when.
            packed = await self._reading.run(gzip.compress, data, 6, mtime=0)
            return web.Response(body=packed, headers=headers | {"Content-Encoding": "gzip"})
        return _part(request, data, headers)


def _part(request: web.Request, data: bytes, headers: Mapping[str, str]) -> web.Response:
    """The whole, or the one range that is asked for; a range of another form is not understood and so ignored."""
    match = _match_range(request.headers.get("Range", ""))
    if match is None or request.method != "GET" or "If-Range" in request.headers:
        return web.Response(body=data, headers=headers)
    first, last = int(match[1]), int(match[2]) if match[2] else len(data) - 1
    if last < first and match[2]:
        return web.Response(body=data, headers=headers)
    if first >= len(data):
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
    last = min(last, len(data) - 1)
    where = {"Content-Range": f"bytes {first}-{last}/{len(data)}"}
    return web.Response(status=206, body=data[first : last + 1], headers={**headers, **where})
