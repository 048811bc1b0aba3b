"""The gateway against a real hub: what it sends is recorded, what it refuses is refused with the hub's own code."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from stdnum.cn import ric

from adapters.region.draft import Draft
from contracts.errors import AccessError, ContractError, RuleError
from contracts.ids import OfficeId, StreamId
from contracts.office_type import OfficeType
from hub.submission import Outcome
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer
from tests.support.region import declared, gateway, notice_prepared, notice_sent, recorded

pytestmark = pytest.mark.integration

UNREAL = "44010620900101001" + ric.calc_check_digit("440106209001010010")
"""Outside the synthetic ranges, and nobody's: it says that its holder will be born in 2090."""


@runs_in_a_loop
async def test_a_matter_of_two_drafts_is_recorded_in_order(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            first = await region.submit(declared(hub.world, "44"))
            second = await region.submit(recorded(hub.world, "44", first.stream_id))

        assert (first.outcome, second.outcome) == (Outcome.ACCEPTED, Outcome.ACCEPTED)
        assert (first.seq, second.seq) == (0, 1)
        assert first.index is not None
        assert second.index is not None
        assert first.index < second.index
        hub.audit()


@runs_in_a_loop
async def test_the_next_step_may_be_sent_before_the_last_one_is_answered(tmp_path: Path) -> None:
    """A system writes a whole matter into one file; its steps go out together."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            named = replace(declared(hub.world, "44"), alias="@one")
            begun = await region.send(named)
            went_on = await region.send(replace(recorded(hub.world, "44", StreamId(b"")), stream_id=None, alias="@one"))
            outcomes = [(await begun).outcome, (await went_on).outcome]
            same = (await begun).stream_id == (await went_on).stream_id

        assert outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED]
        assert same


@runs_in_a_loop
async def test_what_waits_together_goes_out_together(tmp_path: Path) -> None:
    """LEDGER 5: one signature a batch, as many events as wait."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            before = (await hub.client.producer("44-node")).next_seq
            answers = [await region.send(declared(hub.world, "44")) for _ in range(600)]
            outcomes = {(await answer).outcome for answer in answers}
            batches = (await hub.client.producer("44-node")).next_seq - before

        assert outcomes == {Outcome.ACCEPTED}
        assert batches <= 3


@runs_in_a_loop
async def test_a_draft_with_a_name_is_sent_once(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            draft = declared(hub.world, "44", ref="case-1")
            both = await asyncio.gather(region.submit(draft), region.submit(draft))
            size = hub.size
            later = await region.submit(draft)

        assert both[0].event_id == both[1].event_id == later.event_id
        assert hub.size == size


@runs_in_a_loop
async def test_a_refused_draft_may_come_again_under_its_name(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            right = declared(hub.world, "44", ref="case-1")
            wrong = replace(right, body={**right.body, "division": "449999000000"})
            refused = await (await region.rehearse(wrong))
            accepted = await region.submit(right)

        assert refused.refusal is not None
        assert refused.refusal.code == "DIVISION_UNKNOWN"
        assert accepted.outcome is Outcome.ACCEPTED
        assert accepted.ref == "case-1"


def wrong_drafts(hub: HubServer) -> list[tuple[Draft, str]]:
    """Drafts that the hub refuses, each with its code."""
    world = hub.world
    right = declared(world, "44")
    return [
        (replace(right, body={**right.body, "division": "449999000000"}), "DIVISION_UNKNOWN"),
        (replace(right, body={**right.body, "division": world.division("45")}), "GUARD_FAILED"),
        (replace(right, office=world.office("44", OfficeType.COURT).office), "MANDATE_MISSING"),
        (replace(right, event_type="RegistrationRecorded", body=recorded(world, "44", StreamId(b"")).body),
         "TRANSITION_FORBIDDEN"),
        (replace(right, occurred_at=world.clock.now_ms() + 86_400_000), "OCCURRED_IN_FUTURE"),
    ]  # fmt: skip


@runs_in_a_loop
async def test_the_gateway_refuses_with_the_code_that_the_hub_would_give(tmp_path: Path) -> None:
    """Both decide with the same function on the same contracts, so a wrong draft never leaves."""
    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        gateway(hub.world, "44", hub.client, tmp_path) as region,
    ):
        for draft, code in wrong_drafts(hub):
            size = hub.size
            with pytest.raises((RuleError, AccessError)) as here:
                await region.send(draft)
            there = await (await region.rehearse(draft))

            assert there.refusal is not None
            assert (here.value.code, there.refusal.code) == (code, code)
            assert hub.size == size + 1  # the refusal stands in the batch entry, nothing else was recorded


@pytest.mark.parametrize(
    ("number", "code"),
    [(UNREAL, "REAL_IDENTITY_REFUSED"), ("440106180203010021", "IDENTITY_FORM")],
)
@runs_in_a_loop
async def test_an_identity_that_is_not_synthetic_never_leaves_a_sandbox(tmp_path: Path, number: str, code: str) -> None:
    """DOMAIN 3.6: the gateway is the last place where anybody can read it."""
    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        gateway(hub.world, "44", hub.client, tmp_path) as region,
    ):
        begun = await region.submit(notice_prepared(hub.world, "44", "45"))
        with pytest.raises((RuleError, ContractError)) as error:
            await region.send(notice_sent(hub.world, "44", begun.stream_id, document_number=number))

    assert error.value.code == code
    assert number not in str(error.value)


@runs_in_a_loop
async def test_content_without_a_recipient_is_refused(tmp_path: Path) -> None:
    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        gateway(hub.world, "44", hub.client, tmp_path) as region,
    ):
        draft = replace(declared(hub.world, "44"), payloads={"NP-RES": ({},)})
        with pytest.raises(RuleError) as error:
            await region.send(draft)

    assert error.value.code == "RECIPIENTS_MISMATCH"


