"""Opens what an auditor can read a ledger from, where nothing but the ledger is kept: an export, the web, a hub."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import grpc

from adapters.compose.credentials import channel_credentials
from adapters.compose.local_source import is_export
from adapters.grpc.ledger_source import HubSource
from adapters.settings import is_loopback
from adapters.store.tiles_source import TilesSource
from adapters.web.fetch import check_url, trusting
from adapters.web.remote_files import RemoteFiles
from contracts.errors import UnavailableError
from hub.audit_source import Source

_is_address = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}").fullmatch


class Trust(NamedTuple):
    """Whom a reader believes and what it shows, on a line that is encrypted.

    Attributes:
        ca: Certificates that may have signed the other side's, PEM; None trusts those of the system.
        cert: Its own certificate chain, PEM, for a hub that asks for one; such as names `pprd://auditor`.
        key: The private key of it, PEM.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


SYSTEM: Final = Trust()
"""Nothing said: plain text on this machine, the authorities of the system elsewhere."""


def open_source(stack: ExitStack, text: str, trust: Trust = SYSTEM) -> Source:
    """Open a source until the stack ends.

    Args:
        stack: Closes it.
        text: An exported folder, `https://…`, or `HOST:PORT` of a hub.
        trust: Whom the reader believes and what it shows.

    Raises:
        UnavailableError: SOURCE_UNKNOWN, SOURCE_UNREADABLE.
        ContractError: SETTINGS_INVALID: an address of the web has another form, or would be read in plain text.
    """
    if is_web_address(text):
        return TilesSource.of_files(stack.enter_context(open_web(text, trust.ca)))
    if is_export(Path(text)):
        return TilesSource.of_folder(Path(text))
    if _is_address(text) and not Path(text).exists():
        return stack.enter_context(HubSource(text, credentials=_credentials(text, trust)))
    raise UnavailableError(
        "SOURCE_UNKNOWN", f"{text} is no data folder, no exported folder, no HOST:PORT and no https://..."
    )


def open_web(text: str, ca: Path | None) -> RemoteFiles:
    """The files at an address of the web; raises as `open_source`."""
    url = check_url(text, is_loopback=is_loopback(urlsplit(text).netloc))
    return RemoteFiles(url, trusted=trusting(None if ca is None else str(ca)))


def is_web_address(text: str) -> bool:
    """Whether a source is meant to be read over the web."""
    return text.startswith(("http://", "https://"))


def _credentials(address: str, trust: Trust) -> grpc.ChannelCredentials | None:
    if trust == SYSTEM:
        return None if is_loopback(address) else grpc.ssl_channel_credentials()
    try:
        return channel_credentials(*trust)
    except OSError as error:
        raise UnavailableError("SOURCE_UNREADABLE", f"{error.filename} cannot be read: {error.strerror}") from error
