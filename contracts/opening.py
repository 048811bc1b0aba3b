"""The request to open one sealed payload: the bytes that a region's gateway signs, and the commitment to its reason.

The gateway signs with its key of purpose `open`; the hub rebuilds the same bytes from the fields it received and
records the opening before a byte of the payload leaves (DOMAIN 8.1). The typed reason never travels: the request holds
a code and a commitment whose key and text stay at the office.
"""

import hashlib
import hmac
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from contracts.errors import AccessError

OPEN_LABEL: Final = b"pprd-open/v1\n\0"
"""Separates a signed opening request from everything else that is signed."""
APPROVAL_LABEL: Final = b"pprd-approval/v1\n\0"
"""Separates a commitment to an approval from other keyed hashes."""
REASON_LABEL: Final = b"pprd-reason/v1\n\0"
"""Separates a commitment to a typed reason from other keyed hashes."""
OPEN_REASONS: Final = ("TASK", "RIGHTS_REQUEST", "AUDIT_ORDER", "EMERGENCY", "SEALED_QUERY")
"""The reason codes of a request, DOMAIN 7.1, 7.2, 7.5, 8.1. `RIGHTS_REQUEST` and the last two name a clearance in place
of an open task."""
OPEN_KEY_PURPOSE: Final = "open"
"""Purpose of the key that signs requests."""


def open_tbs(
    *,
    request_id: bytes,
    event_id: bytes,
    ciphertext_hash: bytes,
    office: str,
    officer: bytes,
    role: str,
    purpose: str,
    reason: str,
    reason_commitment: bytes,
    approval: bytes,
    created_ms: int,
    producer: str,
    clearance: bytes = b"",
) -> bytes:
    """Build the bytes that are signed: the label, then every field with its length before it.

    Args:
        request_id: 16 bytes, UUIDv7; one reading each.
        event_id: 16 bytes, the event that names the payload.
        ciphertext_hash: 32 bytes, SHA-256 of the envelope.
        office: Id of the recipient office.
        officer: 16 bytes, the office's own opaque reference to the officer.
        role: In which role the officer reads, one that the profile allows.
        purpose: Purpose code, DOMAIN 5.4.
        reason: One of `OPEN_REASONS`.
        reason_commitment: 32 bytes, see `reason_commitment`.
        approval: 32 bytes, see `approval_commitment`; random where nobody approved.
        created_ms: Milliseconds since the epoch, 64 bits.
        producer: Name of the gateway that signs, for example `44-node`.
        clearance: 16 bytes, the matter that stands in place of an open task; empty where there is one.

    Returns:
        The label, then for each field in this order a 16-bit big-endian length and the field's bytes: text as UTF-8,
        `created_ms` as 8 big-endian bytes. An empty clearance is no field.

    Raises:
        OverflowError: A field is longer than 65,535 bytes or `created_ms` is no 64-bit number.
    """
    fields = (
        request_id,
        event_id,
        ciphertext_hash,
        office.encode(),
        officer,
        role.encode(),
        purpose.encode(),
        reason.encode(),
        reason_commitment,
        approval,
        created_ms.to_bytes(8, "big"),
        producer.encode(),
        *((clearance,) if clearance else ()),
    )
    return OPEN_LABEL + b"".join(len(field).to_bytes(2, "big") + field for field in fields)


def reason_commitment(*, key: bytes, text: str) -> bytes:
    """Commit to the reason that an officer typed.

    Args:
        key: 32 random bytes that stay at the office, with the text.
        text: The reason, in the officer's words.

    Returns:
        HMAC-SHA256 over the label and the text, 32 bytes: says nothing about the text without the key.
    """
    return hmac.digest(key, REASON_LABEL + text.encode(), hashlib.sha256)


def approval_commitment(*, key: bytes, request_id: bytes, approver: bytes) -> bytes:
    """Commit to the approval of one request by a responsible person.

    Every request has 32 bytes in this place. Where nobody had to approve they are random: outside the office the two
    cannot be told apart, so they do not tell that a payload is about a minor.

    Args:
        key: 32 random bytes that stay at the office, with the approver's reference.
        request_id: The request that is approved, 16 bytes.
        approver: The office's own opaque reference to the person, 16 bytes.

    Returns:
        HMAC-SHA256 over the label, the request and the approver, 32 bytes.
    """
    return hmac.digest(key, APPROVAL_LABEL + request_id + approver, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class ClearanceRule:
    """What a reason asks for that stands in place of an open task.

    Attributes:
        procedure: Of the matter that clears: two other offices approved in it, or a person's request was granted.
        per_office: How many requests of an office may name it in an hour.
        is_sealed: It reads sealed records and nothing else; without it a sealed record is none.
        told_by: Event of the procedure after which the person concerned may know of the reading; empty: at once.
        offices: Fact of the matter that lists the offices it clears; empty: the one that started it.
        record: Fact that names the record whose payloads it clears, to each of them; empty: the one payload of which
            the matter names event and hash.
        only: A fact and the values under which it clears anything; None: under all.
    """

    procedure: str
    per_office: int
    is_sealed: bool
    told_by: str = ""
    offices: str = ""
    record: str = ""
    only: tuple[str, frozenset[str]] | None = None


@dataclass(frozen=True, slots=True)
class OpeningRules:
    """Who may read which profile, from `contracts/rules/openings.toml`.

    Attributes:
        roles: For each profile the roles that may read it.
        approved: Profiles that are always about a minor: a responsible person approves before the exchange is asked.
        withheld_hours: How long a gateway keeps what it may not show before somebody approved.
        clearances: By reason, what stands in place of an open task; every other reason needs one.
    """

    roles: Mapping[str, tuple[str, ...]]
    approved: frozenset[str]
    withheld_hours: int
    clearances: Mapping[str, ClearanceRule]

    def check_role(self, role: str, profile: str) -> None:
        """Check that a role may read a profile.

        Raises:
            AccessError: OPEN_ROLE.
        """
        if role not in self.roles.get(profile, ()):
            told = " or ".join(self.roles.get(profile, ())) or "nobody"
            raise AccessError("OPEN_ROLE", f"{profile} is read by {told}", field="role")


@cache
def load_opening_rules() -> OpeningRules:
    """The packaged rules."""
    table = tomllib.loads(files("contracts").joinpath("rules/openings.toml").read_text(encoding="utf-8"))
    roles: dict[str, tuple[str, ...]] = {}
    for row in table["role"]:
        for profile in row["profiles"]:
            roles[profile] = (*roles.get(profile, ()), row["name"])
    clearances = {row["reason"]: _clearance(row) for row in table["clearance"]}
    return OpeningRules(
        MappingProxyType(roles), frozenset(table["approved"]), table["withheld_hours"], MappingProxyType(clearances)
    )


def _clearance(row: Mapping[str, Any]) -> ClearanceRule:
    only = row.get("only")
    return ClearanceRule(
        row["procedure"],
        row["per_office"],
        row["sealed"],
        row.get("told_by", ""),
        row.get("offices", ""),
        row.get("record", ""),
        None if only is None else (only["fact"], frozenset(only["values"])),
    )
