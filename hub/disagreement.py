"""What was caught at one delivery point, as a file that somebody else can judge: no content, only counters and hashes.

    {"format": "pprd-disagreement/v1", "point", "code", "n", "finding",
     "held": [[n, index, leaf hex]...], "due": [[n, index, head hex]...] or null,
     "published": [receipt file of a HeadsPublished...], "receipts": [{...}...], "keys": [receipt file of a key...]}

Who judges it needs the ledger's key and nothing else: the published heads and the region's keys come with their proofs,
the region's word with its signature. Of `due` he reads what its maker derived; who doubts it replays the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contracts.errors import ContractError, EvidenceError
from contracts.ids import Hash, KeyId, LeafIndex, PointId, RegionCode
from contracts.schema import SchemaRegistry
from hub.completeness import Due, Held, IncompleteError, check_complete
from hub.delivery_receipt import DeliveryReceipt, verify_delivery
from hub.directory_values import SigningKey
from hub.head_file import read_head_files
from hub.receipt_file import verify_receipt_file
from ledger.policy import Policy

FORMAT: Final = "pprd-disagreement/v1"
MAX_BYTES: Final = 256 << 20
_HASH_HEX: Final = 64


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What was caught, with everything that shows it.

    Attributes:
        point: Whose notifications.
        code: Stable code of what was found.
        n: First counter that does not agree, as near as it can be told.
        finding: The finding in words.
        held: What the point holds, from 1.
        due: What its maker derived from the whole ledger; None where there was none.
        published: Receipt files of `HeadsPublished` events.
        receipts: The region's signed receipts.
        keys: Receipt files of the `KeyRegistered` of each key that signed a receipt.
    """

    point: PointId
    code: str
    n: int
    finding: str
    held: tuple[Held, ...]
    due: tuple[Due, ...] | None
    published: tuple[bytes, ...]
    receipts: tuple[DeliveryReceipt, ...]
    keys: tuple[bytes, ...]


def format_disagreement(found: Disagreement) -> bytes:
    """Write the file."""
    value = {
        "format": FORMAT,
        "point": found.point,
        "code": found.code,
        "n": found.n,
        "finding": found.finding,
        "held": [[row.n, row.leaf_index, row.leaf.hex()] for row in found.held],
        "due": None if found.due is None else [[row.n, row.leaf_index, row.head.hex()] for row in found.due],
        "published": [data.decode() for data in found.published],
        "receipts": [
            {
                "n": row.n,
                "head": row.head.hex(),
                "received_ms": row.received_ms,
                "key_id": row.key_id.hex(),
                "signature": row.signature.hex(),
            }
            for row in found.receipts
        ],
        "keys": [data.decode() for data in found.keys],
    }
    return (json.dumps(value, ensure_ascii=True, indent=1) + "\n").encode()


def parse_disagreement(data: bytes) -> Disagreement:
    """Read the form of a file; nothing is believed yet.

    Raises:
        ContractError: EVIDENCE_MALFORMED.
    """
    if len(data) > MAX_BYTES:
        raise _malformed(f"{len(data)} bytes are more than an evidence file has")
    try:
        value = json.loads(data)
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise _malformed(f"the file does not say {FORMAT}")
        point = PointId(_text(value["point"]))
        due = value["due"]
        return Disagreement(
            point=point,
            code=_text(value["code"]),
            n=_count(value["n"]),
            finding=_text(value["finding"]),
            held=tuple(Held(_count(n), LeafIndex(_count(at)), _hash(leaf)) for n, at, leaf in value["held"]),
            due=None
            if due is None
            else tuple(Due(_count(n), LeafIndex(_count(at)), _hash(head)) for n, at, head in due),
            published=tuple(_text(one).encode() for one in value["published"]),
            receipts=tuple(_receipt(point, one) for one in value["receipts"]),
            keys=tuple(_text(one).encode() for one in value["keys"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _malformed(f"{type(error).__name__}: a part is missing or of another kind") from error


def verify_disagreement(found: Disagreement, *, policy: Policy, registry: SchemaRegistry) -> IncompleteError:
    """Judge a file: everything signed is checked, the comparison is made again.

    Returns:
        What it shows.

    Raises:
        ContractError, EvidenceError: A proof or a signature in it does not hold; CONSISTENCY_INVALID is a finding of
            its own: two roots are signed for one size. EVIDENCE_EMPTY: everything in it agrees, or it shows something
            else than it says.
    """
    published = read_head_files(list(found.published), point=found.point, policy=policy, registry=registry)
    keys = dict(_key(data, policy, registry) for data in found.keys)
    for receipt in found.receipts:
        verify_delivery(receipt, keys.get(receipt.key_id))
    try:
        check_complete(point=found.point, held=found.held, published=published, receipts=found.receipts, due=found.due)
    except IncompleteError as shown:
        if (shown.code, shown.n) != (found.code, found.n):
            message = f"it says {found.code} at {found.n}, it shows {shown.code} at {shown.n}"
            raise EvidenceError("EVIDENCE_EMPTY", message) from shown
        return shown
    raise EvidenceError("EVIDENCE_EMPTY", f"held, published and receipted of {found.point} agree")


def _key(data: bytes, policy: Policy, registry: SchemaRegistry) -> tuple[KeyId, SigningKey]:
    """A region's key from the proof of its registration."""
    proved = verify_receipt_file(data, policy)
    if proved.header is None or proved.header.event_type != "KeyRegistered":
        raise EvidenceError("RECEIPT_INVALID", f"entry {proved.index} registers no key")
    body = registry.decode_body(proved.header.body)[1]
    region = RegionCode(body["region"])
    key = SigningKey(
        key_id=KeyId(body["key_id"]),
        purpose=body["purpose"],
        producer=PointId(body["producer"]),
        region=region,
        public_key=body["public_key"],
        registered_at=proved.index,
        revoked_at=None,
    )
    return key.key_id, key


def _due(value: tuple[object, object, object]) -> Due:
    n, at, head = value
    return Due(_count(n), LeafIndex(_count(at)), _hash(head))


def _receipt(point: PointId, value: Mapping[str, Any]) -> DeliveryReceipt:
    return DeliveryReceipt(
        point,
        _count(value["n"]),
        _hash(value["head"]),
        _count(value["received_ms"]),
        KeyId(bytes.fromhex(_text(value["key_id"]))),
        bytes.fromhex(_text(value["signature"])),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise TypeError
    return value


def _hash(value: object) -> Hash:
    text = _text(value)
    if len(text) != _HASH_HEX:
        raise ValueError
    return Hash(bytes.fromhex(text))


def _malformed(message: str) -> ContractError:
    return ContractError("EVIDENCE_MALFORMED", message)
