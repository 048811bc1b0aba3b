"""Avro as the ledger uses it: one encoding of each value (`docs/spec/event.md`).

The types of our schemas are null, boolean, int, long, bytes, string, fixed, enum, array, record, and a union of null
and one other type. `Schemas` reads them from `contracts/avro`; nothing else is needed to read an entry.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from docs.spec.reference.unproved import UnprovedError, expect

_PRIMITIVE = ("null", "boolean", "int", "long", "bytes", "string")
_BITS = {"int": 31, "long": 63}


class Record(NamedTuple):
    """A value with the name of its schema, as in `ResidenceNoticeSentBody`."""

    name: str
    fields: dict[str, Any]


class Schemas:
    """All schemas, by fingerprint.

    Args:
        folder: `contracts/avro`.
    """

    def __init__(self, folder: Path) -> None:
        self._by_fingerprint: dict[bytes, Any] = {}
        for file in sorted(folder.rglob("*.avsc")):
            schema = json.loads(file.read_text(encoding="utf-8"))
            self._by_fingerprint[fingerprint(schema)] = schema

    def read(self, data: bytes) -> Record:
        """Read a single-object encoding: `C3 01`, 8 bytes of fingerprint, the value, and nothing behind it.

        Raises:
            UnprovedError: No schema has the fingerprint, or the rest is not the one encoding of a value.
        """
        expect(data[:2] == b"\xc3\x01", "no single-object encoding")
        schema = self._by_fingerprint.get(data[2:10])
        if schema is None:
            raise UnprovedError(f"no schema has the fingerprint {data[2:10].hex()}")
        return Record(schema["name"], decode(schema, data[10:]))

    def write(self, record: Record) -> bytes:
        """The single-object encoding of a value."""
        for print_bytes, schema in self._by_fingerprint.items():
            if schema["name"] == record.name:
                return b"\xc3\x01" + print_bytes + encode(schema, record.fields)
        raise UnprovedError(f"no schema is called {record.name}")


def decode(schema: Any, data: bytes) -> Any:
    """Read a value. What a lenient reader gives is right only if writing it again gives the same bytes.

    Raises:
        UnprovedError: The bytes are not the one encoding of a value.
    """
    try:
        value, end = _read(schema, data, 0, {})
        again = encode(schema, value)
    except (IndexError, UnicodeError, ValueError, KeyError):
        raise UnprovedError(f"{len(data)} bytes do not fit the schema") from None
    expect(end == len(data) and again == data, "the bytes are not the one encoding of this value")
    return value


def encode(schema: Any, value: Any) -> bytes:
    """Write a value."""
    return _write(schema, value, {})


def _resolve(schema: Any, named: dict[str, Any]) -> Any:
    """The schema that a name stands for; a named type is remembered where it is met first."""
    if isinstance(schema, str):
        return named.get(schema, {"type": schema})
    if isinstance(schema, dict) and "name" in schema:
        named[schema["name"]] = schema
    return schema


def _read(schema: Any, data: bytes, at: int, named: dict[str, Any]) -> tuple[Any, int]:
    schema = _resolve(schema, named)
    if isinstance(schema, list):
        branch, at = _read_number(data, at)
        return _read(schema[branch], data, at, named)
    match schema["type"]:
        case "null":
            return None, at
        case "boolean":
            return data[at] == 1, at + 1
        case "int" | "long":
            return _read_number(data, at)
        case "bytes" | "string" as kind:
            size, at = _read_number(data, at)
            value = data[at : at + size]
            expect(size >= 0 and len(value) == size, "a length leads beyond the end")
            if kind == "bytes":
                return value, at + size
            text = value.decode("utf-8")
            form = schema.get("pattern")
            expect(form is None or re.fullmatch(form, text, re.ASCII) is not None, "a string is not of its form")
            return text, at + size
        case "fixed":
            end = at + schema["size"]
            expect(end <= len(data), "a fixed leads beyond the end")
            return data[at:end], end
        case "enum":
            number, at = _read_number(data, at)
            return schema["symbols"][number], at
        case "array":
            return _read_array(schema["items"], data, at, named)
        case "record":
            fields = {}
            for field in schema["fields"]:
                fields[field["name"]], at = _read(field["type"], data, at, named)
            return fields, at
        case kind:
            raise UnprovedError(f"type {kind} is none of ours")


def _read_array(items: Any, data: bytes, at: int, named: dict[str, Any]) -> tuple[list[Any], int]:
    count, at = _read_number(data, at)
    values: list[Any] = []
    if count == 0:
        return values, at
    expect(0 < count <= len(data) - at, "an array counts more items than there are bytes")
    for _ in range(count):
        value, at = _read(items, data, at, named)
        values.append(value)
    expect(data[at] == 0, "an array of more than one block")
    return values, at + 1


def _read_number(data: bytes, at: int) -> tuple[int, int]:
    """Seven bits a byte, low ones first; then zigzag."""
    raw = shift = 0
    while data[at] & 0x80:
        raw |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        expect(shift < 70, "a number is longer than ten bytes")
    raw |= data[at] << shift
    return raw >> 1 ^ -(raw & 1), at + 1


def _write(schema: Any, value: Any, named: dict[str, Any]) -> bytes:
    schema = _resolve(schema, named)
    if isinstance(schema, list):
        branch = next(at for at, one in enumerate(schema) if (one == "null") is (value is None))
        return _write_number(branch) + _write(schema[branch], value, named)
    match schema["type"]:
        case "null":
            return b""
        case "boolean":
            return bytes((value,))
        case "int" | "long" as kind:
            expect(-1 << _BITS[kind] <= value < 1 << _BITS[kind], "a number is out of range")
            return _write_number(value)
        case "bytes":
            return _write_number(len(value)) + bytes(value)
        case "string":
            return _write_number(len(value.encode())) + bytes(value.encode())
        case "fixed":
            return bytes(value)
        case "enum":
            return _write_number(schema["symbols"].index(value))
        case "array":
            if not value:
                return b"\0"
            return _write_number(len(value)) + b"".join(_write(schema["items"], one, named) for one in value) + b"\0"
        case _:
            return b"".join(_write(field["type"], value[field["name"]], named) for field in schema["fields"])


def _write_number(value: int) -> bytes:
    raw = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while raw > 0x7F:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    out.append(raw)
    return bytes(out)


# -- the fingerprint of a schema (Avro specification: parsing canonical form, CRC-64-AVRO)


def canonical(schema: Any, namespace: str = "") -> str:
    """The parsing canonical form: full names, only the attributes that matter, in a fixed order, no white space."""
    if isinstance(schema, str):
        full = schema if schema in _PRIMITIVE or "." in schema or not namespace else f"{namespace}.{schema}"
        return json.dumps(full)
    if isinstance(schema, list):
        return f"[{','.join(canonical(one, namespace) for one in schema)}]"
    kind = schema["type"]
    if kind in _PRIMITIVE:
        return json.dumps(kind)
    if kind == "array":
        return f'{{"type":"array","items":{canonical(schema["items"], namespace)}}}'
    namespace = schema.get("namespace", namespace)
    name = f"{namespace}.{schema['name']}" if namespace else schema["name"]
    head = f'{{"name":{json.dumps(name)},"type":{json.dumps(kind)},'
    if kind == "fixed":
        return f'{head}"size":{schema["size"]}}}'
    if kind == "enum":
        return f'{head}"symbols":[{",".join(map(json.dumps, schema["symbols"]))}]}}'
    fields = (
        f'{{"name":{json.dumps(one["name"])},"type":{canonical(one["type"], namespace)}}}' for one in schema["fields"]
    )
    return f'{head}"fields":[{",".join(fields)}]}}'


def fingerprint(schema: Any) -> bytes:
    """CRC-64-AVRO of the canonical form, 8 bytes, little endian."""
    value = _EMPTY
    for byte in canonical(schema).encode():
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value.to_bytes(8, "little")


def _row(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_EMPTY if byte & 1 else 0)
    return byte


_EMPTY = 0xC15D213AA4D7A795
_TABLE = [_row(byte) for byte in range(256)]
