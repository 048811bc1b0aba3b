"""The request for a page of an office's work list: the bytes that a region's gateway signs.

It is signed with the key of purpose `open`, as a request to open a payload is, under a label of its own. It names an
office and nothing of a person; there is no other question that can be asked of a work list.
"""

from typing import Final

WORK_LIST_LABEL: Final = b"pprd-worklist/v1\n\0"
"""Separates a signed request for a work list from everything else that is signed."""


def work_list_tbs(*, office: str, after: bytes, limit: int, created_ms: int, producer: str) -> bytes:
    """Build the bytes that are signed: the label, then every field with its length before it.

    Args:
        office: Id of the office.
        after: The place of the row before the page; empty for the first page.
        limit: Rows at most, 32 bits.
        created_ms: Milliseconds since the epoch, 64 bits.
        producer: Name of the gateway that signs, for example `44-node`.

    Raises:
        OverflowError: A field is longer than 65,535 bytes or a number has more bits.
    """
    fields = (office.encode(), after, limit.to_bytes(4, "big"), created_ms.to_bytes(8, "big"), producer.encode())
    return WORK_LIST_LABEL + b"".join(len(field).to_bytes(2, "big") + field for field in fields)
