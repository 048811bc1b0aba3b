"""Policy files: whom a ledger, a witness or a reader of receipts believes."""

from __future__ import annotations

from pathlib import Path

from contracts.errors import UnavailableError
from ledger.policy import MAX_POLICY_BYTES, Policy, parse_policy


def read_policy(path: Path) -> Policy:
    """Read a policy file; raises UnavailableError SOURCE_UNREADABLE, or as `parse_policy`."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_POLICY_BYTES + 1)
    except OSError as error:
        raise UnavailableError("SOURCE_UNREADABLE", f"{path} cannot be read: {error.strerror}") from error
    return parse_policy(data)
