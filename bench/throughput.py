"""Events a second of both hubs: turns of about two seconds, so that a machine that slows down slows both.

Shorter turns would mostly measure how a hub begins and ends: the last notification is on the broker some 50 ms after
the last batch was decided.
"""

from __future__ import annotations

from typing import Final

from bench.ours import OurHub
from bench.plain import PlainHub

_TURNS: Final = 2


async def measure_throughput(ours: OurHub, plain: PlainHub, *, matters: int, plain_events: int) -> dict[str, float]:
    """One round: events a second of each hub over all its turns, and their ratio.

    Args:
        ours: Running.
        plain: Running.
        matters: For our hub, six events each.
        plain_events: For the straightforward one.
    """
    ours_rates, plain_rates = [], []
    for _ in range(_TURNS):
        ours_rates.append(await ours.throughput(matters // _TURNS))
        plain_rates.append(await plain.throughput(plain_events // _TURNS))
    ours_rate, plain_rate = _together(ours_rates), _together(plain_rates)
    return {
        "ours_events_per_second": ours_rate,
        "plain_events_per_second": plain_rate,
        "throughput_ratio": ours_rate / plain_rate,
    }


def _together(rates: list[float]) -> float:
    """The rate over turns of the same number of events."""
    return len(rates) / sum(1 / rate for rate in rates)
