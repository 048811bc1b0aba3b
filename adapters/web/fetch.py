"""Asking over HTTP: every call has a deadline, every answer a longest length, no redirect is followed.

Plain HTTP is spoken with this machine only (docs/adr/0008). The library is imported by who asks: it would be a third
of the start of a program that asks nobody.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from contracts.errors import ContractError, UnavailableError

if TYPE_CHECKING:
    import aiohttp

AGENT: Final = "pprd"


class Answer(NamedTuple):
    """What came back.

    Attributes:
        status: HTTP status.
        body: At most as long as was allowed.
    """

    status: int
    body: bytes


def check_url(url: str, *, is_loopback: bool) -> str:
    """Check the address of a ledger or a witness; its form, and that it is encrypted unless on this machine.

    Args:
        url: `https://…`, or `http://…` on loopback.
        is_loopback: Whether its host is this machine.

    Returns:
        The address without a slash at its end.

    Raises:
        ContractError: SETTINGS_INVALID.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ContractError("SETTINGS_INVALID", "an address of the web is http://HOST/PATH or https://HOST/PATH")
    if parts.scheme == "http" and not is_loopback:
        raise ContractError("SETTINGS_INVALID", f"{parts.hostname} is not this machine: use https://")
    return url.rstrip("/")


def client(*, seconds: float, trusted: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
    """A session whose every call ends after so many seconds.

    Args:
        seconds: Of a whole call.
        trusted: Who may have signed the certificates; None trusts those of the system.
    """
    import aiohttp

    connector = aiohttp.TCPConnector(limit=16, ssl=True if trusted is None else trusted)
    timeout = aiohttp.ClientTimeout(total=seconds)
    return aiohttp.ClientSession(
        connector=connector, timeout=timeout, headers={"User-Agent": AGENT}, cookie_jar=aiohttp.DummyCookieJar()
    )


async def ask(
    session: aiohttp.ClientSession, method: str, url: str, *, body: bytes | None = None, max_bytes: int
) -> Answer:
    """Ask once.

    Raises:
        UnavailableError: SOURCE_UNREADABLE: nothing came, not in time, or more than allowed.
    """
    from aiohttp import ClientError

    try:
        async with session.request(method, url, data=body, allow_redirects=False) as response:
            content = await response.content.read(max_bytes + 1) if method != "HEAD" else b""
            while len(content) <= max_bytes and (more := await response.content.read(max_bytes + 1 - len(content))):
                content += more
            if len(content) > max_bytes:
                raise UnavailableError("SOURCE_UNREADABLE", f"the answer is longer than {max_bytes} bytes")
            return Answer(response.status, content)
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        raise UnavailableError("SOURCE_UNREADABLE", f"no answer: {type(error).__name__}") from error


def trusting(path: str | None) -> ssl.SSLContext | None:
    """TLS of an asker who trusts the certificates of a PEM file; None trusts those of the system.

    Raises:
        UnavailableError: SOURCE_UNREADABLE: the file holds no certificates.
    """
    if path is None:
        return None
    try:
        return ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise UnavailableError("SOURCE_UNREADABLE", f"{path} holds no certificates") from error
