"""Openings that share a stream share nothing else: each is decided, recorded and answered by itself (ADR 0062)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from adapters.grpc import open_stream
from adapters.grpc.calls import Limits
from adapters.grpc.client import ExchangeClient
from adapters.grpc.codes import ADVICE_KEY, CODE_KEY, MEANING_KEY
from adapters.grpc.messages import open_request_to_proto
from adapters.grpc.openings import MAX_REQUESTS_BYTES, Openings
from adapters.grpc.server import GrpcServer
from adapters.logs import KEYS
from contracts.codes import CODES
from contracts.errors import AccessError, ContractError, ExchangeError, FatalError, UnavailableError
from contracts.event import decode_event
from hub.openings import Opened, OpenRequest
from tests.integration.grpc.test_grpc_openings import (
    BAD_REQUESTS,
    check_receipt,
    of_office,
    of_recipient,
    request_for,
)
from tests.support.async_tests import runs_in_a_loop
from tests.support.batches import Made
from tests.support.hub_server import Gate, HubServer, until
from tests.support.matters import notification
from tests.support.raw_client import RawOpenEach, open_alone, raw_channel

pytestmark = pytest.mark.integration


@asynccontextmanager
async def hub_with_a_notice(folder: Path, **settings: Any) -> Any:
    """A hub that holds one sealed payload, with the event that names it."""
    async with HubServer(folder / "ledger.sqlite", **settings) as hub:
        made = notification(hub.world, "44", "45")[:2]
        await hub.submit(made)
        yield hub, made[1]


def good(hub: HubServer, made: Made, count: int) -> list[OpenRequest]:
    return [of_recipient()(hub.world, made) for _ in range(count)]


async def ask_all(hub: HubServer, requests: Sequence[OpenRequest]) -> list[Opened | BaseException]:
    """Ask side by side, over the one stream of one connection."""
    return await asyncio.gather(*map(hub.client.open_payload, requests), return_exceptions=True)


def told(error: object) -> tuple[object, ...]:
    """All that a refusal says."""
    assert isinstance(error, ExchangeError)
    pause = error.retry_after_ms if isinstance(error, UnavailableError) else 0
    return type(error), error.code, error.message, error.field, error.rule, pause


@runs_in_a_loop
async def test_a_refusal_says_what_a_call_of_its_own_says_and_touches_no_neighbour(tmp_path: Path) -> None:
    async with hub_with_a_notice(tmp_path) as (hub, made):
        bad = {name: make(hub.world, made) for name, (make, _) in BAD_REQUESTS.items()}
        alone = {}
        for name, request in bad.items():
            with pytest.raises(ExchangeError) as refused:
                await open_alone(hub.address, request)
            alone[name] = told(refused.value)
        size, between = hub.size, good(hub, made, len(bad) + 1)
        requests = [between[0]]
        for asked, one in zip(bad.values(), between[1:], strict=True):
            requests += [asked, one]
        async with Gate(hub) as gate:
            asking = asyncio.ensure_future(ask_all(hub, requests))
            await until(lambda: hub.sequencer.waiting_events == 1 + len(requests))
            gate.open()
            answers = await asking

        assert dict(zip(bad, map(told, answers[1::2]), strict=True)) == alone
        assert {name: answer[1] for name, answer in alone.items()} == {n: code for n, (_, code) in BAD_REQUESTS.items()}
        for request, opened in zip(between, answers[::2], strict=True):
            assert isinstance(opened, Opened)
            assert decode_event(opened.access_event).event_id == request.request_id
            check_receipt(hub.world, opened)
        assert hub.size == size + 1 + len(between)
        assert hub.audit().openings == {"45": len(between)}


@runs_in_a_loop
async def test_a_refusal_speaks_the_callers_language(tmp_path: Path) -> None:
    async with hub_with_a_notice(tmp_path) as (hub, made):
        request = of_office("45", "POLICE_STATION")(hub.world, made)
        async with raw_channel(hub.address) as channel:
            call: Any = channel.unary_unary("/pprd.v1.Exchange/OpenPayload", None, None)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(open_request_to_proto(request).SerializeToString(), metadata=(("pprd-lang", "zh"),))
        metadata: Mapping[str, Any] = dict(refused.value.trailing_metadata())  # type: ignore[arg-type]  # pairs, untyped
        async with RawOpenEach(hub.address, language="zh") as raw:
            await raw.send(request)
            (answer,) = await raw.answers()

        refusal = answer.refusal
        assert (refusal.code, refusal.sentence) == (metadata[CODE_KEY], refused.value.details())
        assert refusal.meaning.encode() == metadata[MEANING_KEY]
        assert refusal.advice.encode() == metadata[ADVICE_KEY]
        assert refusal.meaning != CODES["OPEN_FORBIDDEN"].sentence


@runs_in_a_loop
async def test_each_request_counts_against_the_limit_of_its_officer(tmp_path: Path) -> None:
    """A stream is no way around the limits of an hour (DOMAIN 8.1)."""
    async with hub_with_a_notice(tmp_path) as (hub, made):
        officer = hub.world.fresh_id()
        greedy = [of_recipient(officer=officer)(hub.world, made) for _ in range(125)]
        *answers, neighbour = await ask_all(hub, [*greedy, *good(hub, made, 1)])

        assert sum(isinstance(answer, Opened) for answer in answers) == 120
        refused = [answer for answer in answers if isinstance(answer, UnavailableError)]
        assert {error.code for error in refused} == {"OPEN_TOO_MANY"}
        assert all(0 < error.retry_after_ms <= 3_600_000 for error in refused)
        assert isinstance(neighbour, Opened)
        assert hub.audit().openings == {"45": 121}


@runs_in_a_loop
async def test_one_request_is_one_reading_whichever_way_it_comes(tmp_path: Path) -> None:
    async with hub_with_a_notice(tmp_path) as (hub, made):
        first, second = good(hub, made, 2)
        await hub.client.open_payload(first)
        await open_alone(hub.address, second)
        again = await ask_all(hub, [first, second])
        with pytest.raises(AccessError, match="OPEN_REPEATED"):
            await open_alone(hub.address, first)

        assert [told(error)[1] for error in again] == ["OPEN_REPEATED"] * 2
        assert hub.audit().openings == {"45": 2}


@runs_in_a_loop
async def test_what_waits_together_leaves_in_one_message_and_is_recorded_in_one_commit(tmp_path: Path) -> None:
    async with hub_with_a_notice(tmp_path) as (hub, made), RawOpenEach(hub.address) as raw:
        async with Gate(hub) as gate:
            await raw.send(*good(hub, made, 3))
            await raw.send(*good(hub, made, 4))
            await until(lambda: hub.sequencer.waiting_events == 8)
            gate.open()
            answers = await raw.answers()

        assert [answer.number for answer in answers] == list(range(7))
        assert len({answer.opened.receipt.checkpoint for answer in answers}) == 1
        assert len({answer.opened.access_event for answer in answers}) == 7


@runs_in_a_loop
async def test_the_hub_reads_a_stream_ahead_by_its_window_and_no_further(tmp_path: Path) -> None:
    async with hub_with_a_notice(tmp_path, limits=Limits(openings=4)) as (hub, made):
        async with Gate(hub) as gate:
            asking = asyncio.ensure_future(ask_all(hub, good(hub, made, 20)))
            await until(lambda: hub.sequencer.waiting_events == 5)
            await asyncio.sleep(0.1)
            assert hub.sequencer.waiting_events == 5
            gate.open()
            answers = await asking

        assert all(isinstance(answer, Opened) for answer in answers)


@runs_in_a_loop
async def test_a_full_hub_says_when_to_come_back_and_the_stream_goes_on(tmp_path: Path) -> None:
    limits = Limits(patience_seconds=0.5)
    async with hub_with_a_notice(tmp_path, max_queue_events=4, limits=limits) as (hub, made), asyncio.timeout(10):
        async with Gate(hub) as gate:
            asking = [asyncio.ensure_future(hub.client.open_payload(request)) for request in good(hub, made, 33)]
            refused = await asyncio.gather(*asking[3:], return_exceptions=True)
            gate.open()
            taken = await asyncio.gather(*asking[:3])

        # They have waited for room together: one after the other it would have been fifteen seconds.
        assert [told(error)[1] for error in refused] == ["OVERLOADED"] * 30
        assert all(isinstance(error, UnavailableError) and error.retry_after_ms >= 20 for error in refused)
        assert all(isinstance(answer, Opened) for answer in taken)
        assert isinstance(await hub.client.open_payload(*good(hub, made, 1)), Opened)
        assert hub.audit().openings == {"45": 4}


@runs_in_a_loop
async def test_what_takes_too_long_is_told_so_and_those_behind_it_are_answered(tmp_path: Path) -> None:
    async with hub_with_a_notice(tmp_path, limits=Limits(call_seconds=0.3)) as (hub, made):
        async with Gate(hub):
            late = await ask_all(hub, good(hub, made, 3))

        assert [told(error)[1] for error in late] == ["DEADLINE_EXCEEDED"] * 3
        assert isinstance(await hub.client.open_payload(*good(hub, made, 1)), Opened)
        assert hub.audit().openings == {"45": 4}


@runs_in_a_loop
async def test_a_gateway_waits_no_longer_than_it_was_told(tmp_path: Path) -> None:
    """Its other requests go on, and an answer that comes too late is nobody's."""
    async with hub_with_a_notice(tmp_path) as (hub, made), ExchangeClient(hub.address, call_seconds=0.3) as hasty:
        late, next_ = good(hub, made, 2)
        async with Gate(hub):
            with pytest.raises(UnavailableError, match="DEADLINE_EXCEEDED"):
                await hasty.open_payload(late)

        opened = await hasty.open_payload(next_)
        assert decode_event(opened.access_event).event_id == next_.request_id


