"""How a program says to the broker who it is: an NKey, which is an Ed25519 key written in the broker's own way.

The broker sends a nonce and the program signs it, so no secret travels. The client library has the protocol, but makes
NKeys with a package that is released as source only; the few lines here stand in for that package (ADR 0019).
"""

from __future__ import annotations

import base64
import binascii
from ssl import SSLContext
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nats.aio.client import Client

JETSTREAM_API: Final = "$JS.API"
"""Prefix of the broker's API in the account that holds the streams."""
REGION_API: Final = "EXCHANGE.API"
"""Prefix under which a region's account imports its part of that API; the plain one is each account's own."""

_USER_PREFIX: Final = bytes((20 << 3,))


class Login(NamedTuple):
    """What a program logs in with, if the broker asks.

    Attributes:
        key: Its registered key of purpose `broker`.
        api_prefix: Where its account has the JetStream API.
        tls: Whom it believes and what it shows on `tls://`; None believes the authorities of the system.
    """

    key: Ed25519PrivateKey
    api_prefix: str
    tls: SSLContext | None = None


def public_nkey(public_raw: bytes) -> str:
    """The name of a user in the broker's configuration.

    Args:
        public_raw: Ed25519 public key, 32 bytes.

    Source: NATS documentation, NKeys: base 32 of prefix byte, key and CRC-16 (XMODEM), low byte first.
    """
    named = _USER_PREFIX + public_raw
    checked = named + binascii.crc_hqx(named, 0).to_bytes(2, "little")
    return base64.b32encode(checked).decode("ascii").rstrip("=")


class LoginClient(Client):
    """The library's client, with an NKey.

    Args:
        login: Who connects; None connects without a name, as to a broker that asks nobody.

    Attributes:
        was_asked: Whether the broker asked.
    """

    def __init__(self, login: Login | None) -> None:
        super().__init__()
        self._login = login
        self.was_asked = False
        if login is not None:
            self._public_nkey = public_nkey(login.key.public_key().public_bytes_raw())

    def sign(self, nonce: str) -> bytes:
        """Sign the broker's nonce; the library calls this if it was given one."""
        self.was_asked = True
        return b"" if self._login is None else base64.b64encode(self._login.key.sign(nonce.encode("ascii")))

    @property
    def api_prefix(self) -> str:
        """Where JetStream is: a broker that asks for no name has no accounts."""
        return JETSTREAM_API if self._login is None or not self.was_asked else self._login.api_prefix
