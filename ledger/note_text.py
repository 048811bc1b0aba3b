"""The words that notes, policies and proof files are made of: names of keys, decimal numbers, base64.

Each has one form. What another parser lets through (a sign, a leading zero, an underscore, base64 with bits left over)
is refused here, so that two readers never read two things. Lengths are looked at before anything is converted.

Source: LEDGER, section 2; C2SP signed-note and tlog-checkpoint.
"""

import base64
import binascii
import re
from typing import Final

from contracts.errors import ContractError

MAX_NUMBER: Final = (1 << 63) - 1
_is_name = re.compile(r"[^\x00-\x20\s+]+").fullmatch
_is_decimal = re.compile("0|[1-9][0-9]{0,18}", re.ASCII).fullmatch


def check_name(name: str) -> None:
    """Raise ContractError NOTE_MALFORMED unless a text may be the name of a key or the origin of a log."""
    if not _is_name(name):
        raise malformed(f"{name[:40]!r} is not the name of a key")


def parse_base64(text: str) -> bytes:
    """Read base64 in its one form: standard alphabet, padded, no bit left over.

    Raises:
        ContractError: NOTE_MALFORMED.
    """
    try:
        value = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as err:
        raise malformed(f"{text[:40]!r} is not base64") from err
    if base64.b64encode(value).decode() != text:
        raise malformed(f"{text[:40]!r} is not the base64 of its own content")
    return value


def parse_decimal(text: str) -> int:
    """Read a number from 0 to 2**63 - 1 in its one decimal form.

    Raises:
        ContractError: NOTE_MALFORMED.
    """
    if not _is_decimal(text) or int(text) > MAX_NUMBER:
        raise malformed(f"{text[:40]!r} is not a decimal number from 0 to 2**63 - 1")
    return int(text)


def malformed(message: str) -> ContractError:
    """The refusal of a form."""
    return ContractError("NOTE_MALFORMED", message)
