"""From a planned step to a draft: who acts, when, with which body, and what is sealed.

Values of a story's body that begin with `@` are filled in here:

    @division, @division_elsewhere   the county of the side that acts, another one of its province (twelve digits)
    @day, @day-N                     the local day of the step, N days before
    @id, @official                   16 opaque bytes
    @hash_list                       the hash over the documents that travel with the step
    @fact.NAME, @fact.NAME+1y        what the matter remembers, a year later
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from random import Random
from typing import Any, Final

from adapters.demo.people import Person, draw_person
from adapters.demo.plan import Planned, demo_counties
from adapters.demo.story import Step
from adapters.region.draft import Draft, local_date
from contracts.errors import FatalError
from contracts.ids import OfficeId, RegionCode, StreamId, uuid7
from contracts.instant import DAY_MS, rounded
from contracts.procedure_types import Procedure
from hub.directory import Directory
from hub.matter import Matter

_DOCUMENTS: Final = ("判决书", "执行通知书", "暂予监外执行决定书", "社区矫正档案")
_days_before = re.compile("@day-([0-9]+)").fullmatch
_fact = re.compile(r"@fact\.([a-z_]+)(\+1y)?").fullmatch


class Script:
    """Turns steps of the plan into drafts.

    Args:
        seed: Of the plan.
        directory: Who serves where.
        procedures: For the class of events.
    """

    def __init__(self, *, seed: int, directory: Directory, procedures: Mapping[tuple[str, int], Procedure]) -> None:
        self._counties = demo_counties(seed)
        self._directory = directory
        self._procedures = procedures

    def draft(self, planned: Planned, number: int, matter: Matter | None, stream_id: StreamId | None) -> Draft:
        """The draft of a step.

        Args:
            planned: The matter.
            number: Which of its steps, from 0.
            matter: As it stands before the step.
            stream_id: Its stream; None begins it.
        """
        step = planned.story.steps[number]
        event_class = self._procedures[planned.story.procedure, 1].event_class
        occurred_at = rounded(event_class, planned.moments()[number])
        filling = _Filling(planned, number, matter, occurred_at, self._counties[planned.region(step.side)])
        counterpart = None if step.names is None else self._serving(planned, *step.names)
        return Draft(
            procedure=planned.story.procedure,
            event_type=step.event,
            office=self._serving(planned, step.side, step.office),
            occurred_at=occurred_at,
            stream_id=stream_id,
            body={name: filling.value(value) for name, value in step.body.items()},
            counterpart_region=None if step.names is None else RegionCode(planned.region(step.names[0])),
            counterpart_office=counterpart,
            payloads=filling.payloads(step),
            ref=f"m{planned.number}-{number}",
            correlation_id=planned.correlation_id,
        )

    def _serving(self, planned: Planned, side: str, office_type: str) -> OfficeId:
        office = self._directory.serving(office_type, planned.places[side])
        if office is None:
            raise FatalError("DEMO_FAILED", f"no {office_type} serves {planned.places[side]} in the demonstration")
        return office.office


class _Filling:
    """Fills in one step."""

    def __init__(
        self, planned: Planned, number: int, matter: Matter | None, occurred_at: int, counties: Sequence[str]
    ) -> None:
        self._planned = planned
        self._matter = matter
        self._occurred_at = occurred_at
        self._county6 = planned.places[planned.story.steps[number].side]
        self._counties = counties
        self._random = planned.random(f"step {number}")
        self._person = _person(planned)
        self._documents = [_document(planned, title) for title in _DOCUMENTS]

    def value(self, value: Any) -> Any:
        """A body value; what does not begin with `@` stands for itself."""
        if not isinstance(value, str) or not value.startswith("@"):
            return value
        if (days := _days_before(value)) is not None:
            return local_date(self._occurred_at - int(days[1]) * DAY_MS)
        if (fact := _fact(value)) is not None:
            return self._remembered(fact[1], is_year_later=fact[2] is not None)
        match value:
            case "@day":
                return local_date(self._occurred_at)
            case "@id":
                return uuid7(unix_ms=self._occurred_at, entropy=self._random.randbytes(10))
            case "@official":
                return self._random.randbytes(16)
            case "@division":
                return self._county6 + "000000"
            case "@division_elsewhere":
                return self._random.choice([c for c in self._counties if c != self._county6]) + "000000"
            case "@hash_list":
                return _list_hash(self._documents)
            case _:
                raise FatalError("DEMO_FAILED", f"no story may say {value}")

    def _remembered(self, name: str, *, is_year_later: bool) -> Any:
        facts = {} if self._matter is None else dict(self._matter.facts)
        value = facts[name]
        if not is_year_later:
            return value
        day = date.fromisoformat(str(value))
        # The last day of February has no counterpart in most years; the rule takes the last day of the month.
        return day.replace(year=day.year + 1, day=min(day.day, 28) if day.month == 2 else day.day).isoformat()

    def payloads(self, step: Step) -> dict[str, tuple[Mapping[str, Any], ...]]:
        """The contents of a step, by profile."""
        found: dict[str, tuple[Mapping[str, Any], ...]] = {}
        for profile in step.payloads:
            part = len(found.get(profile, ()))
            found[profile] = (*found.get(profile, ()), _CONTENTS[profile](self, step, part))
        return found

    def notice(self, step: Step, part: int) -> Mapping[str, Any]:
        """NP-RES."""
        return {
            "identity": self._person.identity(),
            "county": self._planned.places["DESTINATION"],
            "date": local_date(self._planned.start_ms),
            "change": "STARTED",
        }

    def correction(self, step: Step, part: int) -> Mapping[str, Any]:
        """NP-CORRECTION."""
        return {
            "stream_id": self._stream_id,
            "correction_code": str(step.body["correction_code"]),
            "old_value": self._person.name,
            "new_value": self._person.name[::-1],
        }

    def death(self, step: Step, part: int) -> Mapping[str, Any]:
        """NP-DEATH."""
        return {
            "identity": self._person.identity(),
            "date": local_date(self._occurred_at),
            "certificate_number": f"DEMO{self._planned.number:08}",
        }

    def history(self, step: Step, part: int) -> Mapping[str, Any]:
        """NP-RP-HISTORY."""
        return {
            "identity": self._person.identity(),
            "permit_number": f"DEMO{self._planned.number:08}",
            "issued_on": [local_date(self._planned.moments()[2])],
            "endorsed_on": [],
            "suspended_on": [],
        }

    def asked(self, step: Step, part: int) -> Mapping[str, Any]:
        """NP-COR-ASK."""
        return {
            "identity": self._person.identity(),
            "proposed_address": self._planned.places["RECEIVING"] + "000000 演示路1号",
            "ground": "WORK",
            "household_or_employer": "演示用人单位",
            "measure": "SUSPENDED_SENTENCE",
            "end_date": local_date(self._planned.start_ms + 500 * DAY_MS),
            "bans": [],
        }

    def opinion(self, step: Step, part: int) -> Mapping[str, Any]:
        """NP-COR-OPINION."""
        opinion = step.body.get("opinion", "DISAGREE")
        reasons = "居住地、工作属实" if opinion == "AGREE" else "接收地住所不稳定，理由已书面说明"
        return {"stream_id": self._stream_id, "opinion": opinion, "reasons": reasons}

    def copy(self, step: Step, part: int) -> Mapping[str, Any]:
        """NP-COR-COPY."""
        return {"identity": self._person.identity(), "documents": self._documents[:2]}

    def file(self, step: Step, part: int) -> Mapping[str, Any]:
        """NP-COR-FILE: the documents, half of them a part."""
        half = len(self._documents) // 2
        return {
            "part": part + 1,
            "parts": 2,
            "hash_list": _hashes(self._documents),
            "documents": self._documents[half * part : half * (part + 1)],
        }

    def status(self, step: Step, part: int) -> Mapping[str, Any]:
        """NP-COR-STATUS."""
        state = {"ReportedIn": "REPORTED", "CaseReceived": "RECEIVED"}.get(step.event, "NOT_REPORTED")
        return {"stream_id": self._stream_id, "state": state, "date": local_date(self._occurred_at)}

    @property
    def _stream_id(self) -> bytes:
        if self._matter is None:
            raise FatalError("DEMO_FAILED", "a story seals its own stream's id in its first step")
        return self._matter.stream_id


_CONTENTS: Final[Mapping[str, Callable[[_Filling, Step, int], Mapping[str, Any]]]] = {
    "NP-RES": _Filling.notice,
    "NP-CORRECTION": _Filling.correction,
    "NP-DEATH": _Filling.death,
    "NP-RP-HISTORY": _Filling.history,
    "NP-COR-ASK": _Filling.asked,
    "NP-COR-OPINION": _Filling.opinion,
    "NP-COR-COPY": _Filling.copy,
    "NP-COR-FILE": _Filling.file,
    "NP-COR-STATUS": _Filling.status,
}


def _person(planned: Planned) -> Person:
    home = planned.places.get("ORIGIN") or planned.places.get("RECEIVING") or planned.places["NEW_CITY"]
    return draw_person(planned.random("person"), home)


def _document(planned: Planned, title: str) -> dict[str, Any]:
    random = Random(f"{planned.correlation_id.hex()} {title}")
    return {
        "title": title,
        "number": f"（演示）{random.randint(1, 9999)}号",
        "issued_on": local_date(planned.start_ms),
        "content": random.randbytes(200),
    }


def _hashes(documents: Sequence[Mapping[str, Any]]) -> list[bytes]:
    return [hashlib.sha256(document["content"]).digest() for document in documents]


def _list_hash(documents: Sequence[Mapping[str, Any]]) -> bytes:
    return hashlib.sha256(b"".join(_hashes(documents))).digest()