@runs_in_a_loop
async def test_who_goes_before_his_request_has_left_is_not_recorded_and_who_goes_after_it_is(tmp_path: Path) -> None:
    async with hub_with_a_notice(tmp_path) as (hub, made):
        async with Gate(hub) as gate:
            asking = [asyncio.ensure_future(hub.client.open_payload(request)) for request in good(hub, made, 3)]
            await asyncio.sleep(0)  # they have asked, and nothing has left
            asking[0].cancel()
            await until(lambda: hub.sequencer.waiting_events == 3)
            asking[1].cancel()
            gate.open()
            answers = await asyncio.gather(*asking, return_exceptions=True)

        assert [type(answer) for answer in answers] == [asyncio.CancelledError, asyncio.CancelledError, Opened]
        assert hub.audit().openings == {"45": 2}


@runs_in_a_loop
async def test_draining_answers_what_was_read_and_takes_nothing_more(tmp_path: Path) -> None:
    async with hub_with_a_notice(tmp_path) as (hub, made):
        async with Gate(hub) as gate:
            asking = asyncio.ensure_future(ask_all(hub, good(hub, made, 8)))
            await until(lambda: hub.sequencer.waiting_events == 9)
            stopping = asyncio.ensure_future(hub.server.stop(grace_seconds=10))
            await asyncio.sleep(0.1)
            assert not stopping.done()
            gate.open()
            answers = await asking

        assert all(isinstance(answer, Opened) for answer in answers)
        await stopping
        with pytest.raises(UnavailableError):
            await hub.client.open_payload(*good(hub, made, 1))
        await hub.sequencer.drain()
        assert hub.audit().openings == {"45": 8}


