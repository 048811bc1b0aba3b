"""A sealed stream answers every call as one that does not exist, byte for byte (DOMAIN 7.2)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from contracts.event import encode_event
from contracts.ids import EventId, StreamId
from tests.support.async_tests import runs_in_a_loop
from tests.support.batches import Made
from tests.support.hub_server import HubServer
from tests.support.order_matters import seal_order
from tests.support.raw_client import RawSubmit, ask_raw

pytestmark = pytest.mark.integration

Ask = Callable[[bytes, bytes], bytes]
CALLS: dict[str, tuple[str, Ask]] = {
    "the events of a stream": (
        "GetStream",
        lambda stream, _: pb.GetStreamRequest(stream_id=stream).SerializeToString(),
    ),
    "the receipt of an event": (
        "GetReceipt",
        lambda _, event: pb.GetReceiptRequest(event_id=event).SerializeToString(),
    ),
}


@runs_in_a_loop
async def test_what_asks_by_id_gets_the_answer_of_an_unknown_one(place: Path) -> None:
    async with HubServer(place) as hub:
        world = hub.world
        made = seal_order(world)
        stream, event = made[0].header.stream_id, made[1].header.event_id
        record, order = made[:-3], made[-3:]
        await hub.submit(record)
        before = {name: await answer(hub, method, ask(stream, event)) for name, (method, ask) in CALLS.items()}
        await hub.submit(order)

        for name, (method, ask) in CALLS.items():
            unknown = (world.fresh_id(), world.fresh_id())
            sealed = same(await answer(hub, method, ask(stream, event)), stream, event)
            nothing = same(await answer(hub, method, ask(*unknown)), *unknown)
            assert sealed == nothing, name
            assert before[name] != sealed, name


async def answer(hub: HubServer, method: str, request: bytes) -> bytes:
    """Everything that a call brings back: its bytes, or status, details and trailing metadata of its error."""
    try:
        return await ask_raw(hub.address, method, request)
    except grpc.aio.AioRpcError as error:
        trailing: Any = error.trailing_metadata()
        return repr((error.code(), error.details(), sorted((key, value) for key, value in trailing))).encode()


def continued(made: Made, stream_id: bytes, event_id: bytes) -> Made:
    """An event in the place of another stream's, with an id of its own."""
    header = made.header._replace(stream_id=StreamId(stream_id), event_id=EventId(event_id))
    return made._replace(header=header, event=encode_event(header))


def same(said: bytes, stream: bytes, event: bytes) -> bytes:
    """An answer without the ids that were asked for, as they are told back in an error."""
    for asked in (stream, event):
        for form in (asked, asked.hex().encode()):
            said = said.replace(form, b"ID")
    return said


@runs_in_a_loop
async def test_what_continues_it_is_refused_as_what_continues_nothing(place: Path) -> None:
    async with HubServer(place) as hub:
        world = hub.world
        made = seal_order(world)
        record, order = made[:-3], made[-3:]
        await hub.submit(record[:3])
        await hub.submit(order)
        answers = []
        for stream_id in (record[0].header.stream_id, world.fresh_id()):
            late = continued(record[3], stream_id, world.fresh_id())
            async with RawSubmit(hub.address) as line:
                said = await line.exchange_batch(world.batches[late.region].batch([late]))
            (exception,) = said.exceptions
            refused = exception.refusal
            answers.append((exception.outcome, refused.code, refused.sentence, refused.field, refused.rule))

        assert answers[0] == answers[1]
        assert answers[0][0] == pb.OUTCOME_REFUSED
