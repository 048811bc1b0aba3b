"""What a witness signs when it has seen that a checkpoint continues the ledger it knows.

    signed bytes = "cosignature/v1\\ntime <seconds>\\n" || checkpoint text
    signature    = u64 seconds || Ed25519(signed bytes)                     72 bytes

It does not bind the name of the witness, so a policy counts a public key once (`ledger.policy`).

Source: LEDGER, section 8; C2SP tlog-cosignature.
"""

from typing import Final

from contracts.errors import ContractError

COSIGNATURE_BYTES: Final = 8 + 64
MAX_SECONDS: Final = (1 << 63) - 1


def cosigned_bytes(text: bytes, seconds: int) -> bytes:
    """Give the bytes that a witness signs.

    Args:
        text: Text of the checkpoint, with its final newline.
        seconds: When it was cosigned, seconds since the epoch.

    Raises:
        ContractError: NOTE_MALFORMED, the time is out of range.
    """
    if not 0 <= seconds <= MAX_SECONDS:
        raise ContractError("NOTE_MALFORMED", f"cosignature time {seconds} is out of range", field="time")
    return b"cosignature/v1\ntime %d\n" % seconds + text


def join_cosignature(seconds: int, signature: bytes) -> bytes:
    """Give the payload of a witness's signature line, without the key id."""
    return seconds.to_bytes(8, "big") + signature


def split_cosignature(payload: bytes) -> tuple[int, bytes]:
    """Read the payload of a witness's signature line.

    Returns:
        The time in seconds since the epoch, and the Ed25519 signature.

    Raises:
        ContractError: NOTE_MALFORMED, not 72 bytes or a time above 2**63 - 1.
    """
    seconds = int.from_bytes(payload[:8], "big")
    if len(payload) != COSIGNATURE_BYTES or seconds > MAX_SECONDS:
        raise ContractError("NOTE_MALFORMED", f"cosignature of {len(payload)} bytes and time {seconds}", field="time")
    return seconds, payload[8:]
