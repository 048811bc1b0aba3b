"""Instants and the days of Asia/Shanghai in which the law counts: `local_day`, `day_start_ms`, `rounded`.

An instant is milliseconds since the epoch, UTC. A day of a rule, a body or a payload is a day in Shanghai; so is the
day to which a case event's instant is rounded down (DOMAIN 5.2, ADR 0012): an act at three in the morning belongs to
the day on which the office did it.
"""

from datetime import date
from typing import Final

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
SHANGHAI_MS: Final = 8 * HOUR_MS
"""Asia/Shanghai is eight hours ahead of UTC, without summer time since 1991."""
EPOCH: Final = date(1970, 1, 1).toordinal()
"""Ordinal of the day that begins the count of instants."""
MINUTE_MS: Final = 60_000


def local_day(at_ms: int) -> date:
    """The day in Shanghai of an instant."""
    return date.fromordinal(EPOCH + (at_ms + SHANGHAI_MS) // DAY_MS)


def day_start_ms(day: date) -> int:
    """The first instant of a day in Shanghai."""
    return (day.toordinal() - EPOCH) * DAY_MS - SHANGHAI_MS


def rounded(event_class: str, at_ms: int) -> int:
    """The instant that an event of a class may tell: the minute for `std`, the day in Shanghai for `cas`.

    Args:
        event_class: Of the header; classes other than these two tell the instant itself.
        at_ms: Milliseconds since the epoch.

    Source: DOMAIN 5.2.
    """
    if event_class == "std":
        return at_ms - at_ms % MINUTE_MS
    if event_class == "cas":
        return at_ms - (at_ms + SHANGHAI_MS) % DAY_MS
    return at_ms
