"""All schemas of the contracts, by name and by fingerprint: `load_registry()`.

Each file `contracts/avro/**/*.avsc` holds one record schema, complete in itself. A type that two files need stands in
both. The schemas under `body/` are those of event bodies: they hold only what `contracts.body` allows, and decoding one
also checks the forms of its strings.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, Final

from contracts.avro import Codec, Schema, fingerprint_of
from contracts.body import Forms, check_body_schema, forms_of
from contracts.compatibility import check_compatible
from contracts.errors import ContractError
from contracts.forbidden import check_schema_names

__all__ = ["SchemaRegistry", "check_compatible", "load_registry", "load_schemas"]

CACHED_BODIES: Final = 8_192
"""How many decoded bodies are kept."""
CACHED_BODY_BYTES: Final = 512
"""Longest body that is kept: bodies that repeat are short, and a cache of long ones could grow large."""

Body = tuple[str, Mapping[str, Any]]
"""Name of a body schema and the value, read only."""


@dataclass(frozen=True, slots=True)
class _BodyCodec:
    codec: Codec
    forms: Forms | None


@dataclass(frozen=True)
class SchemaRegistry:
    """Codecs by name and by fingerprint; make it with `SchemaRegistry.of` or `load_registry`.

    Attributes:
        codecs: Every codec by its full name; read only.
    """

    codecs: Mapping[str, Codec]
    _by_fingerprint: Mapping[bytes, Codec]
    _bodies: Mapping[bytes, _BodyCodec]
    _cached: Any = field(repr=False, compare=False, default=None)

    @classmethod
    def of(cls, schemas: Mapping[str, Schema]) -> "SchemaRegistry":
        """Check schemas and make their registry.

        Args:
            schemas: JSON of each schema by its path below `avro/`; those below `body/` are schemas of bodies.

        Raises:
            ContractError: SCHEMA_UNSAFE; a schema is unsafe, has a forbidden name, is no body schema where it stands
                as one, or two have one name or fingerprint.
        """
        codecs: dict[str, Codec] = {}
        by_fingerprint: dict[bytes, Codec] = {}
        bodies: dict[bytes, _BodyCodec] = {}
        for path, schema in schemas.items():
            codec = Codec.of(schema)
            check_schema_names(schema)
            if codec.name in codecs or codec.fingerprint in by_fingerprint:
                raise ContractError("SCHEMA_UNSAFE", f"{path}: name or fingerprint of {codec.name} stands twice")
            codecs[codec.name] = by_fingerprint[codec.fingerprint] = codec
            if path.startswith("body/"):
                check_body_schema(schema)
                bodies[codec.fingerprint] = _BodyCodec(codec, forms_of(schema))
        registry = cls(MappingProxyType(codecs), by_fingerprint, bodies)
        object.__setattr__(registry, "_cached", lru_cache(CACHED_BODIES)(registry._decode_body))
        return registry

    def by_fingerprint(self, fingerprint: bytes) -> Codec:
        """The codec of a schema fingerprint.

        Raises:
            ContractError: SCHEMA_UNKNOWN.
        """
        codec = self._by_fingerprint.get(fingerprint)
        if codec is None:
            raise ContractError("SCHEMA_UNKNOWN", f"no schema has the fingerprint {fingerprint.hex()}")
        return codec

    def by_name(self, name: str) -> Codec:
        """The codec of a full name, `pprd.v1.ResidenceNoticeSentBody`.

        Raises:
            ContractError: SCHEMA_UNKNOWN.
        """
        codec = self.codecs.get(name)
        if codec is None:
            raise ContractError("SCHEMA_UNKNOWN", f"no schema has the name {name!r}")
        return codec

    def decode_body(self, data: bytes) -> Body:
        """Read the body of an event; a repeated short body is read once.

        Args:
            data: Single-object encoding.

        Returns:
            Name of its schema and the value, which callers share and must not change.

        Raises:
            ContractError: SCHEMA_UNKNOWN; no body schema has the fingerprint. AVRO_MALFORMED; not canonical.
                BODY_FIELD; a string is not of its form.
        """
        body: Body = self._cached(data) if len(data) <= CACHED_BODY_BYTES else self._decode_body(data)
        return body

    def _decode_body(self, data: bytes) -> Body:
        fingerprint = fingerprint_of(data)
        body = self._bodies.get(fingerprint)
        if body is None:
            raise ContractError("SCHEMA_UNKNOWN", f"no body schema has the fingerprint {fingerprint.hex()}")
        value = body.codec.decode(data[10:])
        if body.forms is not None:
            body.forms(value, "")
        return body.codec.name, MappingProxyType(value)

    def encode_body(self, name: str, value: Mapping[str, Any]) -> bytes:
        """Encode the body of an event, so that `decode_body` reads it.

        Raises:
            ContractError: SCHEMA_UNKNOWN; no body schema has the name. AVRO_VALUE or BODY_FIELD naming the field.
        """
        codec = self.by_name(name)
        body = self._bodies.get(codec.fingerprint)
        if body is None:
            raise ContractError("SCHEMA_UNKNOWN", f"{name} is no body schema")
        data = codec.encode_single(value)
        if body.forms is not None:
            body.forms(value, "")
        return data


def load_schemas() -> dict[str, Schema]:
    """Read the JSON of all packaged schemas, by their path below `avro/`, sorted."""
    return dict(sorted(_read_schemas(files("contracts").joinpath("avro"), "")))


def _read_schemas(folder: Traversable, prefix: str) -> Iterator[tuple[str, Schema]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read_schemas(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".avsc"):
            yield f"{prefix}{entry.name}", json.loads(entry.read_text(encoding="utf-8"))


@cache
def load_registry() -> SchemaRegistry:
    """The registry of all packaged schemas, made once.

    Raises:
        ContractError: SCHEMA_UNSAFE, as `SchemaRegistry.of` says.
    """
    return SchemaRegistry.of(load_schemas())