@runs_in_a_loop
async def test_an_idle_stream_holds_up_nobody_who_stops(tmp_path: Path) -> None:
    async with hub_with_a_notice(tmp_path) as (hub, made), RawOpenEach(hub.address) as raw:
        await raw.send(*good(hub, made, 1))
        assert len(await raw.answers()) == 1

        await asyncio.wait_for(hub.server.stop(grace_seconds=30), 3)

        assert await raw.call.code() is grpc.StatusCode.UNAVAILABLE
        assert dict(await raw.call.trailing_metadata())[CODE_KEY] == "SHUTTING_DOWN"


@runs_in_a_loop
async def test_a_stream_that_ended_is_made_again_by_who_asks_next(tmp_path: Path) -> None:
    """A hub that starts again finds its gateways as it left them."""
    async with hub_with_a_notice(tmp_path) as (hub, made):
        await hub.client.open_payload(*good(hub, made, 1))
        await hub.server.stop(grace_seconds=2)
        with pytest.raises(UnavailableError):
            await hub.client.open_payload(*good(hub, made, 1))
        again = GrpcServer(
            application=hub.application,
            sequencer=hub.sequencer,
            encode_run=lambda _: b"",
            address=hub.address,
            credentials=None,
        )
        await again.start()
        await hub.client.connect()

        answers = await ask_all(hub, good(hub, made, 3))

        assert all(isinstance(answer, Opened) for answer in answers)
        await again.stop()


