"""Announces on a common subject what the ledger records for everybody: the directory's changes, statistics.

Each event is published once, as it stands in the ledger, with its index in the message id; the stream itself knows the
last one, so there is no place to keep and a stream that was wiped is filled again. An announcement is no proof: who
acts on it asks the ledger (`WatchDirectory`, the audit). Source: DOMAIN 9.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import NamedTuple

from nats.js.api import Header
from nats.js.errors import NotFoundError

from adapters.nats.broker import Broker, broker_errors, wait
from adapters.nats.messages import Message
from adapters.nats.publisher import Publisher
from contracts.ids import LeafIndex
from ledger.entry import EventEntry, decode_entry


class Announced(NamedTuple):
    """What is announced on one stream.

    Attributes:
        stream: Name of the stream, and of its message ids.
        entries: Index and entry of every event at or after an index, ascending.
        subject_of: Subject of an event's bytes.
        seconds: Pause between two looks at the ledger.
    """

    stream: str
    entries: Callable[[LeafIndex], Iterator[tuple[LeafIndex, bytes]]]
    subject_of: Callable[[bytes], str]
    seconds: float


async def announce(broker: Broker, what: Announced, stop: asyncio.Event) -> None:
    """Publish what is recorded, from where the stream ends, until told to stop.

    Raises:
        UnavailableError: BROKER_UNAVAILABLE.
    """
    place = await _last(broker, what.stream)
    publisher = Publisher(broker)
    while not stop.is_set():
        for index, data in what.entries(LeafIndex(place + 1)):
            entry = decode_entry(data)
            if isinstance(entry, EventEntry):
                message = Message(what.subject_of(entry.event), f"{what.stream}:{index}", entry.event)
                await publisher.publish(message, tag=index)
                # Lets acknowledgements and receipts in.
                await asyncio.sleep(0)
                await publisher.settle()
            place = index
        await publisher.drain()
        await wait(stop, what.seconds)


async def _last(broker: Broker, stream: str) -> int:
    """Index of the last event on a stream, -1 if there is none."""
    with broker_errors():
        last = (await broker.js.stream_info(stream)).state.last_seq
        if not last:
            return -1
        try:
            message = await broker.js.get_msg(stream, seq=last)
        except NotFoundError:
            return -1
    name, _, index = (message.headers or {}).get(Header.MSG_ID.value, "").partition(":")
    return int(index) if name == stream and index.isdecimal() else -1
