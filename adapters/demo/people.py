"""People that nobody is: numbers that pass every check and that no one was ever given, names that no one bears.

Source: DOMAIN 3.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final

from contracts.identity import acting_birth_date, synthetic_resident_id

_FAMILIES: Final = ("测试", "样例", "演示", "虚构")
_FIRST: Final = "甲乙丙丁戊己庚辛壬癸"
_SECOND: Final = "一二三四五六七八九十"
_AGES: Final = {"ADULT": (20, 78), "YOUTH": (15, 16), "CHILD": (6, 13)}
"""Youngest and oldest, in full years at the end of the year in which the matter began."""
_YEARS_ADDED: Final = 148
_EMBEDDED_YEARS: Final = (1800, 1879)
"""Embedded birth years; 148 are added, so everyone acts as born from 1948 to 2027."""


@dataclass(frozen=True, slots=True)
class Person:
    """A synthetic person.

    Attributes:
        name: Obviously invented.
        document_type: `CN_RESIDENT_ID` or `PASSPORT`.
        number: A number of the synthetic ranges.
        birth_date: The date that the person acts as born.
    """

    name: str
    document_type: str
    number: str
    birth_date: str

    def identity(self) -> dict[str, str]:
        """The identity core of DOMAIN 9.4."""
        return {
            "name": self.name,
            "document_type": self.document_type,
            "document_number": self.number,
            "birth_date": self.birth_date,
        }


def draw_person(random: Random, county6: str, year: int, kind: str = "ADULT") -> Person:
    """Draw somebody.

    Args:
        random: Seeded.
        county6: Where the number was first issued: a county of one of the nine provinces.
        year: In which the matter began; ages count from here.
        kind: `ADULT`, `YOUTH`, `CHILD` or `FOREIGNER`.
    """
    youngest, oldest = _AGES.get(kind, _AGES["ADULT"])
    first, last = (year - age - _YEARS_ADDED for age in (oldest, youngest))
    embedded = date(
        min(max(random.randint(first, last), _EMBEDDED_YEARS[0]), _EMBEDDED_YEARS[1]),
        random.randint(1, 12),
        random.randint(1, 28),
    )
    name = random.choice(_FAMILIES) + random.choice(_FIRST) + random.choice(_SECOND)
    born = acting_birth_date(embedded).isoformat()
    if kind == "FOREIGNER":
        # The specimen state of ICAO, which issues nothing.
        return Person(name, "PASSPORT", f"UTO-L{random.randrange(10**8):08}", born)
    number = synthetic_resident_id(
        county6, embedded.year, embedded.month, embedded.day, sequence=random.randint(1, 899)
    )
    return Person(name, "CN_RESIDENT_ID", number, born)
