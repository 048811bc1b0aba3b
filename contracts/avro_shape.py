"""The shape of a schema: how deep it is, how few bytes it takes, what values fit it, and how they are written and read.

`shape_of` walks a schema once, refuses the unsafe ones and builds one closure that checks and writes values
(`contracts.avro_write`) and one that reads them (`contracts.avro_read`). A union is allowed only if the Python type of
a value tells its branch; without that the bytes of some values could not be read back.
"""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NoReturn

from contracts import avro_read, avro_write
from contracts.avro_read import Read
from contracts.avro_write import Write
from contracts.errors import ContractError

MAX_DEPTH: Final = 16
"""Deepest nesting of types, the outermost record counting 1."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a type demands.

    Attributes:
        write: Checks and writes a value.
        read: Reads a value.
        kind: The Python kind of its values, see `_TYPES`.
        width: Fewest bytes that a value takes.
        depth: Levels of types in it, at least 1.
    """

    write: Write
    read: Read
    kind: str
    width: int
    depth: int = 1


def shape_of(schema: object) -> Shape:
    """Walk a schema.

    Raises:
        ContractError: SCHEMA_UNSAFE, naming the place.
    """
    return _Walk().walk(schema, "", "", 1)


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (float,),
    "bytes": (bytes,),
    "text": (str,),
    "list": (list, tuple),
    "mapping": (dict, MappingProxyType),
}
"""The Python types of the values of each kind."""


def _unsafe(path: str, reason: str) -> NoReturn:
    raise ContractError("SCHEMA_UNSAFE", f"{path or 'schema'}: {reason}", field=path or None)


_PRIMITIVES: Final[dict[str, Shape]] = {
    "null": Shape(avro_write.write_null, avro_read.read_null, "null", 0),
    "boolean": Shape(avro_write.write_boolean, avro_read.read_boolean, "boolean", 1),
    "int": Shape(avro_write.write_int, avro_read.read_int, "integer", 1),
    "long": Shape(avro_write.write_long, avro_read.read_long, "integer", 1),
    "float": Shape(avro_write.write_float, avro_read.read_float, "number", 4),
    "double": Shape(avro_write.write_double, avro_read.read_double, "number", 8),
    "bytes": Shape(avro_write.write_bytes, avro_read.read_bytes, "bytes", 1),
    "string": Shape(avro_write.write_string, avro_read.read_string, "text", 1),
}


