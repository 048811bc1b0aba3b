"""From a planned step to a draft: who acts, when, with which body, and what is sealed.

Values of stories and contents that begin with `@` are filled in here:

    @division, @division_elsewhere     the county of the side that acts, another one of its province (twelve digits)
    @division.there, @county.here      the county of one side of the flow, twelve and six digits
    @day, @day-N, @day+N               the local day of the step, N days before or after
    @start, @start-N, @start+N         the local day on which the matter began
    @id, @official                     16 opaque bytes
    @stream, @about                    the matter's own id, that of the matter that it is about
    @opened, @opened.hash              the event whose payload it opens, which payload
    @office.SIDE.TYPE                  the office of a type that serves the county of a side
    @number                            a number of a certificate that nobody issued
    @employer                          a code that no body can hold
    @identity, @identity.other         the person, somebody who belongs to the person
    @name, @name.corrected             the person's name
    @documents.legal, @documents.part  documents, whole or the part that travels in one payload
    @hashes, @hash_list, @part, @parts the hashes of the documents, the hash over them, which payload of how many
    @fact.NAME, @fact.NAME+1y          what the matter remembers, a year later
    @began.NAME                        a field of the first step's body
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from random import Random
from typing import Any, Final, NamedTuple

from adapters.demo.contents import CONTENTS
from adapters.demo.people import Person, draw_person
from adapters.demo.plan import Planned, demo_counties
from adapters.demo.story import Step
from adapters.region.draft import Draft, local_date
from contracts.errors import FatalError
from contracts.event import decode_event
from contracts.identity import synthetic_uscc
from contracts.ids import OfficeId, RegionCode, StreamId, uuid7
from contracts.instant import DAY_MS, rounded
from contracts.procedure_types import Procedure
from hub.directory import Directory
from hub.matter import Matter

_DOCUMENTS: Final = ("判决书", "执行通知书", "暂予监外执行决定书", "社区矫正档案")
_LEGAL_DOCUMENTS: Final = 2
_day = re.compile("@(day|start)([+-][0-9]+)?").fullmatch
_fact = re.compile(r"@fact\.([a-z_]+)(\+1y)?").fullmatch
_office = re.compile(r"@office\.([A-Z]+)\.([A-Z_]+)").fullmatch
_began = re.compile(r"@began\.([a-z_]+)").fullmatch


class Named(NamedTuple):
    """A payload as who may open it knows it.

    Attributes:
        event_id: The event that names it.
        ciphertext_hash: Which of its payloads.
    """

    event_id: bytes
    ciphertext_hash: bytes


def named(events: Iterable[bytes], profile: str) -> Named | None:
    """The last payload of a profile that some events of a matter name; None if none does."""
    headers = [decode_event(event) for event in events]
    found = [
        Named(header.event_id, ref.ciphertext_hash)
        for header in headers
        for ref in header.sealed
        if ref.profile == profile
    ]
    return found[-1] if found else None


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

    def draft(
        self,
        planned: Planned,
        number: int,
        matter: Matter | None,
        stream_id: StreamId | None,
        *,
        moment: int,
        about: StreamId | None = None,
        opened: Named | None = None,
    ) -> Draft:
        """The draft of a step.

        Args:
            planned: The matter.
            number: Which of its steps, from 0.
            matter: As it stands before the step.
            stream_id: Its stream; None begins it.
            moment: When the step happens, milliseconds.
            about: The stream of the matter that it is about, if it is about one that is known here.
            opened: The payload of that matter that it opens, if it opens one.
        """
        step = planned.story.steps[number]
        event_class = self._procedures[planned.story.procedure, 1].event_class
        occurred_at = rounded(event_class, moment)
        counties = self._counties[planned.region(step.side)]
        filling = _Filling(planned, number, matter, occurred_at, counties, about, opened, self._serving)
        counterpart = None if step.names is None else self._serving(planned, *step.names)
        return Draft(
            procedure=planned.story.procedure,
            event_type=step.event,
            office=self.office(planned, step),
            occurred_at=occurred_at,
            stream_id=stream_id,
            body=filling.value(step.body),
            counterpart_region=None if step.names is None else RegionCode(planned.region(step.names[0])),
            counterpart_office=counterpart,
            payloads=filling.payloads(),
            ref=ref_of(planned.number, number),
            correlation_id=planned.correlation_id,
            offence=planned.story.offence if event_class == "cas" else None,
        )

    def office(self, planned: Planned, step: Step) -> OfficeId:
        """The office that takes a step."""
        return self._serving(planned, step.side, step.office)

    def _serving(self, planned: Planned, side: str, office_type: str) -> OfficeId:
        office = self._directory.serving(office_type, planned.places[side])
        if office is None:
            raise FatalError("DEMO_FAILED", f"no {office_type} serves {planned.places[side]} in the demonstration")
        return office.office


def ref_of(planned_number: int, step: int) -> str:
    """The name under which a step is sent, so that it is sent once."""
    return f"m{planned_number}-{step}"


class _Filling:
    """Fills in one step."""

    def __init__(
        self,
        planned: Planned,
        number: int,
        matter: Matter | None,
        occurred_at: int,
        counties: Sequence[str],
        about: StreamId | None,
        opened: Named | None,
        serving: Callable[[Planned, str, str], OfficeId],
    ) -> None:
        self._opened = opened
        self._serving = serving
        self._planned = planned
        self._step: Step = planned.story.steps[number]
        self._matter = matter
        self._occurred_at = occurred_at
        self._county6 = planned.places[self._step.side]
        self._counties = counties
        self._about = about
        self._random = planned.random(f"step {number}")
        self._part = 0

    def value(self, value: Any) -> Any:
        """A value of a body or of a content; what does not begin with `@` stands for itself."""
        match value:
            case str() if value.startswith("@"):
                return self._named(value)
            case Mapping():
                return {name: self.value(item) for name, item in value.items()}
            case list():
                return [self.value(item) for item in value]
            case _:
                return value

    def payloads(self) -> dict[str, tuple[Mapping[str, Any], ...]]:
        """The contents of the step, by profile."""
        found: dict[str, tuple[Mapping[str, Any], ...]] = {}
        for profile in self._step.payloads:
            self._part = len(found.get(profile, ()))
            found[profile] = (*found.get(profile, ()), self._content(profile))
        return found

    def _content(self, profile: str) -> Mapping[str, Any]:
        usual, story = CONTENTS[profile], self._planned.story
        said = {name: value for name, value in self._step.says.items() if name in usual}
        content: dict[str, Any] = self.value({**usual, **said})
        if story.is_about_minor:
            content["minor"] = True
        if story.is_sealed:
            content["seal_state"] = "SEALED"
        return content

    def _named(self, value: str) -> Any:
        if (day := _day(value)) is not None:
            since = self._occurred_at if day[1] == "day" else self._planned.start_ms
            return local_date(since + int(day[2] or 0) * DAY_MS)
        if (fact := _fact(value)) is not None:
            return self._remembered(fact[1], is_year_later=fact[2] is not None)
        if (office := _office(value)) is not None:
            return self._serving(self._planned, office[1], office[2])
        if (began := _began(value)) is not None:
            return self._planned.story.steps[0].body[began[1]]
        known = _VALUES.get(value)
        if known is None:
            raise FatalError("DEMO_FAILED", f"no story may say {value}")
        return known(self)

    def _remembered(self, name: str, *, is_year_later: bool) -> Any:
        facts = {} if self._matter is None else dict(self._matter.facts)
        value = facts[name]
        if not is_year_later:
            return value
        day = date.fromisoformat(str(value))
        # The last day of February has no counterpart in most years; the rule takes the last day of the month.
        return day.replace(year=day.year + 1, day=min(day.day, 28) if day.month == 2 else day.day).isoformat()

    def opaque(self) -> bytes:
        """16 bytes with a time in them, as ids have."""
        return uuid7(unix_ms=self._occurred_at, entropy=self._random.randbytes(10))

    def official(self) -> bytes:
        """16 bytes that stand for an official."""
        return self._random.randbytes(16)

    def stream(self) -> bytes:
        """The matter's id."""
        if self._matter is None:
            raise FatalError("DEMO_FAILED", "a story seals its own stream's id in its first step")
        return self._matter.stream_id

    def about(self) -> bytes:
        """The id of the matter that this one is about."""
        if self._about is None:
            raise FatalError("DEMO_FAILED", "a story names the matter that it is about where nobody knows it")
        return self._about

    def opened(self) -> Named:
        """The payload that the matter opens."""
        if self._opened is None:
            raise FatalError("DEMO_FAILED", "a story opens what nobody knows")
        return self._opened

    def number(self) -> str:
        """A certificate's number."""
        return f"DEMO{self._planned.number:08}"

    def here(self) -> str:
        """County of the side where people live now."""
        return self._planned.places[self._planned.story.here]

    def there(self) -> str:
        """County of the side where people are registered."""
        return self._planned.places[self._planned.story.there]

    def county6(self) -> str:
        """County of the side that acts."""
        return self._county6

    def elsewhere(self) -> str:
        """Another county of the province that acts."""
        return self._random.choice([county6 for county6 in self._counties if county6 != self._county6])

    def person(self, who: str = "person", kind: str | None = None) -> Person:
        """Who the matter is about, or somebody who belongs to that person."""
        story, year = self._planned.story, int(local_date(self._planned.start_ms)[:4])
        return draw_person(self._planned.random(who), self.there(), year, kind or story.person)

    def documents(self) -> list[dict[str, Any]]:
        """The documents of the matter."""
        return [_document(self._planned, title) for title in _DOCUMENTS]

    def parts(self) -> int:
        """In how many payloads the documents travel."""
        return max(1, self._step.payloads.count("NP-COR-FILE"))

    def documents_of_part(self) -> list[dict[str, Any]]:
        """The documents of one payload."""
        documents, share = self.documents(), -(-len(_DOCUMENTS) // self.parts())
        return documents[share * self._part : share * (self._part + 1)]

    def part(self) -> int:
        """Which payload it is, from 1."""
        return self._part + 1

    def hashes(self) -> list[bytes]:
        """A hash a document."""
        return [hashlib.sha256(document["content"]).digest() for document in self.documents()]


_VALUES: Final[Mapping[str, Callable[[_Filling], Any]]] = {
    "@id": _Filling.opaque,
    "@official": _Filling.official,
    "@stream": _Filling.stream,
    "@about": _Filling.about,
    "@opened": lambda filling: filling.opened().event_id,
    "@opened.hash": lambda filling: filling.opened().ciphertext_hash,
    "@number": _Filling.number,
    "@employer": lambda filling: synthetic_uscc(f"91{filling.there()}PPRD0003"),
    "@division": lambda filling: filling.county6() + "000000",
    "@division_elsewhere": lambda filling: filling.elsewhere() + "000000",
    "@division.there": lambda filling: filling.there() + "000000",
    "@county.here": _Filling.here,
    "@identity": lambda filling: filling.person().identity(),
    "@identity.other": lambda filling: filling.person("other", "ADULT").identity(),
    "@name": lambda filling: filling.person().name,
    "@name.corrected": lambda filling: filling.person().name[::-1],
    "@documents.legal": lambda filling: filling.documents()[:_LEGAL_DOCUMENTS],
    "@documents.part": _Filling.documents_of_part,
    "@hashes": _Filling.hashes,
    "@hash_list": lambda filling: hashlib.sha256(b"".join(filling.hashes())).digest(),
    "@part": _Filling.part,
    "@parts": _Filling.parts,
}


def _document(planned: Planned, title: str) -> dict[str, Any]:
    random = Random(f"{planned.correlation_id.hex()} {title}")
    return {
        "title": title,
        "number": f"（演示）{random.randint(1, 9999)}号",
        "issued_on": local_date(planned.start_ms),
        "content": random.randbytes(200),
    }
