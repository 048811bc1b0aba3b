"""How long the content of a matter is kept, and what an event does to content (DOMAIN 7.3, 7.4).

Content is kept until `key_days` after the first of the states that its procedure names, in the region that keeps it
longest; what comes later in such a state has a count of its own. Where a procedure says so, the recipients' copies of
each event end before that. A matter that goes on, for example because a restriction was lifted, counts from the next
such state. Ends are whole days of Shanghai. Pure functions of the matter, so that hub, region and audit agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from contracts.event import Header
from contracts.ids import RegionCode
from contracts.instant import DAY_MS, SHANGHAI_MS
from contracts.procedure_types import ERASE, ERASE_COPIES
from hub.matter_types import ContentEnd, Matter

if TYPE_CHECKING:
    from contracts.procedure_types import Procedure


class ContentEffect(NamedTuple):
    """What an event does to content.

    Attributes:
        does: One of `EFFECTS`.
        on: The stream, or of `ERASE_COPIES` the event that brought the copies.
    """

    does: str
    on: bytes


class Retained(Protocol):
    """What the retention of a matter's content depends on: a `Matter`, or what was read of a packed one."""

    @property
    def regions(self) -> tuple[tuple[str, RegionCode], ...]:
        """Side and region."""

    @property
    def ends(self) -> tuple[ContentEnd, ...]:
        """From where it counts."""


def effect_of(procedure: Procedure, header: Header, body: Mapping[str, Any]) -> ContentEffect | None:
    """What an event does to content; None for most.

    Args:
        procedure: Its procedure.
        header: The event.
        body: Its decoded body.
    """
    effect = procedure.effects.get(header.event_type)
    if effect is None:
        return None
    return ContentEffect(effect.does, header.stream_id if effect.on is None else body[effect.on])


def ends_after(
    procedure: Procedure, matter: Matter | None, state: str, header: Header, *, has_content: bool
) -> tuple[ContentEnd, ...]:
    """From where retention counts after an event.

    Args:
        procedure: The matter's.
        matter: Before the event.
        state: After it.
        header: The event.
        has_content: Whether anything was sealed in this matter so far, this event's included.
    """
    ends = () if matter is None else matter.ends
    if not has_content:
        return ends
    retention = procedure.retention
    brings = bool(header.sealed)
    if brings and retention.recipient_days is not None:
        ends = (*ends, ContentEnd(ERASE_COPIES, header.occurred_at, header.event_id))
    if state not in retention.since:
        return tuple([end for end in ends if end.what != ERASE]) if ends else ends
    if brings or not ends or all(end.what != ERASE for end in ends):
        ends = (*ends, ContentEnd(ERASE, header.occurred_at, header.event_id))
    return ends


def end_ms(procedure: Procedure, matter: Retained, end: ContentEnd) -> int:
    """When the time of content is over: the first instant after its last day."""
    days_in = procedure.copy_days if end.what == ERASE_COPIES else procedure.key_days
    days = max([days_in(region) for _, region in matter.regions])
    since_day = (end.since_ms + SHANGHAI_MS) // DAY_MS
    return (since_day + days + 1) * DAY_MS - SHANGHAI_MS


def overdue(procedure: Procedure, matter: Retained, now_ms: int) -> Iterator[ContentEnd]:
    """What of a matter's content has reached its end, recorded or not.

    Args:
        procedure: The matter's.
        matter: As recorded.
        now_ms: Milliseconds.
    """
    return (end for end in matter.ends if end_ms(procedure, matter, end) <= now_ms)
