"""What a person's data may be typed into by mistake: a right draft, wrong in one place. Pure of pytest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from adapters.region.draft import Draft
from contracts.ids import OfficeId, RegionCode
from tests.support.canary_marks import ADDRESS, NAME, NUMBER, UNREAL_NUMBER

_FREE: Final = frozenset(
    {
        "name", "document_number", "proposed_address", "household_or_employer", "bans", "reasons", "title", "number",
        "old_value", "new_value", "certificate_number", "permit_number", "content",
        "place_of_release", "family_contact", "contact", "skills", "schooling", "recommendations", "health",
        "agreement", "services", "name_as_given", "home_facts", "conditions",
        "household_number", "about",
    }
)  # fmt: skip
"""Fields of profiles that take any text: there a person belongs."""

_WRONG_IDENTITIES: Final[Mapping[str, Mapping[str, str]]] = {
    "with a wrong check digit": {"document_number": NUMBER[:17] + "7"},
    "that somebody could hold": {"document_number": UNREAL_NUMBER},
    "born another day": {"birth_date": "1999-02-28"},
    "born on no day": {"birth_date": "2000-02-30"},
    "of another length": {"document_number": NUMBER + " " + NAME},
    "of another document": {"document_type": "PASSPORT"},
}


def misplaced(draft: Draft) -> Iterator[tuple[str, Draft]]:
    """Drafts that are wrong in one place each, most of them because something personal stands there."""
    yield "procedure", replace(draft, procedure=NAME)
    yield "event type", replace(draft, event_type=ADDRESS)
    yield "office", replace(draft, office=OfficeId(NAME))
    yield "counterpart region", replace(draft, counterpart_region=RegionCode(NUMBER))
    yield "counterpart office", replace(draft, counterpart_office=OfficeId(NUMBER))
    yield "correlation", replace(draft, correlation_id=NAME.encode())
    yield "body with a name for a field", replace(draft, body={**draft.body, NAME: NUMBER})
    for name in draft.body:
        for text in (NAME, NUMBER, ADDRESS):
            yield f"body.{name}", replace(draft, body={**draft.body, name: text})
        if name.endswith(("_on", "_from")) and draft.body[name] is not None:
            yield f"body.{name} is no day", replace(draft, body={**draft.body, name: "2000-02-30"})
    yield "unknown profile", replace(draft, payloads={**draft.payloads, NAME: ({NAME: NUMBER},)})
    for profile, contents in draft.payloads.items():
        for what, content in _wrong_contents(contents[0]):
            payloads = {**draft.payloads, profile: (content, *contents[1:])}
            yield f"{profile} {what}", replace(draft, payloads=payloads)


def _wrong_contents(content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "with a name for a field", {**content, NAME: NUMBER}
    yield "without a field", dict(list(content.items())[1:])
    yield "with another profile", {**content, "profile": NAME}
    for path in _coded(content):
        for text in (NAME, NUMBER):
            yield f"{'.'.join(map(str, path))} holds a text", _changed(content, path, text)
    for path in _identities(content):
        for what, change in _WRONG_IDENTITIES.items():
            for name, value in change.items():
                yield f"{'.'.join(map(str, path))} {what}", _changed(content, (*path, name), value)
    if "identity" in content:
        yield "identity is a text", {**content, "identity": ADDRESS}


def _identities(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths of the identity cores in a payload that hold the marked number."""
    if isinstance(value, Mapping):
        if value.get("document_number") == NUMBER:
            yield path
        for name, item in value.items():
            yield from _identities(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _identities(item, (*path, number))


def _coded(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths of everything in a payload that is no free text."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name not in _FREE:
                yield from _coded(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _coded(item, (*path, number))
    else:
        yield path


def _changed(value: Any, path: Sequence[str | int], text: str) -> Any:
    if not path:
        return text
    at, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        return {**value, cast("str", at): _changed(value[at], rest, text)}
    return [_changed(item, rest, text) if number == at else item for number, item in enumerate(value)]