@dataclass(slots=True)
class _Walk:
    """One walk over one schema: the names defined so far; None stands for one that is still open."""

    names: dict[str, Shape | None] = field(default_factory=dict)

    def walk(self, schema: object, path: str, namespace: str, level: int) -> Shape:
        if level > MAX_DEPTH:
            _unsafe(path, f"nested deeper than {MAX_DEPTH}")
        if isinstance(schema, str):
            return self._named(schema, path, namespace, level)
        if isinstance(schema, list):
            return self._union(schema, path, namespace, level)
        if not isinstance(schema, dict):
            _unsafe(path, f"{type(schema).__name__} is no schema")
        if "logicalType" in schema:
            _unsafe(path, "logical types change what a value is; use the plain type")
        match schema.get("type"):
            case "record":
                return self._record(schema, path, namespace, level)
            case "enum" | "fixed":
                return self._leaf(schema, path, namespace)
            case "array":
                return self._array(schema, path, namespace, level)
            case "map":
                return self._map(schema, path, namespace, level)
            case str(name) if name in _PRIMITIVES:
                return _PRIMITIVES[name]
            case other:
                _unsafe(path, f"{other!r} is no type")

    def _named(self, name: str, path: str, namespace: str, level: int) -> Shape:
        if name in _PRIMITIVES:
            return _PRIMITIVES[name]
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        if full not in self.names:
            _unsafe(path, f"type {full} is not defined before")
        shape = self.names[full]
        if shape is None:
            _unsafe(path, f"type {full} contains itself")
        if level + shape.depth - 1 > MAX_DEPTH:
            _unsafe(path, f"nested deeper than {MAX_DEPTH}")
        return shape

    def _define(self, schema: dict[str, Any], path: str, namespace: str) -> tuple[str, str]:
        name, space = schema.get("name"), schema.get("namespace", namespace)
        if not isinstance(name, str) or not name or not isinstance(space, str):
            _unsafe(path, "a named type has no name")
        full = name if "." in name or not space else f"{space}.{name}"
        if full in self.names or full in _PRIMITIVES:
            _unsafe(path, f"type {full} is defined twice")
        self.names[full] = None
        return full, full.rpartition(".")[0]

    def _record(self, schema: dict[str, Any], path: str, namespace: str, level: int) -> Shape:
        full, inner = self._define(schema, path, namespace)
        fields: dict[str, Shape] = {}
        rows = schema.get("fields")
        if not isinstance(rows, list):
            _unsafe(path, "a record has no list of fields")
        for row in rows:
            name = row.get("name") if isinstance(row, dict) else None
            if not isinstance(name, str) or name in fields:
                _unsafe(path, "a field has no name or stands twice")
            fields[name] = self.walk(row.get("type"), f"{path}.{name}" if path else name, inner, level + 1)
        width = sum(shape.width for shape in fields.values())
        depth = 1 + max((shape.depth for shape in fields.values()), default=0)
        write = avro_write.of_record(full, {name: shape.write for name, shape in fields.items()})
        read = avro_read.of_record({name: shape.read for name, shape in fields.items()})
        shape = Shape(write, read, "mapping", width, depth)
        self.names[full] = shape
        return shape

    def _leaf(self, schema: dict[str, Any], path: str, namespace: str) -> Shape:
        full, _ = self._define(schema, path, namespace)
        if schema["type"] == "fixed":
            size = schema.get("size")
            if type(size) is not int or size < 0:
                _unsafe(path, "a fixed has no size")
            shape = Shape(avro_write.of_fixed(size), avro_read.of_fixed(size), "bytes", size)
        else:
            symbols = schema.get("symbols")
            if not isinstance(symbols, list) or not symbols or not all(isinstance(one, str) for one in symbols):
                _unsafe(path, "an enum has no symbols")
            shape = Shape(avro_write.of_enum(symbols), avro_read.of_enum(symbols), "text", 1)
        self.names[full] = shape
        return shape

    def _array(self, schema: dict[str, Any], path: str, namespace: str, level: int) -> Shape:
        items = self.walk(schema.get("items"), f"{path}[]", namespace, level + 1)
        if items.width == 0:
            _unsafe(path, "items take no bytes, so few bytes can hold any number of them")
        return Shape(avro_write.of_array(items.write), avro_read.of_array(items.read), "list", 1, items.depth + 1)

    def _map(self, schema: dict[str, Any], path: str, namespace: str, level: int) -> Shape:
        values = self.walk(schema.get("values"), f"{path}{{}}", namespace, level + 1)
        if values.width == 0:
            _unsafe(path, "values take no bytes")
        return Shape(avro_write.of_map(values.write), avro_read.of_map(values.read), "mapping", 1, values.depth + 1)

    def _union(self, branches: list[Any], path: str, namespace: str, level: int) -> Shape:
        shapes: dict[str, Shape] = {}
        for branch in branches:
            if isinstance(branch, list):
                _unsafe(path, "a union stands directly in a union")
            shape = self.walk(branch, path, namespace, level + 1)
            if shape.kind in shapes:
                _unsafe(path, f"two branches of a union hold a {shape.kind}, so a value does not tell which it is")
            shapes[shape.kind] = shape
        if not shapes:
            _unsafe(path, "a union has no branch")
        write = avro_write.of_union([(_TYPES[kind], kind, shape.write) for kind, shape in shapes.items()])
        width = 1 + min(shape.width for shape in shapes.values())
        read = avro_read.of_union([shape.read for shape in shapes.values()])
        return Shape(write, read, "union", width, 1 + max(shape.depth for shape in shapes.values()))
