"""The terms of a cross-border basis: the bytes that the sending region signs, and the id that follows from them.

Personal content goes to Hong Kong or Macao only on a basis that the sending region and the hub have both signed (DOMAIN
9.6). The region signs these bytes with its batch key and hands the signature over; the hub puts terms and signature
into an event of its own and signs that. So everybody who has the ledger can check both, and neither can do it alone.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

BASIS_LABEL: Final = b"pprd-basis/v1\n\0"
"""Separates the signed terms of a basis from everything else that is signed."""


def basis_tbs(terms: Mapping[str, Any]) -> bytes:
    """Build the bytes that the region signs: the label, then every term with its length before it.

    Args:
        terms: `region`, `to_region`, `assessment`, `assessed_on`, `event_types`, `profiles`, `valid_from`, `valid_to`
            as in the body of a `CrossBorderBasisRegistered`.

    Returns:
        The label, then for each term in this order a 16-bit big-endian length and its bytes: text as UTF-8, a list as
        its items joined by `;`, an open end as nothing.
    """
    fields = (
        terms["region"],
        terms["to_region"],
        terms["assessment"],
        terms["assessed_on"],
        ";".join(terms["event_types"]),
        ";".join(terms["profiles"]),
        terms["valid_from"],
        terms["valid_to"] or "",
    )
    return BASIS_LABEL + b"".join(len(raw).to_bytes(2, "big") + raw for raw in map(str.encode, fields))


def basis_id(terms: Mapping[str, Any]) -> bytes:
    """The id of a basis, 8 bytes that follow from its terms, so that the same one is not registered twice."""
    return hashlib.sha256(basis_tbs(terms)).digest()[:8]
