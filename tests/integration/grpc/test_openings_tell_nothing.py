"""To who is no recipient, a payload of others answers as one that does not exist (DOMAIN 8.1)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf.descriptor import Descriptor

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from contracts.errors import ExchangeError
from contracts.ids import uuid7
from hub.openings import find_payloads
from hub.ports import LedgerReader
from tests.integration.grpc.test_grpc_openings import request_for
from tests.support.hub_server import HubServer
from tests.support.matters import notification

NOWHERE: Final = uuid7(unix_ms=1, entropy=bytes(10))


class CountingReader:
    """A reader that counts what is asked of it."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.asked[name] += 1
        return getattr(self._reader, name)


@pytest.mark.integration
def test_a_payload_of_others_answers_as_one_that_does_not_exist(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            made = notification(world, "44", "45")[:2]
            await hub.submit(made)
            size = hub.size
            stranger = world.office("43", "COUNTY_PSB_HOUSEHOLD")
            answers, works = [], []
            for changes in ({}, {"event_id": NOWHERE}, {"ciphertext_hash": bytes(32)}, {"purpose": "SEALING"}):
                request = request_for(world, made[1], stranger, **changes)
                with pytest.raises(ExchangeError) as refused:
                    await hub.client.open_payload(request)
                error = refused.value
                answers.append((type(error), error.code, error.message, error.field, error.rule))
                counting = CountingReader(hub.store)
                (found,) = find_payloads([request], counting, world.rules.procedures, hub.application.directory)
                assert isinstance(found, ExchangeError)
                works.append(dict(counting.asked))

            assert len(set(answers)) == 1
            assert answers[0][1] == "OPEN_FORBIDDEN"
            assert works == [{"named": 1, "matters": 1}] * 4
            assert hub.size == size

    asyncio.run(scenario())


def test_no_call_opens_more_than_one_payload() -> None:
    """DOMAIN 8.1: there is no bulk opening. One request names one payload, and no other call answers with content.

    A stream of them has frames, which hold signed requests and their answers and nothing else (ADR 0062).
    """
    service = pb.DESCRIPTOR.services_by_name["Exchange"]
    content = {"envelope", "wrapped", "payload", "payloads"}
    giving = {m.name: m for m in service.methods if content & set(names_in(m.output_type))}

    assert set(giving) == {"OpenPayload", "OpenEach"}
    alone, stream = giving["OpenPayload"], giving["OpenEach"]
    assert not alone.client_streaming
    assert not alone.server_streaming
    for message in (alone.input_type, alone.output_type):
        named = [f for f in message.fields if f.name in {"event_id", "ciphertext_hash", "envelope", "wrapped"}]
        assert named
        assert not any(field.is_repeated for field in named)
    (asked,), (answered,) = ([f.message_type for f in m.fields] for m in (stream.input_type, stream.output_type))
    assert asked is alone.input_type
    assert answered is not None
    assert {(f.name, f.message_type, f.is_repeated) for f in answered.fields} == {
        ("number", None, False),
        ("opened", alone.output_type, False),
        ("refusal", pb.Refusal.DESCRIPTOR, False),
    }


def names_in(message: Descriptor) -> Iterator[str]:
    """The names of a message's fields and of those of the messages in it; none of ours holds itself."""
    for field in message.fields:
        yield field.name
        if field.message_type is not None:
            yield from names_in(field.message_type)
