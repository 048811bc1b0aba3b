"""Makes the streams and consumers that are missing and notices which stream lost something.

A stream is known again by the moment of its making and by the last sequence number that was acknowledged: a broker
whose store was wiped, restored from an old copy or cut short gives another answer. Not here: what to do then (`relay`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nats.js.api import StreamConfig, StreamInfo
from nats.js.errors import NotFoundError

from adapters.nats.broker import Broker, broker_errors
from adapters.nats.streams import consumers_of


class StreamMark(NamedTuple):
    """What is remembered of a stream.

    Attributes:
        created: When it was made, as the broker says it.
        last_seq: Highest sequence number that it acknowledged to us.
    """

    created: str
    last_seq: int


class StreamState(NamedTuple):
    """How a stream stands.

    Attributes:
        mark: What is to be remembered of it.
        waiting: Messages in it.
    """

    mark: StreamMark
    waiting: int


async def look(
    broker: Broker, configs: tuple[StreamConfig, ...], known: Mapping[str, StreamMark]
) -> tuple[Mapping[str, StreamState], frozenset[str]]:
    """Look at every stream; make those that are missing, and their consumers.

    Args:
        broker: Where they are.
        configs: The streams that there must be.
        known: What is remembered of them.

    Returns:
        How each stream stands now, and the names of those that are not what is remembered, new ones included.

    Raises:
        UnavailableError: BROKER_UNAVAILABLE: no answer, or the broker does not make a stream.
    """
    states: dict[str, StreamState] = {}
    lost: set[str] = set()
    for config in configs:
        name = str(config.name)
        mark = known.get(name)
        info = await _find_or_make(broker, config)
        now = StreamMark(str(info.created), info.state.last_seq)
        states[name] = StreamState(now, info.state.messages)
        if mark is None or now.created != mark.created or now.last_seq < mark.last_seq:
            lost.add(name)
    return states, frozenset(lost)


async def _find_or_make(broker: Broker, config: StreamConfig) -> StreamInfo:
    with broker_errors():
        try:
            info = await broker.js.stream_info(str(config.name))
        except NotFoundError:
            info = await broker.js.add_stream(config)
        consumers = consumers_of(str(config.name))
        if info.state.consumer_count < len(consumers):
            for consumer in consumers:
                await broker.js.add_consumer(str(config.name), consumer)
        return info
