"""Writes the broker's configuration of a data folder: accounts from the directory, a server that includes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.compose.folder import DataFolder
from adapters.compose.key_locks import key_lock
from adapters.compose.parts import KEYS
from adapters.keys.folder import make_broker_key
from adapters.nats.accounts import accounts_text
from adapters.nats_server import CONFIG
from adapters.settings import is_loopback
from contracts.division import load_divisions
from contracts.errors import ContractError
from contracts.ids import LeafIndex, RegionCode
from contracts.schema import load_registry
from hub.directory import Directory

ACCOUNTS_FILE: Final = "accounts.conf"
SERVER_FILE: Final = "nats-server.conf"

_LISTENS: Final = "host: 127.0.0.1\nport: $PPRD_NATS_PORT\n"


@dataclass(frozen=True, slots=True)
class Tls:
    """How the broker speaks TLS.

    Attributes:
        cert: Certificate chain, PEM.
        key: Its private key, PEM.
        ca: Certificates that may have signed a client's; None asks clients for none.
    """

    cert: Path
    key: Path
    ca: Path | None


def write_broker_files(folder: DataFolder, out: Path, *, listen: str | None = None, tls: Tls | None = None) -> Path:
    """Write accounts and server configuration.

    Args:
        folder: Its ledger's directory says who may do what; the relay's key is made if there is none.
        out: Where the two files go; made if missing. What stands there is replaced.
        listen: `HOST:PORT`; None is the loopback address with the port of `PPRD_NATS_PORT`.
        tls: Required unless `listen` is a loopback address.

    Returns:
        The server's file.

    Raises:
        UnavailableError: STORE_MISSING: there is no ledger.
        ContractError: SETTINGS_INVALID: an address beyond this machine without TLS.
    """
    if listen is not None and tls is None and not is_loopback(listen):
        raise ContractError("SETTINGS_INVALID", f"listen: {listen} is not loopback: name a certificate", field="listen")
    relay = make_broker_key(folder.relay / KEYS, key_lock()).public_key().public_bytes_raw()
    out.mkdir(parents=True, exist_ok=True)
    (out / ACCOUNTS_FILE).write_text(accounts_text(relay, _keys(folder)), encoding="utf-8")
    server = out / SERVER_FILE
    server.write_text(_server_text(listen, tls), encoding="utf-8")
    return server


def _keys(folder: DataFolder) -> Mapping[RegionCode, Sequence[bytes]]:
    """The broker keys of each registered region that are not revoked."""
    store = folder.ledger()
    try:
        directory, registry = Directory(load_divisions()), load_registry()
        for index, entry in store.directory_entries(LeafIndex(0)):
            directory.apply_event(index, entry, registry)
    finally:
        store.close()
    keys: dict[RegionCode, list[bytes]] = {region: [] for region in directory.regions}
    for key in directory.signing_keys():
        if key.purpose == "broker" and key.revoked_at is None:
            keys[key.region].append(key.public_key)
    return keys


def _server_text(listen: str | None, tls: Tls | None) -> str:
    text = CONFIG.read_text(encoding="utf-8")
    if listen is not None:
        text = text.replace(_LISTENS, f"listen: {json.dumps(listen)}\n")
    text += f"\n# Who may do what.\ninclude ./{ACCOUNTS_FILE}\n"
    if tls is not None:
        files = {"cert_file": tls.cert, "key_file": tls.key} | ({} if tls.ca is None else {"ca_file": tls.ca})
        rows = [f"  {name}: {json.dumps(str(path.resolve()))}\n" for name, path in files.items()]
        text += f"\ntls {{\n{''.join(rows)}  verify: {'false' if tls.ca is None else 'true'}\n}}\n"
    return text
