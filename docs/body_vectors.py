"""The vectors of bodies that the hub makes when a ledger ends and when a month has closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contracts.ids import Hash
from contracts.schema import load_registry, load_schemas
from docs.spec.reference.avro import canonical
from hub.projections.digest import digest_of
from hub.projections.published_digests import digests_draft, digests_id

_MONTH: Final = "2026-03"
_POSITION: Final = 1_559
_ROWS: Final = ((b"\x01\x02", "44", 7), (b"\x01\x03", "45", 0))


def bodies_page() -> dict[str, Any]:
    """Bodies field by field, their schemas, and how id and digest of a month are made."""
    digests = {name: digest_of(name, _POSITION, _ROWS) for name in ("work_list", "indicators", "statistics")}
    published = digests_draft(_MONTH, _POSITION, "3:0123456789abcdef", digests).body
    good: list[tuple[str, Mapping[str, Any]]] = [
        ("pprd.v1.LedgerClosedBody", {"open_matters": 0, "successor": "pprd.example/vectors-after"}),
        ("pprd.v1.LedgerClosedBody", {"open_matters": 300, "successor": None}),
        ("pprd.v1.DigestsPublishedBody", published),
    ]
    registry, schemas = load_registry(), load_schemas()
    by_name = {schema["name"]: schema for schema in schemas.values() if "name" in schema}
    return {
        "good": [
            {"name": name.removeprefix("pprd.v1."), "fields": body, "bytes": registry.encode_body(name, body)}
            for name, body in good
        ],
        "schemas": [
            {
                "name": name,
                "canonical": canonical(by_name[name]),
                "fingerprint": registry.by_name(f"pprd.v1.{name}").fingerprint,
            }
            for name in ("LedgerClosedBody", "DigestsPublishedBody")
        ],
        "refused": [{"defect": defect, "bytes": data} for defect, data in _refused(registry.encode_body(*good[1]))],
        "month": {
            "month": _MONTH,
            "id": digests_id(_MONTH),
            "name": "work_list",
            "position": _POSITION,
            "rows": [list(row) for row in _ROWS],
            "digest": digests["work_list"],
        },
    }


def _refused(closed: bytes) -> list[tuple[str, bytes]]:
    return [
        ("one-byte-short", closed[:-1]),
        ("one-byte-left-over", closed + b"\0"),
        ("number-in-three-bytes-for-two", closed.replace(b"\xd8\x04", b"\xd8\x84\x00")),
        ("branch-2-of-two", closed[:-1] + b"\x04"),
        ("another-schema", Hash(bytes(32))[:10] + closed[10:]),
    ]
