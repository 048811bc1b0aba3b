"""One hash over a projection at a place, so that two of them can be compared without showing a row: `digest_of`.

    digest = SHA-256("pprd-projection/v1\n\0" || len16 name || u64 position || for each row: u32 length || row)

A row is its values in the order of the table's columns, each with its length; rows come in the order of their key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from contracts.ids import Hash

LABEL = b"pprd-projection/v1\n\0"


def digest_of(name: str, position: int, rows: Iterable[tuple[object, ...]]) -> Hash:
    """Hash a projection.

    Args:
        name: Its name.
        position: Entries that it holds.
        rows: Its rows in the order of their key; values are text, bytes or whole numbers.
    """
    text = name.encode()
    total = hashlib.sha256(LABEL + len(text).to_bytes(2, "big") + text + position.to_bytes(8, "big"))
    for row in rows:
        data = b"".join(_value(value) for value in row)
        total.update(len(data).to_bytes(4, "big") + data)
    return Hash(total.digest())


def _value(value: object) -> bytes:
    match value:
        case bytes():
            data = b"x" + value
        case str():
            data = b"s" + value.encode()
        case int():
            data = b"i" + str(int(value)).encode()
        case _:
            raise TypeError(f"no row holds a {type(value).__name__}")
    return len(data).to_bytes(4, "big") + data
