"""Reading Avro by hand, canonical encodings only: one closure for each type, built by `contracts.avro_shape`.

Each piece of a value has one encoding here: a number in its shortest form, an array or a map in one block with a
positive count, a map key once. So what is read is exactly what would be written, and nothing has to be written again
to see it. Reading past the end is an IndexError; `of_record` turns it into a refusal that names the field.
Source: Apache Avro 1.12 specification, binary encoding.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn

from contracts.errors import ContractError

Read = Callable[[bytes, int], tuple[Any, int]]
"""Called with the bytes and where the value begins: gives the value and where the next one begins.

Raises AVRO_MALFORMED, or IndexError where the bytes end inside the value.
"""

_VARINT_BITS: Final = 63


def _refuse(reason: str) -> NoReturn:
    # Never with a value: it can be a person's.
    raise ContractError("AVRO_MALFORMED", reason)


def read_long(data: bytes, at: int) -> tuple[int, int]:
    """A `long`: zigzag, seven bits a byte, the low ones first."""
    byte = data[at]
    if byte < 0x80:
        return byte >> 1 ^ -(byte & 1), at + 1
    value, shift = byte & 0x7F, 0
    while byte > 0x7F:
        at += 1
        shift += 7
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if shift > _VARINT_BITS:
            _refuse("a number is longer than ten bytes")
    if not byte or value >> 64:
        _refuse("a number is not in its shortest form or above 64 bits")
    return value >> 1 ^ -(value & 1), at + 1


def read_int(data: bytes, at: int) -> tuple[int, int]:
    """An `int`: a `long` of 32 bits."""
    value, at = read_long(data, at)
    if not -(1 << 31) <= value < 1 << 31:
        _refuse("a number is above 32 bits")
    return value, at


def read_null(data: bytes, at: int) -> tuple[None, int]:
    """Nothing, in no bytes."""
    return None, at


def read_boolean(data: bytes, at: int) -> tuple[bool, int]:
    """One byte, 0 or 1."""
    byte = data[at]
    if byte > 1:
        _refuse("a boolean is neither 0 nor 1")
    return byte == 1, at + 1


def _of_float(form: struct.Struct) -> Read:
    def read(data: bytes, at: int) -> tuple[float, int]:
        end = at + form.size
        raw = data[at:end]
        if len(raw) < form.size:
            raise IndexError
        value: float = form.unpack(raw)[0]
        if form.pack(value) != raw:
            _refuse("a number that is none has other bits than a written one")
        return value, end

    return read


read_float: Final = _of_float(struct.Struct("<f"))
"""Four bytes, little endian."""
read_double: Final = _of_float(struct.Struct("<d"))
"""Eight bytes, little endian."""


def read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    """A `long` and that many bytes."""
    size, at = read_long(data, at)
    end = at + size
    if not at <= end <= len(data):
        _refuse("a length is negative or leads past the end")
    return data[at:end], end


def read_string(data: bytes, at: int) -> tuple[str, int]:
    """Bytes that are UTF-8."""
    raw, at = read_bytes(data, at)
    try:
        return raw.decode(), at
    except UnicodeDecodeError:
        # The cause is left out: it holds the bytes.
        raise ContractError("AVRO_MALFORMED", "a string is no UTF-8") from None


def of_fixed(size: int) -> Read:
    """Reads so many bytes."""

    def read(data: bytes, at: int) -> tuple[bytes, int]:
        end = at + size
        if end > len(data):
            raise IndexError
        return data[at:end], end

    return read


def of_enum(symbols: Sequence[str]) -> Read:
    """Reads the place of a symbol."""
    known = tuple(symbols)

    def read(data: bytes, at: int) -> tuple[str, int]:
        place, at = read_long(data, at)
        if not 0 <= place < len(known):
            _refuse("an enum has no such symbol")
        return known[place], at

    return read


def of_union(branches: Sequence[Read]) -> Read:
    """Reads the place of a branch, then its value."""
    known = tuple(branches)

    def read(data: bytes, at: int) -> tuple[Any, int]:
        place, at = read_long(data, at)
        if not 0 <= place < len(known):
            _refuse("a union has no such branch")
        return known[place](data, at)

    return read


def of_array(item: Read) -> Read:
    """Reads one block of items and the empty one that ends it; no items are the empty one alone."""

    def read(data: bytes, at: int) -> tuple[list[Any], int]:
        values: list[Any] = []
        count, at = read_long(data, at)
        if not count:
            return values, at
        # A negative count leaves the loop at once and is refused; items take bytes, so a huge one ends with these.
        for _ in range(count):
            value, at = item(data, at)
            values.append(value)
        if count < 0 or data[at]:
            _refuse("an array is not one block with a positive count")
        return values, at + 1

    return read


def of_map(item: Read) -> Read:
    """Reads one block of keys with values, as `of_array` items."""

    def entry(data: bytes, at: int) -> tuple[tuple[str, Any], int]:
        key, at = read_string(data, at)
        value, at = item(data, at)
        return (key, value), at

    entries = of_array(entry)

    def read(data: bytes, at: int) -> tuple[dict[str, Any], int]:
        pairs, at = entries(data, at)
        values = dict(pairs)
        if len(values) < len(pairs):
            _refuse("a map has a key twice")
        return values, at

    return read


def of_record(fields: Mapping[str, Read]) -> Read:
    """Reads one field after the other; a refusal names the field by its path."""
    rows = tuple(fields.items())

    def read(data: bytes, at: int) -> tuple[dict[str, Any], int]:
        values: dict[str, Any] = {}
        name = ""
        try:
            for name, inner in rows:
                values[name], at = inner(data, at)
        except ContractError as error:
            error.field = f"{name}.{error.field}" if error.field else name
            raise
        except IndexError:
            raise ContractError("AVRO_MALFORMED", "the bytes end inside a field", field=name) from None
        return values, at

    return read
