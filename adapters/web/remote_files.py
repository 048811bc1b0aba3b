"""The files of a ledger at an address of the web, read one by one: what `TilesSource` audits."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from adapters.web.fetch import ask, client
from contracts.errors import UnavailableError
from hub.audit_errors import KeptError

if TYPE_CHECKING:
    import aiohttp

_SECONDS: Final = 60.0
_TRIES: Final = 3
_PAUSE_SECONDS: Final = 0.3
MAX_FILE_BYTES: Final = 32 << 20


class RemoteFiles:
    """Reads names below an address; a context. Nothing but what is asked for is looked at: the web has no folders.

    Args:
        url: As `check_url` gave it.
        trusted: Who may have signed its certificate; None trusts those of the system.
    """

    def __init__(self, url: str, *, trusted: ssl.SSLContext | None = None) -> None:
        self._url = url
        self._trusted = trusted
        self._runner = asyncio.Runner()
        self._session: aiohttp.ClientSession | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            self._runner.run(self._session.close())
        self._runner.close()

    def read(self, name: str) -> bytes:
        """Bytes of a file.

        Raises:
            KeptError: EXPORT_DAMAGED: it is not published.
            UnavailableError: SOURCE_UNREADABLE: the server is away or failing.
        """
        return self._runner.run(self._read(name))

    async def _read(self, name: str) -> bytes:
        if self._session is None:
            self._session = client(seconds=_SECONDS, trusted=self._trusted)
        status = 0
        for attempt in range(_TRIES):
            answer = await ask(self._session, "GET", f"{self._url}/{name}", max_bytes=MAX_FILE_BYTES)
            status = answer.status
            if answer.status == 200:
                return answer.body
            if answer.status in (404, 410):
                raise KeptError("EXPORT_DAMAGED", "the file is missing", place=name)
            if answer.status < 500 and answer.status != 429:
                break
            await asyncio.sleep(_PAUSE_SECONDS * 2**attempt)
        raise UnavailableError("SOURCE_UNREADABLE", f"{name}: the server answers {status}")

    def has(self, name: str) -> bool:
        """Whether a name is published."""
        try:
            self.read(name)
        except KeptError:
            return False
        return True

    def names(self, folder: str) -> list[str]:
        """None: a server of tiles lists nothing."""
        return []

    def walk(self, folder: str = "") -> Iterator[str]:
        """None, as `names`."""
        return iter(())
