"""What a provincial system asks its gateway to send: `Draft`, and how one line of JSON becomes one.

A draft names a matter, an event type, codes and dates, and personal data by profile. It holds nothing that the gateway
can find out: stream position, recipients, keys, mandates. Bytes are written as hex digits; instants as ISO 8601 with an
offset. Messages name fields, never values of a payload: they may be a person's.

Not here: whether the draft is right (`composer`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NoReturn
from uuid import UUID

from contracts.errors import ContractError
from contracts.event_fields import PATTERNS
from contracts.ids import REGIONS, OfficeId, RegionCode, StreamId, is_office_id, is_uuid7
from contracts.instant import local_day
from contracts.rights import Offence

MAX_LINE_BYTES: Final = 4 << 20
"""Longest line of a draft file: the largest payloads, written as hex digits."""

_KEYS: Final = frozenset(
    {"ref", "matter", "procedure", "event", "office", "counterpart", "occurred_at", "body", "payloads", "correlation",
     "causation", "offence"}
)  # fmt: skip
_REQUIRED: Final = ("matter", "procedure", "event", "office", "occurred_at")
_is_alias = re.compile("@[A-Za-z0-9._-]{1,64}", re.ASCII).fullmatch
_is_procedure, _is_event_type, _is_profile = (
    re.compile(PATTERNS[name], re.ASCII).fullmatch for name in ("procedure", "event_type", "profile")
)
_is_ref = re.compile("[A-Za-z0-9._:-]{1,64}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Draft:
    """One event that an office wants to record.

    Attributes:
        procedure: Its procedure; of several editions the newest, or the one that the matter began under.
        event_type: For example `ResidenceNoticeSent`.
        office: The office that acts.
        occurred_at: Milliseconds since the epoch; the gateway rounds it down as the event's class demands.
        stream_id: The matter it continues; None starts a new one, or the one that `alias` names.
        body: Fields of the event's body schema.
        counterpart_region: The other region, if the event names one.
        counterpart_office: The other office, if the event names one.
        payloads: Content by profile: one mapping a payload, without the fields that every payload has in common,
            unless they differ from what the event says.
        ref: The sending system's own name; a draft with a name that was sent before is not sent again.
        correlation_id: An id of the sending system's, 16 bytes UUIDv7, or None.
        causation_id: The event that led to this one, or None.
        alias: The sending system's own name, `@...`, of a matter: the first draft with it starts the matter, later ones
            continue it. None where `stream_id` says which, or the draft starts a matter that needs no name.
        offence: Where the law may seal the record: what decides it. The gateway checks it and forgets it.
    """

    procedure: str
    event_type: str
    office: OfficeId
    occurred_at: int
    stream_id: StreamId | None = None
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    counterpart_region: RegionCode | None = None
    counterpart_office: OfficeId | None = None
    payloads: Mapping[str, Sequence[Mapping[str, Any]]] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )
    ref: str | None = None
    correlation_id: bytes | None = None
    causation_id: bytes | None = None
    alias: str | None = None
    offence: Offence | None = field(default=None, repr=False)


def local_date(at_ms: int) -> str:
    """The day in Shanghai of an instant, `YYYY-MM-DD`: the day that dates in bodies and payloads mean."""
    return local_day(at_ms).isoformat()


def parse_line(line: bytes) -> Draft:
    """Read one line of a draft file.

    Raises:
        ContractError: DRAFT_MALFORMED, naming the field.
    """
    if len(line) > MAX_LINE_BYTES:
        _malformed(None, f"a line has at most {MAX_LINE_BYTES} bytes")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise ContractError("DRAFT_MALFORMED", "the line is no JSON") from None
    if not isinstance(value, dict):
        _malformed(None, "the line is no JSON object")
    for name in _REQUIRED:
        if name not in value:
            _malformed(name, "is missing")
    if unknown := len(value.keys() - _KEYS):
        _malformed(None, f"{unknown} fields too many; a draft has {', '.join(sorted(_KEYS))}")
    alias, stream_id = _matter(value["matter"])
    region, office = _counterpart(value.get("counterpart"))
    draft = Draft(
        procedure=_text(value, "procedure"),
        event_type=_text(value, "event"),
        office=_office(value["office"], "office"),
        occurred_at=_instant(_text(value, "occurred_at")),
        stream_id=stream_id,
        body=_object(value, "body"),
        counterpart_region=region,
        counterpart_office=office,
        payloads=_payloads(value),
        ref=_ref(value.get("ref")),
        correlation_id=_id(value.get("correlation"), "correlation"),
        causation_id=_id(value.get("causation"), "causation"),
        alias=alias,
        offence=_offence(value.get("offence")),
    )
    check_codes(draft)
    return draft


def check_codes(draft: Draft) -> None:
    """Check that codes stand where codes belong: from here on these fields may be told in messages and logs.

    Raises:
        ContractError: DRAFT_MALFORMED, naming the field and not what it holds.
    """
    if not _is_procedure(draft.procedure):
        _malformed("procedure", "has not the form of a procedure")
    if not _is_event_type(draft.event_type):
        _malformed("event", "has not the form of an event type")
    if not is_office_id(draft.office):
        _malformed("office", "is no office id")
    if draft.counterpart_region is not None and draft.counterpart_region not in REGIONS:
        _malformed("counterpart.region", "is none of the eleven regions")
    if draft.counterpart_office is not None and not is_office_id(draft.counterpart_office):
        _malformed("counterpart.office", "is no office id")
    if not all(map(_is_profile, draft.payloads)):
        _malformed("payloads", "a name has not the form of a profile")


def _malformed(name: str | None, reason: str) -> NoReturn:
    raise ContractError("DRAFT_MALFORMED", f"{name}: {reason}" if name else reason, field=name)


def _text(value: Mapping[str, Any], name: str) -> str:
    text = value[name]
    if not isinstance(text, str) or not 1 <= len(text) <= 64:
        _malformed(name, "is no text of 1 to 64 characters")
    return text


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name, {})
    if not isinstance(found, dict):
        _malformed(name, "is no JSON object")
    return found


def _payloads(value: Mapping[str, Any]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Payloads by profile; one object stands for a list of one."""
    found: dict[str, tuple[Mapping[str, Any], ...]] = {}
    for profile, content in _object(value, "payloads").items():
        contents = content if isinstance(content, list) else [content]
        if not contents or not all(isinstance(item, dict) for item in contents):
            _malformed("payloads", "a content is no JSON object and no list of them")
        found[profile] = tuple(contents)
    return found


