"""Content about a minor is shown only with the approval of a responsible person, and nobody outside can tell (8.1)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.region.database import RegionDatabase
from adapters.region.gateway import RegionGateway
from adapters.region.opening import Reader
from adapters.region.outbox_store import SentEvent
from contracts.errors import AccessError, RuleError
from contracts.event import decode_event
from contracts.ids import LeafIndex
from contracts.office_type import OfficeType
from contracts.opening import approval_commitment, load_opening_rules
from contracts.profile import load_profiles
from ledger.entry import EventEntry, decode_entry
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer
from tests.support.region import gateway, notice_prepared, notice_sent
from tests.support.world import World

pytestmark = pytest.mark.integration

OFFICER, APPROVER = bytes(range(16)), bytes(range(16, 32))


async def notice(hub: HubServer, folder: Path, *, minor: bool) -> SentEvent:
    """A notice from region 44 to region 45 that says in its sealed part whether the person is a minor."""
    async with gateway(hub.world, "44", hub.client, folder) as destination:
        begun = await destination.submit(notice_prepared(hub.world, "44", "45"))
        draft = notice_sent(hub.world, "44", begun.stream_id)
        payloads = {profile: tuple({**one, "minor": minor} for one in some) for profile, some in draft.payloads.items()}
        return await destination.submit(replace(draft, payloads=payloads))


def reader(world: World, approver: bytes | None = None) -> Reader:
    office = world.office("45", OfficeType.COUNTY_PSB_HOUSEHOLD).office
    return Reader(office, "核对户籍", officer=OFFICER, role="REGISTRAR", approver=approver)


def bodies(hub: HubServer) -> Sequence[dict[str, object]]:
    """The bodies of all openings in the ledger."""
    found = []
    for data in hub.store.entries(LeafIndex(0), LeafIndex(hub.size)):
        entry = decode_entry(data)
        if isinstance(entry, EventEntry):
            header = decode_event(entry.event)
            if header.event_type == "AccessRecorded":
                found.append(dict(hub.world.rules.registry.decode_body(header.body)[1]))
    return found


async def withheld(region: RegionGateway, sent: SentEvent, world: World) -> bytes:
    """Open without an approval; gives the request under which the content waits."""
    with pytest.raises(AccessError) as refused:
        await region.opener.open(sent.event_id, "NP-RES", reader(world))
    assert refused.value.code == "OPEN_APPROVAL_MISSING"
    return region.opener.kept()[-1].request_id


@runs_in_a_loop
async def test_content_about_a_minor_waits_for_an_approval_and_is_shown_once(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        sent = await notice(hub, tmp_path, minor=True)
        async with gateway(hub.world, "45", hub.client, tmp_path) as region:
            await region.streams.catch_up(sent.stream_id)
            request_id = await withheld(region, sent, hub.world)
            size = hub.size
            with pytest.raises(AccessError) as own:
                region.opener.approve(request_id, OFFICER)

            reading = region.opener.approve(request_id, APPROVER)

            with pytest.raises(RuleError) as again:
                region.opener.approve(request_id, APPROVER)
            (kept,) = region.opener.kept()
        assert reading.content["minor"]
        assert (own.value.code, again.value.code) == ("OPEN_APPROVAL_MISSING", "NOT_FOUND")
        assert (kept.officer, kept.approver) == (OFFICER, APPROVER)
        assert hub.size == size
        assert hub.audit().openings == {"45": 1}


@runs_in_a_loop
async def test_the_ledger_does_not_tell_who_is_a_minor_and_the_region_can_show_who_approved(tmp_path: Path) -> None:
    """Withheld, approved ahead, and about an adult: one opening each, of the same form."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        child, adult = await notice(hub, tmp_path, minor=True), await notice(hub, tmp_path, minor=False)
        async with gateway(hub.world, "45", hub.client, tmp_path) as region:
            for sent in (child, adult):
                await region.streams.catch_up(sent.stream_id)
            region.opener.approve(await withheld(region, child, hub.world), APPROVER)
            await region.opener.open(adult.event_id, "NP-RES", reader(hub.world))
            await region.opener.open(child.event_id, "NP-RES", reader(hub.world, APPROVER))
            last = region.opener.kept()[-1]

        recorded = bodies(hub)
        assert [set(body) for body in recorded] == [set(recorded[0])] * 3
        approvals = [body["approval"] for body in recorded]
        assert all(isinstance(one, bytes) and len(one) == 32 for one in approvals)
        assert len(set(approvals)) == 3
        with closing(RegionDatabase(tmp_path / "region-45.sqlite")) as database:
            (key,) = database.one("SELECT approval_key FROM approvals WHERE request_id=?", last.request_id)
        shown = approval_commitment(key=key, request_id=last.request_id, approver=APPROVER)
        assert shown == approvals[2]
        hub.audit()


@runs_in_a_loop
async def test_what_nobody_approves_in_time_is_kept_no_longer(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        sent = await notice(hub, tmp_path, minor=True)
        async with gateway(hub.world, "45", hub.client, tmp_path) as region:
            await region.streams.catch_up(sent.stream_id)
            request_id = await withheld(region, sent, hub.world)
            with closing(RegionDatabase(tmp_path / "region-45.sqlite")) as database, database.transaction():
                hours = load_opening_rules().withheld_hours
                database.write("UPDATE withheld SET fetched_at=fetched_at-?", hours * 3_600_000 + 60_000)

            with pytest.raises(RuleError) as late:
                region.opener.approve(request_id, APPROVER)

        assert late.value.code == "NOT_FOUND"


@runs_in_a_loop
async def test_nobody_approves_what_he_reads_himself(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        sent = await notice(hub, tmp_path, minor=True)
        async with gateway(hub.world, "45", hub.client, tmp_path) as region:
            await region.streams.catch_up(sent.stream_id)
            size = hub.size
            with pytest.raises(AccessError) as refused:
                await region.opener.open(sent.event_id, "NP-RES", reader(hub.world, OFFICER))

        assert refused.value.code == "OPEN_APPROVAL_MISSING"
        assert hub.size == size


def test_every_profile_has_a_role_and_every_role_names_profiles_that_exist() -> None:
    rules = load_opening_rules()

    assert set(rules.roles) == set(load_profiles())
    assert rules.approved <= set(load_profiles())
