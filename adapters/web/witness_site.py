"""The witness over HTTP: `add-checkpoint`, and the last cosigned checkpoint of each ledger.

    POST <prefix>/add-checkpoint                          200 lines, 400, 403, 404, 409 size, 422
    GET  <prefix>/<hex sha256(origin)>/checkpoint

Source: LEDGER, section 8; C2SP tlog-witness.
"""

from __future__ import annotations

from typing import Final, Protocol

import structlog
from aiohttp import web

from adapters.web.site import Handler, Reading, plain
from contracts.errors import ExchangeError
from ledger.witness import MAX_BODY_BYTES, MovedError

SIZE_TYPE: Final = "text/x.tlog.size"
_STATUS: Final = {
    "WITNESS_REQUEST_MALFORMED": 400,
    "LOG_SIGNATURE_INVALID": 403,
    "LOG_UNKNOWN": 404,
    "WITNESS_MOVED": 409,
    "CONSISTENCY_INVALID": 422,
}
log = structlog.get_logger()


class Witnessing(Protocol):
    """Who decides and remembers; called on a thread, several calls at a time."""

    def add_checkpoint(self, body: bytes) -> bytes:
        """Check a request, remember the checkpoint durably, then cosign.

        Returns:
            One or more signature lines.

        Raises:
            ExchangeError: As `ledger.witness.open_request` and `check_growth`.
        """

    def last_checkpoint(self, origin_hash: bytes) -> bytes:
        """The last cosigned note of the ledger whose origin has this SHA-256.

        Raises:
            RuleError: NOT_FOUND.
        """


class WitnessSite:
    """Answers for one witness.

    Args:
        witness: Decides and remembers.
    """

    def __init__(self, witness: Witnessing) -> None:
        self._witness = witness
        self._reading: Reading | None = None

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Methods, paths and handlers."""
        return [
            ("POST", "/add-checkpoint", self._add),
            ("GET", "/{hash:[0-9a-f]{64}}/checkpoint", self._last),
        ]

    async def _add(self, request: web.Request) -> web.Response:
        self._reading = self._reading or Reading()
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return plain(400, f"longer than {MAX_BODY_BYTES} bytes\n")
        try:
            lines = await self._reading.run(self._witness.add_checkpoint, body)
        except MovedError as moved:
            return plain(409, f"{moved.size}\n", content_type=SIZE_TYPE)
        except ExchangeError as error:
            status = _STATUS.get(error.code)
            if status is None:
                raise
            log.warning("checkpoint.refused", code=error.code)
            return plain(status, f"{error.code}\n")
        return web.Response(body=lines, content_type="text/plain", charset="utf-8")

    async def _last(self, request: web.Request) -> web.Response:
        self._reading = self._reading or Reading()
        note = await self._reading.run(self._witness.last_checkpoint, bytes.fromhex(request.match_info["hash"]))
        return web.Response(
            body=note, content_type="text/plain", charset="utf-8", headers={"Cache-Control": "no-cache, max-age=0"}
        )
