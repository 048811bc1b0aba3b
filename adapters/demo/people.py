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
_ADULT_YEARS: Final = (1800, 1858)
"""Embedded birth years; 148 years are added, so everyone acts as born from 1948 to 2006."""


@dataclass(frozen=True, slots=True)
class Person:
    """A synthetic person.

    Attributes:
        name: Obviously invented.
        number: A resident number of the synthetic ranges.
        birth_date: The date that the person acts as born.
    """

    name: str
    number: str
    birth_date: str

    def identity(self) -> dict[str, str]:
        """The identity core of DOMAIN 9.4."""
        return {
            "name": self.name,
            "document_type": "CN_RESIDENT_ID",
            "document_number": self.number,
            "birth_date": self.birth_date,
        }


def draw_person(random: Random, county6: str) -> Person:
    """Draw an adult.

    Args:
        random: Seeded.
        county6: Where the number was first issued: a county of one of the nine provinces.
    """
    embedded = date(random.randint(*_ADULT_YEARS), random.randint(1, 12), random.randint(1, 28))
    number = synthetic_resident_id(
        county6, embedded.year, embedded.month, embedded.day, sequence=random.randint(1, 899)
    )
    name = random.choice(_FAMILIES) + random.choice(_FIRST) + random.choice(_SECOND)
    return Person(name, number, acting_birth_date(embedded).isoformat())