def _matter(value: object) -> tuple[str | None, StreamId | None]:
    if isinstance(value, str) and _is_alias(value):
        return value, None
    stream_id = _id(value, "matter")
    if stream_id is None:
        _malformed("matter", "is neither @name nor an id")
    return None, StreamId(stream_id)


def _counterpart(value: object) -> tuple[RegionCode | None, OfficeId | None]:
    if value is None:
        return None, None
    if not isinstance(value, dict) or not isinstance(value.get("region"), str) or value.keys() - {"region", "office"}:
        _malformed("counterpart", 'is not {"region": ..., "office": ...}')
    office = value.get("office")
    return RegionCode(value["region"]), None if office is None else _office(office, "counterpart.office")


def _office(value: object, name: str) -> OfficeId:
    if not isinstance(value, str) or not is_office_id(value):
        _malformed(name, "is no office id")
    return OfficeId(value)


def _offence(value: object) -> Offence | None:
    if value is None:
        return None
    if not isinstance(value, dict) or value.keys() != {"under_18", "sentence_months"}:
        _malformed("offence", 'is not {"under_18": ..., "sentence_months": ...}')
    is_under_18, months = value["under_18"], value["sentence_months"]
    if not isinstance(is_under_18, bool) or isinstance(months, bool) or not isinstance(months, int) or months < 0:
        _malformed("offence", "under_18 is true or false, sentence_months a whole number")
    return Offence(is_under_18, months)


def _ref(value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and _is_ref(value)):
        _malformed("ref", "is no name of 1 to 64 letters, digits and . _ : -")
    return value


def _id(value: object, name: str) -> bytes | None:
    if value is None:
        return None
    try:
        raw = UUID(value).bytes if isinstance(value, str) else b""
    except ValueError:
        raw = b""
    if not is_uuid7(raw):
        _malformed(name, "is no UUIDv7")
    return raw


def _instant(text: str) -> int:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        # The cause is left out: it quotes the text.
        raise ContractError("DRAFT_MALFORMED", "occurred_at: is no ISO 8601 instant", field="occurred_at") from None
    if instant.tzinfo is None:
        _malformed("occurred_at", "has no offset from UTC, such as Z or +08:00")
    return int(instant.timestamp() * 1000)
