"""Chinese words for the names of the procedures: `Terms`, `load_terms`, from `contracts/terms.csv`.

One row a name: its kind; where one name means different things, the procedure whose word it is, or the field that may
hold a symbol (else empty); the name, and the word of the law. Identifiers stay English everywhere; pages and messages
for people take the word from here.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from contracts.messages import Language
from contracts.procedure_types import Procedure

_border = re.compile(r"(?<=[a-z])(?=[A-Z])|_|-")


@dataclass(frozen=True, slots=True)
class Terms:
    """The words.

    Attributes:
        rows: Chinese word by kind, scope and name.
    """

    rows: Mapping[tuple[str, str, str], str]

    def zh(self, kind: str, name: str, scope: str = "") -> str:
        """The Chinese word of a name; the name itself if there is none.

        Args:
            kind: `procedure`, `side`, `actor`, `office`, `state`, `event`, `command`, `profile`, `field` of a
                header, a body or a profile, `symbol` of an enumeration, `purpose`, `reason`, `content` or `region`.
            name: The identifier.
            scope: The procedure in which it stands.
        """
        return self.rows.get((kind, scope, name)) or self.rows.get((kind, "", name), name)

    def say(self, language: Language, kind: str, name: str, scope: str = "") -> str:
        """A name in plain words; in English those of the identifier itself.

        Args:
            language: `en` or `zh`.
            kind: As in `zh`.
            name: The identifier.
            scope: The procedure in which it stands.
        """
        return self.zh(kind, name, scope) if language == "zh" else _split(name)

    def missing(self, procedure: Procedure) -> Iterator[tuple[str, str]]:
        """Kind and name of everything in a procedure that has no word."""
        for kind, name in dict.fromkeys(_names(procedure)):
            if (kind, procedure.id, name) not in self.rows and (kind, "", name) not in self.rows:
                yield kind, name


@cache
def load_terms() -> Terms:
    """Read the packaged words once.

    Raises:
        ValueError: A row stands twice: this is a defect of the release, not of data.
    """
    rows: dict[tuple[str, str, str], str] = {}
    text = files("contracts").joinpath("terms.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        place = (row["kind"], row["scope"], row["id"])
        if place in rows:
            raise ValueError(f"terms.csv: {' '.join(place)} stands twice")
        rows[place] = row["zh"]
    return Terms(MappingProxyType(rows))


def _names(procedure: Procedure) -> Iterator[tuple[str, str]]:
    yield "procedure", procedure.id
    yield from (("side", side) for side in procedure.all_sides)
    yield from (("state", state) for state in procedure.states)
    for row in procedure.transitions:
        yield "command", row.command
        yield "event", row.event
        yield from (("office", office) for office in sorted(row.by.offices))
        yield from (("actor", actor) for actor in row.by.on_behalf)
        yield from (("side", notify.side) for notify in row.notify)
        yield from (("office", notify.office) for notify in row.notify if notify.office)


def _split(name: str) -> str:
    """`OpinionAsked`, `OPINION_ASKED` and `opinion_asked` as people write it: `opinion asked`."""
    return _border.sub(" ", name).lower()
