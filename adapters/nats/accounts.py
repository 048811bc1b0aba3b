"""The broker's accounts, written from the directory: who may read and publish what (DOMAIN 9.1, ADR 0019).

One account holds the streams, and only the relay is in it. Each region has an account of its own, which sees nothing of
the others: what it may reach is imported by name. It reads its own streams through one consumer that the relay made,
acknowledges there, hears the common subjects, and publishes its own receipts. It cannot make a stream or a consumer,
since who makes a consumer chooses where it delivers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from adapters.nats.login import JETSTREAM_API, REGION_API, public_nkey
from adapters.nats.streams import reading
from adapters.nats.subjects import COMMON_SUBJECTS, rcp_subject
from contracts.ids import RegionCode

EXCHANGE: Final = "EXCHANGE"
"""Name of the account that holds the streams."""

_INBOX: Final = "_INBOX.>"


def account_of(region: RegionCode) -> str:
    """Name of a region's account."""
    return f"REGION-{region}"


def accounts_text(relay_key: bytes, regions: Mapping[RegionCode, Sequence[bytes]]) -> str:
    """The `accounts` block of the broker's configuration.

    Args:
        relay_key: The relay's public key, 32 bytes.
        regions: The public keys of each region's gateways; a region without a key may not connect.

    Returns:
        A file for `include`; the same for the same keys.
    """
    exports = [_export("stream", subject) for subject in COMMON_SUBJECTS]
    for region in sorted(regions):
        exports += [_export("service", subject, region) for subject in _served(region)]
    lines = [
        "# Written from the directory by `pprd deploy nats`; write it again when keys change, then reload the broker.",
        "accounts {",
        f"  {EXCHANGE} {{",
        "    jetstream: enabled",
        f"    users: [{{nkey: {public_nkey(relay_key)}}}]",
        *_listed("exports", exports),
        "  }",
    ]
    for region in sorted(regions):
        lines += _region(region, regions[region])
    return "\n".join((*lines, "}", ""))


def _region(region: RegionCode, keys: Iterable[bytes]) -> Iterator[str]:
    publish = [_imported(subject) for subject in _served(region)]
    permissions = f"{{publish: {json.dumps(publish)}, subscribe: {json.dumps([_INBOX, *COMMON_SUBJECTS])}}}"
    users = [f"{{nkey: {public_nkey(key)}, permissions: {permissions}}}" for key in sorted(keys)]
    imports = [_import("service", subject) for subject in _served(region)]
    imports += [_import("stream", subject) for subject in COMMON_SUBJECTS]
    yield f"  {account_of(region)} {{"
    yield from _listed("users", users)
    yield from _listed("imports", imports)
    yield "  }"


def _served(region: RegionCode) -> list[str]:
    """The subjects of the exchange's account that answer one region, as that account calls them."""
    subjects = [rcp_subject(region)]
    for stream, durable in reading(region):
        subjects += [
            f"{JETSTREAM_API}.CONSUMER.INFO.{stream}.{durable}",
            f"{JETSTREAM_API}.CONSUMER.MSG.NEXT.{stream}.{durable}",
            f"$JS.ACK.{stream}.{durable}.>",
        ]
    return subjects


def _imported(subject: str) -> str:
    """How a region's account calls it: the plain prefix is its own API, which it does not have."""
    return subject.replace(JETSTREAM_API, REGION_API)


def _export(kind: str, subject: str, region: RegionCode | None = None) -> str:
    said = f"{kind}: {json.dumps(subject)}"
    if region is not None:
        said += f", accounts: [{account_of(region)}]"
    if ".MSG.NEXT." in subject:
        said += ", response_type: stream"
    return f"{{{said}}}"


def _import(kind: str, subject: str) -> str:
    renamed = "" if _imported(subject) == subject else f", to: {json.dumps(_imported(subject))}"
    return f"{{{kind}: {{account: {EXCHANGE}, subject: {json.dumps(subject)}}}{renamed}}}"


def _listed(name: str, rows: Iterable[str]) -> Iterator[str]:
    yield f"    {name}: ["
    yield from (f"      {row}" for row in rows)
    yield "    ]"