@runs_in_a_loop
async def test_a_stream_on_which_nobody_waits_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub has more gateways than calls; while somebody waits for his answer, his stream is not idle."""
    monkeypatch.setattr(open_stream, "IDLE_SECONDS", 0.1)
    async with hub_with_a_notice(tmp_path) as (hub, made):
        lines = hub.server._openings._lines
        async with Gate(hub) as gate:
            opening = asyncio.ensure_future(hub.client.open_payload(*good(hub, made, 1)))
            await asyncio.sleep(0.4)
            assert len(lines) == 1
            gate.open()
            assert isinstance(await opening, Opened)
        await until(lambda: not lines)

        answers = await ask_all(hub, good(hub, made, 3))

        assert all(isinstance(answer, Opened) for answer in answers)


@runs_in_a_loop
async def test_what_was_read_of_a_stream_that_breaks_off_is_recorded(tmp_path: Path) -> None:
    async with hub_with_a_notice(tmp_path) as (hub, made):
        async with Gate(hub):
            async with RawOpenEach(hub.address) as raw:
                await raw.send(*good(hub, made, 3))
                await until(lambda: hub.sequencer.waiting_events == 4)
            await asyncio.sleep(0.05)
        await until(lambda: hub.sequencer.waiting_events == 0)

        assert hub.audit().openings == {"45": 3}
        assert isinstance(await hub.client.open_payload(*good(hub, made, 1)), Opened)


@runs_in_a_loop
@pytest.mark.parametrize("broken", [b"\xff\xff", bytes(MAX_REQUESTS_BYTES + 1)], ids=["no message", "too long"])
async def test_bytes_that_are_no_requests_end_their_stream_after_what_came_before(
    broken: bytes, tmp_path: Path
) -> None:
    async with hub_with_a_notice(tmp_path) as (hub, made), RawOpenEach(hub.address) as raw:
        async with Gate(hub):
            await raw.send(*good(hub, made, 2))
            await raw.call.write(broken)
            await until(lambda: hub.sequencer.waiting_events == 3)
        answers = await raw.answers()

        assert [answer.WhichOneof("outcome") for answer in answers] == ["opened"] * 2
        assert await raw.call.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert dict(await raw.call.trailing_metadata())[CODE_KEY] == "REQUEST_MALFORMED"
        assert isinstance(await hub.client.open_payload(*good(hub, made, 1)), Opened)


@runs_in_a_loop
@pytest.mark.parametrize("step", ["_write_rows", "_make_durable"])
async def test_a_failed_commit_ends_the_stream_and_shows_nothing(step: str, tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk gone")

    # The fault is logged with all that the writer held, which takes seconds to print.
    with capture_logs():
        async with hub_with_a_notice(tmp_path) as (hub, made):
            size = hub.size
            setattr(hub.store, step, fail)
            async with Gate(hub) as gate:
                asking = asyncio.ensure_future(ask_all(hub, good(hub, made, 4)))
                await until(lambda: hub.sequencer.waiting_events == 5)
                gate.open()
                answers = await asking

            assert {type(answer) for answer in answers} == {FatalError}
            await asyncio.wait((hub.sequencer.failure,))
            later = await ask_all(hub, good(hub, made, 1))
            assert told(later[0])[1] == "SHUTTING_DOWN"
            assert hub.size == size


@runs_in_a_loop
async def test_a_hub_that_knows_no_stream_is_asked_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gateways are renewed before hubs, and hubs before gateways."""
    handlers = Openings.handlers
    monkeypatch.setattr(Openings, "handlers", lambda self: {"OpenPayload": handlers(self)["OpenPayload"]}, raising=True)
    async with hub_with_a_notice(tmp_path) as (hub, made):
        asked = [*good(hub, made, 5), of_office("43", "COUNTY_PSB_HOUSEHOLD")(hub.world, made)]
        *answers, refused = await ask_all(hub, asked)

        assert all(isinstance(answer, Opened) for answer in answers)
        assert told(refused)[1] == "OPEN_FORBIDDEN"
        with pytest.raises(ContractError, match="OPEN_MALFORMED"):
            await hub.client.open_payload(of_recipient(approval=b"")(hub.world, made))
        assert hub.audit().openings == {"45": 5}


@runs_in_a_loop
async def test_each_request_leaves_one_line_with_known_keys(tmp_path: Path) -> None:
    async with hub_with_a_notice(tmp_path) as (hub, made):
        with capture_logs() as lines:
            await ask_all(hub, [*good(hub, made, 2), request_for(hub.world, made, hub.world.office("45", "COURT"))])

        assert sorted((line["event"], line["call"], line["outcome"], line.get("code") or "") for line in lines) == [
            ("call.answered", "OpenEach", "OK", ""),
            ("call.answered", "OpenEach", "OK", ""),
            ("call.answered", "OpenEach", "REFUSED", "OPEN_FORBIDDEN"),
        ]
        assert {key for line in lines for key in line} <= KEYS | {"log_level"}
