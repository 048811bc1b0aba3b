"""Writing Avro by hand: one closure for each type, built by `contracts.avro_shape`, the other half of `avro_read`.

Each takes a value that fits its type exactly and refuses every other, so a value is looked at once. A number is written
in its shortest form, an array or a map in one block with a positive count. A refusal tells the type of what was given
and never the value; `of_record`, `of_array` and `of_map` name its place.
Source: Apache Avro 1.12 specification, binary encoding.
"""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NoReturn

from contracts.errors import ContractError

Write = Callable[[Any, list[bytes]], None]
"""Called with a value and the pieces before it; adds its own. Raises AVRO_VALUE if the value does not fit."""

_SHORT: Final = tuple(bytes((2 * number,)) for number in range(64))
"""The numbers that take one byte and are not negative: most lengths and counts."""
_MAPPINGS: Final = (dict, MappingProxyType)
_LISTS: Final = (list, tuple)


def _unfit(value: object, wanted: str) -> NoReturn:
    raise ContractError("AVRO_VALUE", f"{type(value).__name__} given, {wanted} wanted")


def _at(place: str, error: ContractError) -> None:
    """Put the place where a value stands before the one inside it that is wrong."""
    inner = error.field or ""
    error.field = place + ("." if inner and inner[0] not in "[{" else "") + inner


def _number(value: int) -> bytes:
    """A whole number of 64 bits: zigzag, seven bits a byte, the low ones first."""
    if 0 <= value < 64:
        return _SHORT[value]
    rest = value << 1 if value >= 0 else ~(value << 1)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def write_null(value: object, out: list[bytes]) -> None:
    """Nothing, in no bytes."""
    if value is not None:
        _unfit(value, "null")


def write_boolean(value: object, out: list[bytes]) -> None:
    """One byte, 0 or 1."""
    if type(value) is not bool:
        _unfit(value, "boolean")
    out.append(b"\1" if value else b"\0")


def _of_whole(bits: int, name: str) -> Write:
    low, high = -(1 << bits - 1), 1 << bits - 1

    def write(value: Any, out: list[bytes]) -> None:
        if type(value) is not int or not low <= value < high:
            _unfit(value, f"{name} of {bits} bits")
        out.append(_number(value))

    return write


write_int: Final = _of_whole(32, "int")
"""An `int`."""
write_long: Final = _of_whole(64, "long")
"""A `long`."""


def write_float(value: Any, out: list[bytes]) -> None:
    """Four bytes, little endian, of a number that they hold exactly."""
    if type(value) is not float:
        _unfit(value, "float")
    try:
        raw = struct.pack("<f", value)
    except OverflowError:
        _unfit(value, "number that 32 bits can hold")
    if struct.unpack("<f", raw)[0] != value and value == value:
        _unfit(value, "number that 32 bits can hold")
    out.append(raw)


def write_double(value: Any, out: list[bytes]) -> None:
    """Eight bytes, little endian."""
    if type(value) is not float:
        _unfit(value, "double")
    out.append(struct.pack("<d", value))


def write_bytes(value: Any, out: list[bytes]) -> None:
    """Their number and themselves."""
    if type(value) is not bytes:
        _unfit(value, "bytes")
    out.append(_number(len(value)))
    out.append(value)


def write_string(value: Any, out: list[bytes]) -> None:
    """UTF-8, as bytes."""
    if type(value) is not str:
        _unfit(value, "string")
    try:
        raw = value.encode()
    except UnicodeEncodeError:
        # The cause is left out: it holds the text.
        raise ContractError("AVRO_VALUE", "string is not Unicode text") from None
    size = len(raw)
    out.append(_SHORT[size] if size < 64 else _number(size))
    out.append(raw)


def of_fixed(size: int) -> Write:
    """Writes so many bytes."""

    def write(value: Any, out: list[bytes]) -> None:
        if type(value) is not bytes or len(value) != size:
            _unfit(value, f"{size} bytes")
        out.append(value)

    return write


def of_enum(symbols: Sequence[str]) -> Write:
    """Writes the place of a symbol."""
    places = {symbol: _number(place) for place, symbol in enumerate(symbols)}

    def write(value: Any, out: list[bytes]) -> None:
        place = places.get(value) if type(value) is str else None
        if place is None:
            _unfit(value, f"one of {sorted(places)}")
        out.append(place)

    return write


def of_union(branches: Iterable[tuple[tuple[type, ...], str, Write]]) -> Write:
    """Writes the place of a branch, then its value.

    Args:
        branches: Of each the types of its values, their kind in words, and how one is written.
    """
    known = {kind: (_number(place), write) for place, (kinds, _, write) in enumerate(branches) for kind in kinds}
    names = " or ".join(name for _, name, _ in branches)

    def write(value: Any, out: list[bytes]) -> None:
        branch = known.get(type(value))
        if branch is None:
            _unfit(value, names)
        place, inner = branch
        out.append(place)
        inner(value, out)

    return write


def of_array(item: Write) -> Write:
    """Writes one block of items and the empty one that ends it; no items are the empty one alone."""

    def write(value: Any, out: list[bytes]) -> None:
        if type(value) not in _LISTS:
            _unfit(value, "list")
        if value:
            out.append(_number(len(value)))
            try:
                for one in value:
                    item(one, out)
            except ContractError as error:
                _at("[]", error)
                raise
        out.append(b"\0")

    return write


def of_map(item: Write) -> Write:
    """Writes one block of keys with values, as `of_array` items."""

    def write(value: Any, out: list[bytes]) -> None:
        if type(value) not in _MAPPINGS:
            _unfit(value, "mapping")
        if value:
            out.append(_number(len(value)))
            try:
                for key, one in value.items():
                    write_string(key, out)
                    item(one, out)
            except ContractError as error:
                _at("{}", error)
                raise
        out.append(b"\0")

    return write


def of_record(name: str, fields: Mapping[str, Write]) -> Write:
    """Writes one field after the other of a mapping that has exactly these."""
    rows = tuple(fields.items())
    names = fields.keys()

    def write(value: Any, out: list[bytes]) -> None:
        if type(value) not in _MAPPINGS:
            _unfit(value, name)
        if value.keys() != names:
            missing = sorted(names - value.keys())
            raise ContractError(
                "AVRO_VALUE",
                f"{len(value.keys() - names)} fields too many, missing {missing}",
                field=missing[0] if missing else None,
            )
        field = ""
        try:
            for field, inner in rows:
                inner(value[field], out)
        except ContractError as error:
            _at(field, error)
            raise

    return write
