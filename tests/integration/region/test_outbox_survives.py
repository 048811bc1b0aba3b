"""Whatever breaks between a draft and its receipt, the event is recorded once and its receipt is found again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import EvidenceError, UnavailableError
from contracts.ids import StreamId
from hub.submission import Outcome
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer, until
from tests.support.lossy_exchange import LossyExchange
from tests.support.region import declared, gateway, notice_prepared, notice_sent, recorded

pytestmark = pytest.mark.integration


@runs_in_a_loop
async def test_a_batch_that_never_left_is_sent_after_a_restart_byte_for_byte(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        line = LossyExchange(hub.client, swallow_before=True)
        async with gateway(hub.world, "44", line, tmp_path) as region:
            await region.send(declared(hub.world, "44", ref="once"))
            await until(lambda: len(line.sent) >= 2)
        size = hub.size

        line = LossyExchange(hub.client)
        before = line.sent
        async with gateway(hub.world, "44", line, tmp_path) as region:
            sent = await region.submit(declared(hub.world, "44", ref="once"))

        assert sent.outcome is Outcome.ACCEPTED
        assert hub.size == size + 2
        assert len({batch.tbs for batch in (*before, *line.sent)}) == 1
        hub.audit()


@runs_in_a_loop
async def test_a_batch_whose_answer_was_lost_gets_its_first_receipt(tmp_path: Path) -> None:
    """A step can be lost, or kept and reported lost: here it was kept."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        line = LossyExchange(hub.client, swallow_after=True)
        async with gateway(hub.world, "44", line, tmp_path) as region:
            await region.send(declared(hub.world, "44", ref="once"))
            await until(lambda: len(line.sent) >= 2)
        size = hub.size

        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            sent = await region.submit(declared(hub.world, "44", ref="once"))

        assert sent.outcome is Outcome.ACCEPTED
        assert sent.index is not None
        assert hub.size == size
        hub.audit()


@runs_in_a_loop
async def test_sealed_content_waits_with_its_event(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        line = LossyExchange(hub.client)
        async with gateway(hub.world, "44", line, tmp_path) as region:
            begun = await region.submit(notice_prepared(hub.world, "44", "45"))
            line.swallow_before = True
            await region.send(replace(notice_sent(hub.world, "44", begun.stream_id), ref="notice"))
            await until(lambda: len(line.sent) >= 3)

        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            sent = await region.submit(replace(notice_sent(hub.world, "44", begun.stream_id), ref="notice"))

        assert sent.outcome is Outcome.ACCEPTED


@runs_in_a_loop
async def test_what_waits_counts_when_the_next_step_is_drafted(tmp_path: Path) -> None:
    """After a restart the matter stands where our own unanswered events leave it."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        line = LossyExchange(hub.client, swallow_before=True)
        async with gateway(hub.world, "44", line, tmp_path) as region:
            await region.send(replace(declared(hub.world, "44"), alias="@one"))
            await until(lambda: len(line.sent) >= 2)

        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            named = replace(recorded(hub.world, "44", StreamId(b"")), stream_id=None, alias="@one")
            sent = await region.submit(named)

        assert (sent.outcome, sent.seq) == (Outcome.ACCEPTED, 1)


@runs_in_a_loop
async def test_a_gateway_that_lost_its_file_goes_on_where_its_chain_stands(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with gateway(hub.world, "44", hub.client, tmp_path / "one") as region:
            await region.submit(declared(hub.world, "44"))
            await region.submit(declared(hub.world, "44"))

        async with gateway(hub.world, "44", hub.client, tmp_path / "two") as region:
            sent = await region.submit(declared(hub.world, "44"))

        assert sent.outcome is Outcome.ACCEPTED
        assert (await hub.client.producer("44-node")).next_seq == 3


@runs_in_a_loop
async def test_waiting_batches_are_put_on_the_chain_that_the_ledger_has(tmp_path: Path) -> None:
    """Somebody used our number in the meantime (a copy of this gateway): the same events go out under new headers."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        line = LossyExchange(hub.client, swallow_before=True)
        async with gateway(hub.world, "44", line, tmp_path / "one") as region:
            waiting = await region.send(declared(hub.world, "44", ref="late"))
            await until(lambda: len(line.sent) >= 2)
            async with gateway(hub.world, "44", hub.client, tmp_path / "two") as copy:
                await copy.submit(declared(hub.world, "44"))
            line.swallow_before = False
            sent = await waiting

        assert sent.outcome is Outcome.ACCEPTED
        assert (await hub.client.producer("44-node")).next_seq == 2
        hub.audit()


@runs_in_a_loop
async def test_a_batch_that_waited_too_long_is_dated_anew(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        line = LossyExchange(hub.client, swallow_before=True)
        async with gateway(hub.world, "44", line, tmp_path) as region:
            waiting = await region.send(declared(hub.world, "44"))
            await until(lambda: len(line.sent) >= 2)
            hub.world.clock.advance(8 * 86_400_000)
            line.swallow_before = False
            sent = await waiting

        assert sent.outcome is Outcome.ACCEPTED
        assert len({batch.tbs for batch in line.sent}) == 2


@pytest.mark.sqlite_file
@runs_in_a_loop
async def test_a_ledger_that_forgot_a_batch_stops_the_outbox(tmp_path: Path) -> None:
    """We hold a receipt: a hub that no longer knows the batch was rolled back."""
    async with HubServer(tmp_path / "a.sqlite") as hub, HubServer(tmp_path / "b.sqlite", world=hub.world) as other:
        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            await region.submit(declared(hub.world, "44"))

        with pytest.raises(EvidenceError) as error:
            async with gateway(hub.world, "44", other.client, tmp_path) as region:
                await asyncio.wait_for(region.failed(), 5)

        assert error.value.code == "CONSISTENCY_INVALID"


@runs_in_a_loop
async def test_a_caller_who_gives_up_loses_nothing(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        line = LossyExchange(hub.client, swallow_before=True)
        async with gateway(hub.world, "44", line, tmp_path) as region:
            with pytest.raises(UnavailableError) as error:
                await region.submit(declared(hub.world, "44", ref="slow"), timeout_seconds=0.2)
            line.swallow_before = False
            sent = await region.submit(declared(hub.world, "44", ref="slow"))

        assert error.value.code == "DEADLINE_EXCEEDED"
        assert sent.outcome is Outcome.ACCEPTED


@runs_in_a_loop
async def test_a_fault_of_our_own_reaches_who_waits_and_the_event_is_sent_at_the_next_start(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        line = LossyExchange(hub.client)

        def stumble(reply: Any) -> Any:
            raise ZeroDivisionError

        line.change = stumble
        async with gateway(hub.world, "44", line, tmp_path) as region:
            answer = await region.send(declared(hub.world, "44", ref="once"))
            with pytest.raises(UnavailableError, match="ZeroDivisionError") as told:
                await answer
        assert told.value.code == "INTERNAL_FAULT"

        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            sent = await region.submit(declared(hub.world, "44", ref="once"))
        assert sent.outcome is Outcome.ACCEPTED
