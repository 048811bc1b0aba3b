"""Somebody with a region's keys and none of our programs, who sends people in clear. Pure of pytest.

What a gateway of ours refuses before it leaves, others may send: here the hub is the one that must not repeat, keep or
log it. Whatever it answers is given back as text.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Final

import grpc

from adapters.grpc.client import ExchangeClient
from contracts.errors import ExchangeError
from contracts.event import encode_event
from contracts.ids import RegionCode, uuid7
from contracts.office_type import OfficeType
from contracts.procedure_types import body_schema
from contracts.signing import sign
from hub.openings import OpenRequest
from hub.submission import SubmittedBatch
from ledger.batch import BATCH_LABEL
from tests.support.batches import Made
from tests.support.canary_marks import ADDRESS, NAME, NUMBER
from tests.support.matters import MatterMaker
from tests.support.raw_client import ask_raw
from tests.support.world import World

REGION: Final = "45"
_TEXTS: Final = (NAME, NUMBER, ADDRESS)

Told = tuple[str, str]
"""What was tried, and all that came back."""


class Stranger:
    """Sends what no gateway of ours would.

    Args:
        world: Whose keys it has.
        address: Of the hub.
    """

    def __init__(self, world: World, address: str) -> None:
        self._world = world
        self._address = address

    async def refusals(self) -> list[Told]:
        """Try everything.

        Raises:
            AssertionError: Something was accepted.
        """
        async with ExchangeClient(self._address) as client:
            state = await client.producer(f"{REGION}-node")
            maker = self._world.batches[REGION]
            maker.next_seq, maker.last_hash = state.next_seq, state.last_hash
            told = [await self._submit(client, what, made) async for what, made in self._events(client)]
            told += [await self._submit_batch(client, what, batch) for what, batch in self._batches()]
            for what, call in self._calls(client):
                told.append(await _refused(what, call))
        return told

    # -- events in right batches

    async def _events(self, client: ExchangeClient) -> AsyncIterator[tuple[str, Made | bytes]]:
        matter, police = MatterMaker(self._world, "RESIDENCE"), self._world.office(REGION, OfficeType.POLICE_STATION)
        body = {"division": self._world.division(REGION), "notice_id": bytes(16), "declared_by": "APPLICANT"}
        right = matter.event("RegistrationDeclared", police, body, step=False)
        for text in _TEXTS:
            yield "text for a code in a body", self._with_body(right, body | {"division": text})
            name = b"RegistrationDeclared"
            yield "text for an event type", right.event.replace(name, text.encode().ljust(len(name), b"0")[: len(name)])
            yield "text for an event", text.encode()
            yield "text after an event", right.event + text.encode()
        async for made in self._days_that_are_none(client):
            yield "a day that is none", made

    async def _days_that_are_none(self, client: ExchangeClient) -> AsyncIterator[Made]:
        """Dates of the right form that no calendar has, wherever time is counted from one."""
        world = self._world
        police, household = (
            world.office(REGION, kind) for kind in (OfficeType.POLICE_STATION, OfficeType.COUNTY_PSB_HOUSEHOLD)
        )
        application = {
            "division": world.division(REGION),
            "notice_id": world.fresh_id(),
            "applied_by": "APPLICANT",
            "registered_on": "2023-02-29",
            "ground": "STABLE_WORK",
        }
        matter = MatterMaker(world, "RESIDENCE_PERMIT")
        yield matter.event("ResidencePermitAccepted", police, application, step=False)
        await self._record(
            client, matter.event("ResidencePermitAccepted", police, application | {"registered_on": "2023-02-28"})
        )
        await self._record(client, matter.event("ResidencePermitSigned", household, {"official": world.fresh_id()}))
        yield matter.event("ResidencePermitIssued", police, {"year_from": "2026-02-30"}, step=False)

    async def _record(self, client: ExchangeClient, made: Made) -> None:
        reply = await client.submit_one(self._world.batches[REGION].batch([made]))
        assert reply.answer.results[0].index is not None, reply.answer

    def _with_body(self, made: Made, body: dict[str, Any]) -> bytes:
        codec = self._world.rules.registry.by_name(body_schema(made.header.event_type))
        return encode_event(made.header._replace(body=codec.encode_single(body)))

    async def _submit(self, client: ExchangeClient, what: str, made: Made | bytes) -> Told:
        return await self._submit_batch(client, what, self._world.batches[REGION].batch([made]))

    async def _submit_batch(self, client: ExchangeClient, what: str, batch: SubmittedBatch) -> Told:
        answer = (await client.submit_one(batch)).answer
        refusal = answer.refusal or answer.results[0].refusal
        assert refusal is not None, f"{what} was accepted"
        assert refusal.code != "INTERNAL_FAULT", what
        return what, json.dumps({name: str(value) for name, value in asdict(refusal).items()}, ensure_ascii=False)

    # -- batches

    def _batches(self) -> list[tuple[str, SubmittedBatch]]:
        batch = self._world.batches[REGION].batch([NAME.encode()], step=False)
        key = self._world.gateways[RegionCode(REGION)].keys["batch"]
        found = [
            ("wrong signature", replace(batch, signature=bytes(64))),
            ("no header", replace(batch, tbs=NAME.encode())),
        ]
        name_end = len(BATCH_LABEL) + 1 + batch.tbs[len(BATCH_LABEL)]
        for text in _TEXTS:
            raw = text.encode()
            tbs = BATCH_LABEL + bytes((len(raw),)) + raw + batch.tbs[name_end:]
            found.append(("text for a producer", replace(batch, tbs=tbs, signature=sign(key, tbs))))
        return found

    # -- other calls

    def _calls(self, client: ExchangeClient) -> list[tuple[str, Callable[[], Awaitable[object]]]]:
        calls: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        for text in _TEXTS:
            calls += [
                ("runs", partial(_runs, client, text)),
                ("producer", partial(client.producer, text)),
                ("stream", partial(client.stream, text.encode())),
                ("receipt", partial(client.receipt, text.encode())),
                ("bytes", partial(ask_raw, self._address, "OpenPayload", text.encode())),
            ]
            for field in ("office", "role", "purpose", "reason", "producer"):
                request = self._opening(**{field: text})
                calls.append((f"open: {field}", partial(client.open_payload, request)))
        return calls

    def _opening(self, **changes: Any) -> OpenRequest:
        gateway = self._world.gateways[RegionCode(REGION)]
        now_ms = self._world.clock.now_ms()
        unsigned = OpenRequest(
            request_id=uuid7(unix_ms=now_ms, entropy=self._world.entropy.draw(10)),
            event_id=bytes(16),
            ciphertext_hash=bytes(32),
            office=self._world.office(REGION, OfficeType.POLICE_STATION).office,
            officer=bytes(16),
            role="REGISTRAR",
            purpose="RESIDENCE_NOTICE",
            reason="TASK",
            reason_commitment=bytes(32),
            approval=bytes(32),
            created_ms=now_ms,
            producer=gateway.producer,
            key_id=gateway.key_id("open"),
            signature=b"",
        )
        request = replace(unsigned, **changes)
        return replace(request, signature=sign(gateway.keys["open"], request.tbs()))


async def _runs(client: ExchangeClient, point: str) -> list[object]:
    return [run async for run in client.runs(point)]


async def _refused(what: str, call: Callable[[], Awaitable[object]]) -> Told:
    text = ""
    try:
        await call()
    except ExchangeError as error:
        text = f"{error} {error!r}"
    except grpc.aio.AioRpcError as error:
        text = f"{error.details()} {error.trailing_metadata()}"
    assert text, f"{what} was answered"
    assert "INTERNAL_FAULT" not in text, f"{what}: {text}"
    return what, text
