"""One Avro schema, ready to encode and decode: `Codec`.

A schema that could make a reader use unbounded time or memory is refused before it is used, a value must fit its schema
exactly (`contracts.avro_write`), and of all encodings of a value only the canonical one is read
(`contracts.avro_read`), so that `decode(b)` gives a value exactly when `encode(decode(b)) == b`. Error messages
name fields and types, never values: a value may be a person's.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fastavro import parse_schema
from fastavro.schema import SchemaParseException, UnknownType, fingerprint, to_parsing_canonical_form

from contracts.avro_read import Read
from contracts.avro_shape import shape_of
from contracts.avro_write import Write
from contracts.errors import ContractError

Schema: TypeAlias = dict[str, Any]
"""A parsed JSON Avro schema of one record."""

SINGLE_OBJECT_MARKER: Final = b"\xc3\x01"
"""First two bytes of a single-object encoding."""
MAX_DATA_BYTES: Final = 1 << 20
"""Longest input that `decode` looks at: above every size that the exchange allows."""


@dataclass(frozen=True, slots=True)
class Codec:
    """Encodes and decodes the values of one schema; make it with `Codec.of`.

    Attributes:
        name: Full name of the record.
        schema: The schema as given.
        fingerprint: 8 bytes, CRC-64-AVRO of the canonical form of the schema, little endian.
    """

    name: str
    schema: Schema
    fingerprint: bytes
    _write: Write
    _read: Read

    @classmethod
    def of(cls, schema: Schema) -> "Codec":
        """Check a schema and make its codec.

        Args:
            schema: JSON of one record schema, complete in itself.

        Raises:
            ContractError: SCHEMA_UNSAFE; the schema is malformed, refers to itself, nests deeper than 16, has array or
                map items that take no bytes, a union whose branches a value does not tell apart, or a logical type.
        """
        shape = shape_of(schema)
        try:
            parsed = parse_schema(schema)
            print_hex = fingerprint(to_parsing_canonical_form(parsed), "CRC-64-AVRO")
        except (SchemaParseException, UnknownType, KeyError, TypeError, ValueError) as err:
            raise ContractError("SCHEMA_UNSAFE", f"not an Avro schema: {err}") from err
        if not isinstance(parsed, dict) or parsed["type"] != "record":
            raise ContractError("SCHEMA_UNSAFE", "the outermost type is not a record")
        return cls(parsed["name"], schema, bytes.fromhex(print_hex), shape.write, shape.read)

    def encode(self, value: object) -> bytes:
        """Encode a value canonically.

        Raises:
            ContractError: AVRO_VALUE naming the field: a wrong type (also a float or a boolean for a number), a missing
                or extra field, a number out of range, a fixed of another size, an unknown symbol.
        """
        out: list[bytes] = []
        try:
            self._write(value, out)
        except ContractError as err:
            raise ContractError("AVRO_VALUE", f"{err.field or self.name}: {err.message}", field=err.field) from None
        return b"".join(out)

    def decode(self, data: bytes) -> Any:
        """Decode the canonical encoding of a value.

        Time and memory are bounded by a multiple of the length of `data`, at most `MAX_DATA_BYTES`.

        Raises:
            ContractError: AVRO_MALFORMED, naming the field; the bytes are not exactly what `encode` makes of any value.
        """
        if len(data) > MAX_DATA_BYTES:
            raise ContractError("AVRO_MALFORMED", f"{len(data)} bytes are more than {MAX_DATA_BYTES}")
        try:
            value, end = self._read(data, 0)
        except ContractError as err:
            raise ContractError("AVRO_MALFORMED", f"no {self.name}: {err.message}", field=err.field) from None
        if end != len(data):
            raise ContractError("AVRO_MALFORMED", f"{len(data) - end} bytes follow a {self.name}")
        return value

    def encode_single(self, value: object) -> bytes:
        """Encode a value in Avro's single-object encoding: marker, fingerprint, data.

        Raises:
            ContractError: AVRO_VALUE, as `encode` says.
        """
        return SINGLE_OBJECT_MARKER + self.fingerprint + self.encode(value)

    def decode_single(self, data: bytes) -> Any:
        """Decode a single-object encoding of this schema.

        Raises:
            ContractError: AVRO_MALFORMED; the marker is missing or the rest is not canonical. SCHEMA_MISMATCH; the
                fingerprint is another schema's.
        """
        if fingerprint_of(data) != self.fingerprint:
            raise ContractError("SCHEMA_MISMATCH", f"fingerprint {data[2:10].hex()} is not that of {self.name}")
        return self.decode(data[10:])


def fingerprint_of(data: bytes) -> bytes:
    """Read the schema fingerprint of a single-object encoding.

    Returns:
        8 bytes.

    Raises:
        ContractError: AVRO_MALFORMED; shorter than marker and fingerprint, or without the marker.
    """
    if len(data) < 10 or data[:2] != SINGLE_OBJECT_MARKER:
        raise ContractError("AVRO_MALFORMED", "no single-object encoding: marker or fingerprint is missing")
    return data[2:10]
