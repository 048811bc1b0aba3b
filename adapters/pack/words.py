"""What the verifier of the page knows of the contracts: schemas by fingerprint, what ends content, Chinese words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contracts.edition import Contracts
from contracts.procedure_types import ENDS
from contracts.terms import load_terms

_KINDS: Final = frozenset(
    {"event", "procedure", "field", "office", "actor", "side", "purpose", "profile", "symbol", "reason"}
)
_READ: Final = ("EventHeader", "Entry", "Body")
"""How the names of the schemas end that a pack may need."""


def words_of(contracts: Contracts) -> dict[str, Any]:
    """The data of the verifier, the same for every pack of a release.

    Returns:
        `schemas`: Avro schemas by fingerprint in hex, without what only explains. `ends`: for
        `procedure/edition/event` the body field that names the stream or event whose content it destroys, None for its
        own stream. `terms`: Chinese words by kind, then `scope/name`.
    """
    codecs = contracts.registry.codecs
    schemas = {
        codec.fingerprint.hex(): _bare(codec.schema) | {"doc": codec.schema.get("doc", "")}
        for name, codec in sorted(codecs.items())
        if name.endswith(_READ)
    }
    terms: dict[str, dict[str, str]] = {}
    for (kind, scope, name), zh in load_terms().rows.items():
        if kind in _KINDS:
            terms.setdefault(kind, {})[f"{scope}/{name}"] = zh
    return {"schemas": schemas, "ends": _ends(contracts), "terms": terms}


def _ends(contracts: Contracts) -> Mapping[str, str | None]:
    return {
        f"{name}/{edition}/{event}": effect.on
        for (name, edition), procedure in sorted(contracts.procedures.items())
        for event, effect in sorted(procedure.effects.items())
        if effect.does in ENDS
    }


def _bare(schema: Any) -> Any:
    """A schema without what only explains, with which the same bytes are read."""
    if isinstance(schema, list):
        return [_bare(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _bare(part) for name, part in schema.items() if name not in ("doc", "pattern", "namespace", "default")
    }
