"""May a new schema stand beside an old one? The resolution rules of Avro, checked on schemas instead of data.

`check_compatible` asks whether every value that one schema can write can be read under the other, in both directions:
old readers meet new writers for as long as regions upgrade at their own pace.

Source: Apache Avro 1.12 specification, Schema Resolution; names are compared without namespace, as it says.
"""

from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias

from contracts.errors import ContractError

_Json: TypeAlias = Any

_PROMOTIONS: Final = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}
"""Writer type to the reader types that it can be read as, besides itself."""
_NAMED: Final = ("record", "enum", "fixed")


def check_compatible(old: dict[str, Any], new: dict[str, Any], *, backward_only: bool = False) -> None:
    """Check that two schemas read each other's data.

    Args:
        old: JSON of the released schema; complete in itself, not recursive.
        new: JSON of the schema that shall follow it; the same.
        backward_only: Ask only whether `new` reads what `old` wrote.

    Raises:
        ContractError: SCHEMA_BREAKING; `field` is the path of the first place that does not fit.
    """
    _Pair(_Names(new, "new"), _Names(old, "old")).check(new, old, "")
    if not backward_only:
        _Pair(_Names(old, "old"), _Names(new, "new")).check(old, new, "")


class _Names:
    """The named types of one schema, so that a reference can be followed."""

    def __init__(self, schema: _Json, side: str) -> None:
        self.side = side
        self._types: dict[str, _Json] = {}
        self._collect(schema, "")

    def _collect(self, schema: _Json, namespace: str) -> None:
        if isinstance(schema, list):
            for branch in schema:
                self._collect(branch, namespace)
        elif isinstance(schema, dict):
            if schema["type"] in _NAMED:
                full = full_name(schema, namespace)
                namespace = full.rpartition(".")[0]
                self._types[full] = schema
            for row in schema.get("fields", ()):
                self._collect(row["type"], namespace)
            self._collect(schema.get("items"), namespace)
            self._collect(schema.get("values"), namespace)

    def resolve(self, schema: _Json, namespace: str) -> tuple[_Json, str]:
        """The definition of a schema and the namespace inside it."""
        if isinstance(schema, str):
            full = schema if "." in schema or not namespace else f"{namespace}.{schema}"
            schema = self._types.get(full, {"type": schema})
            if schema["type"] in _NAMED:
                return schema, full.rpartition(".")[0]
        elif isinstance(schema, dict) and schema["type"] in _NAMED:
            return schema, full_name(schema, namespace).rpartition(".")[0]
        return schema, namespace


def full_name(schema: dict[str, Any], namespace: str) -> str:
    """Full name of a named type that stands in a namespace."""
    name: str = schema["name"]
    space = schema.get("namespace", namespace)
    return name if "." in name or not space else f"{space}.{name}"


@dataclass(slots=True)
class _Pair:
    """A reader and a writer, and the namespaces in which the two stand."""

    reader_names: _Names
    writer_names: _Names
    reader_space: str = ""
    writer_space: str = ""

    def check(self, reader: _Json, writer: _Json, path: str) -> None:
        """Raise SCHEMA_BREAKING if the reader cannot read something that the writer writes."""
        spaces = self.reader_space, self.writer_space
        reader, self.reader_space = self.reader_names.resolve(reader, self.reader_space)
        writer, self.writer_space = self.writer_names.resolve(writer, self.writer_space)
        try:
            self._check(reader, writer, path)
        finally:
            self.reader_space, self.writer_space = spaces

    def _check(self, reader: _Json, writer: _Json, path: str) -> None:
        if isinstance(writer, list):
            for branch in writer:
                self.check(reader, branch, path)
        elif isinstance(reader, list):
            self._check_branches(reader, writer, path)
        elif reader["type"] != writer["type"]:
            if reader["type"] not in _PROMOTIONS.get(writer["type"], ()):
                self._break(path, f"{writer['type']} cannot be read as {reader['type']}")
        elif reader["type"] == "array":
            self.check(reader["items"], writer["items"], f"{path}[]")
        elif reader["type"] == "map":
            self.check(reader["values"], writer["values"], f"{path}{{}}")
        elif reader["type"] in _NAMED:
            self._check_named(reader, writer, path)

    def _check_branches(self, reader: list[_Json], writer: _Json, path: str) -> None:
        for branch in reader:
            try:
                self.check(branch, writer, path)
            except ContractError:
                continue
            return
        self._break(path, f"no branch of the union reads {writer['type']}")

    def _check_named(self, reader: _Json, writer: _Json, path: str) -> None:
        if not self._is_same_name(reader, writer):
            self._break(path, f"type {writer['name']} is not {reader['name']}")
        match reader["type"]:
            case "fixed":
                if reader["size"] != writer["size"]:
                    self._break(path, f"{writer['size']} bytes are not {reader['size']}")
            case "enum":
                unknown = sorted(set(writer["symbols"]) - set(reader["symbols"]))
                if unknown and reader.get("default") not in reader["symbols"]:
                    self._break(path, f"symbols {unknown} are unknown and there is no default")
            case _:
                self._check_fields(reader, writer, path)

    def _is_same_name(self, reader: _Json, writer: _Json) -> bool:
        last = str(writer["name"]).rpartition(".")[2]
        if str(reader["name"]).rpartition(".")[2] == last:
            return True
        # The namespace inside a definition is the one of its full name.
        full = f"{self.writer_space}.{last}" if self.writer_space else last
        return full in reader.get("aliases", ())

    def _check_fields(self, reader: _Json, writer: _Json, path: str) -> None:
        written = {row["name"]: row for row in writer["fields"]}
        for row in reader["fields"]:
            place = f"{path}.{row['name']}" if path else row["name"]
            names = (row["name"], *row.get("aliases", ()))
            source = next((written[name] for name in names if name in written), None)
            if source is not None:
                self.check(row["type"], source["type"], place)
            elif "default" not in row:
                self._break(place, "the field is not written and has no default")

    def _break(self, path: str, reason: str) -> NoReturn:
        sides = f"{self.reader_names.side} schema cannot read what {self.writer_names.side} schema writes"
        raise ContractError("SCHEMA_BREAKING", f"{path or 'schema'}: {reason}; the {sides}", field=path or None)
