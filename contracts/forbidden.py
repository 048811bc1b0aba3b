"""Names that no field, column or parameter may have: what the exchange must never carry (DOMAIN 11).

The list is `contracts/rules/forbidden_fields.txt`: one word a line, `#` begins a comment. A word is compared with the
words of a name, split at underscores, digits and changes of case; one that ends in `*` with their beginnings. A Chinese
word is looked for anywhere. Symbols of enums are exempt, so `POINTS_SETTLEMENT` may stand.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from contracts.errors import ContractError

# A run of capitals that is not the beginning of a word, a word, a run of capitals at the end.
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True, slots=True)
class ForbiddenNames:
    """The list, ready to match.

    Attributes:
        words: Whole words, lower case.
        beginnings: Beginnings of words, lower case.
        parts: Words of other scripts, found anywhere in a name.
    """

    words: frozenset[str]
    beginnings: tuple[str, ...]
    parts: tuple[str, ...]

    @classmethod
    def of(cls, lines: Iterable[str]) -> "ForbiddenNames":
        """Make it from the lines of a list."""
        rows = [row for line in lines if (row := line.partition("#")[0].strip().lower())]
        plain = [row for row in rows if row.isascii()]
        return cls(
            frozenset(row for row in plain if not row.endswith("*")),
            tuple(row[:-1] for row in plain if row.endswith("*")),
            tuple(row for row in rows if not row.isascii()),
        )

    def find(self, name: str) -> str | None:
        """The forbidden word in a name, None if there is none."""
        for word in words_of(name):
            if word in self.words or word.startswith(self.beginnings):
                return word
        return next((part for part in self.parts if part in name), None)


def words_of(name: str) -> list[str]:
    """Split a name at underscores, digits and changes of case; lower case: `riskLevel_2` is `risk`, `level`."""
    return [word.lower() for word in _WORD.findall(name)]


@cache
def load_forbidden_names() -> ForbiddenNames:
    """The packaged list."""
    text = files("contracts").joinpath("rules/forbidden_fields.txt").read_text(encoding="utf-8")
    return ForbiddenNames.of(text.splitlines())


def check_names(names: Iterable[str]) -> None:
    """Refuse forbidden names of fields, columns or parameters.

    Raises:
        ContractError: SCHEMA_UNSAFE naming the first.
    """
    forbidden = load_forbidden_names()
    for name in names:
        word = forbidden.find(name)
        if word is not None:
            raise ContractError("SCHEMA_UNSAFE", f"{name}: {word} is out of scope", field=name, rule="DOMAIN 11")


def check_schema_names(schema: Mapping[str, Any]) -> None:
    """Refuse a schema with a forbidden field name, at any depth.

    Raises:
        ContractError: SCHEMA_UNSAFE naming the field.
    """
    check_names(_field_names(schema))


def _field_names(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for branch in schema:
            yield from _field_names(branch)
    elif isinstance(schema, Mapping):
        for row in schema.get("fields", ()):
            yield row["name"]
            yield from row.get("aliases", ())
            yield from _field_names(row["type"])
        yield from _field_names(schema.get("items"))
        yield from _field_names(schema.get("values"))