@runs_in_a_loop
async def test_an_unknown_matter_and_an_unknown_office_are_refused(tmp_path: Path) -> None:
    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        gateway(hub.world, "44", hub.client, tmp_path) as region,
    ):
        with pytest.raises(RuleError) as matter:
            await region.send(recorded(hub.world, "44", StreamId(hub.world.fresh_id())))
        with pytest.raises(RuleError) as office:
            await region.send(replace(declared(hub.world, "44"), office=OfficeId("o00000001")))

    assert matter.value.code == "NOT_FOUND"
    assert office.value.code == "OFFICE_UNKNOWN"


@runs_in_a_loop
async def test_who_loses_a_race_loads_the_matter_and_goes_on(tmp_path: Path) -> None:
    """Origin and destination act on one matter; the one whose copy is behind is told, catches up and tries again."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            begun = await region.submit(declared(hub.world, "44"))
            draft = recorded(hub.world, "44", begun.stream_id)
            racing = [await region.rehearse(draft) for _ in range(2)]
            outcomes = [(await answer).outcome for answer in racing]
            refused = (await racing[1]).refusal
            ended = replace(draft, event_type="RegistrationEnded", body={"reason": "DEPARTED"})
            went_on = await region.submit(ended)

        assert outcomes == [Outcome.ACCEPTED, Outcome.REFUSED]
        assert refused is not None
        assert refused.code == "POSITION_CONFLICT"
        assert (went_on.outcome, went_on.seq) == (Outcome.ACCEPTED, 2)


@runs_in_a_loop
async def test_a_repeated_event_and_a_repeated_batch_get_their_first_receipt(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            sent = await region.submit(declared(hub.world, "44"))
            size = hub.size
            (again,) = await region.send_batch_again(sent.event_id)
            size_after_batch = hub.size
            repeated = await (await region.send_again(sent.event_id))

        assert again.outcome is Outcome.ACCEPTED
        assert size_after_batch == size
        assert (repeated.outcome, repeated.index) == (Outcome.REPEATED, sent.index)


@runs_in_a_loop
async def test_another_region_follows_a_matter_from_what_the_exchange_has(tmp_path: Path) -> None:
    """The origin was told nothing of the first event; its copy is fetched, chained and proved."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        async with (
            gateway(world, "44", hub.client, tmp_path) as destination,
            gateway(world, "45", hub.client, tmp_path) as origin,
        ):
            begun = await destination.submit(notice_prepared(world, "44", "45"))
            await destination.submit(notice_sent(world, "44", begun.stream_id))
            delivered = await origin.submit(
                Draft(
                    procedure="RESIDENCE_NOTIFICATION",
                    event_type="ResidenceNoticeDelivered",
                    office=world.office("45", OfficeType.COUNTY_PSB_HOUSEHOLD).office,
                    occurred_at=world.clock.now_ms(),
                    stream_id=begun.stream_id,
                    body={"verified": True},
                )
            )

        assert (delivered.outcome, delivered.seq) == (Outcome.ACCEPTED, 2)
