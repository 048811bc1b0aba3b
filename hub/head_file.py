"""A receipt file of a `HeadsPublished`: what the ledger itself says that a delivery point was sent, without the ledger.

Source: LEDGER, sections 9 and 10.
"""

from __future__ import annotations

from typing import NamedTuple

from contracts.errors import EvidenceError
from contracts.ids import HUB_REGION, Hash, PointId
from contracts.schema import SchemaRegistry
from hub.completeness import PublishedHead
from hub.receipt_file import verify_receipt_file
from ledger.checkpoint import Checkpoint
from ledger.heads import HEADS_PUBLISHED
from ledger.policy import Policy


class HeadFile(NamedTuple):
    """What one file proves.

    Attributes:
        checkpoint: The signed head of the ledger that it leads to.
        head: What was published of the point; None if the event does not name it.
    """

    checkpoint: Checkpoint
    head: PublishedHead | None


def read_head_file(data: bytes, *, point: PointId, policy: Policy, registry: SchemaRegistry) -> HeadFile:
    """Check the receipt of a `HeadsPublished` and read what it says of a point.

    Args:
        data: A `.tlog-proof` with its entry.
        point: Whose head is meant.
        policy: Whose signatures count.
        registry: Schemas of bodies.

    Raises:
        ContractError, EvidenceError: As `verify_receipt_file`; RECEIPT_INVALID: the entry publishes no heads.
    """
    proved = verify_receipt_file(data, policy)
    header = proved.header
    if header is None or header.event_type != HEADS_PUBLISHED or header.producer_region != HUB_REGION:
        raise EvidenceError("RECEIPT_INVALID", f"entry {proved.index} is no {HEADS_PUBLISHED} of the hub")
    rows = registry.decode_body(header.body)[1]["heads"]
    found = [PublishedHead(row["n"], Hash(row["head"]), proved.index) for row in rows if row["point"] == point]
    return HeadFile(proved.checkpoint, found[0] if found else None)


def read_head_files(
    files: list[bytes], *, point: PointId, policy: Policy, registry: SchemaRegistry
) -> list[PublishedHead]:
    """Check several such files and that the ledger heads under them do not contradict each other.

    Raises:
        EvidenceError: As `read_head_file`; CONSISTENCY_INVALID: two roots are signed for one size.
    """
    roots: dict[int, Hash] = {}
    found: list[PublishedHead] = []
    for data in files:
        read = read_head_file(data, point=point, policy=policy, registry=registry)
        size, root = read.checkpoint.size, read.checkpoint.root
        if roots.setdefault(size, root) != root:
            raise EvidenceError(
                "CONSISTENCY_INVALID", f"two roots are signed for size {size}: {roots[size].hex()} and {root.hex()}"
            )
        if read.head is not None:
            found.append(read.head)
    return found
