"""Opening: the record of it comes first, the content after, and only to the office it was sealed to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from adapters.region.database import RegionDatabase
from adapters.region.gateway import RegionGateway
from adapters.region.opening import Reader
from adapters.region.outbox_store import SentEvent
from contracts.errors import AccessError, EvidenceError, RuleError, UnavailableError
from contracts.event import decode_event
from contracts.ids import LeafIndex, OfficeId
from contracts.office_type import OfficeType
from hub.openings import Opened
from ledger.entry import EventEntry, decode_entry
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer
from tests.support.lossy_exchange import LossyExchange
from tests.support.region import gateway, notice_prepared, notice_sent
from tests.support.world import World

pytestmark = pytest.mark.integration

REASON = "核对户籍，办理回执"


async def sent_notice(hub: HubServer, folder: Path) -> SentEvent:
    """A notice from region 44 to region 45."""
    async with gateway(hub.world, "44", hub.client, folder) as destination:
        begun = await destination.submit(notice_prepared(hub.world, "44", "45"))
        return await destination.submit(notice_sent(hub.world, "44", begun.stream_id))


def reader(world: World, region: str = "45") -> Reader:
    return Reader(world.office(region, OfficeType.COUNTY_PSB_HOUSEHOLD).office, REASON, role="REGISTRAR")


async def told(region: RegionGateway, notice: SentEvent) -> None:
    """Let the region know the event, as its inbox would."""
    await region.streams.catch_up(notice.stream_id)


@runs_in_a_loop
async def test_the_recipient_reads_what_was_sealed_and_the_ledger_says_so(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        notice = await sent_notice(hub, tmp_path)
        async with gateway(hub.world, "45", hub.client, tmp_path) as region:
            await told(region, notice)
            size = hub.size
            (reading,) = await region.opener.open(notice.event_id, "NP-RES", reader(hub.world))

        assert reading.content["identity"]["name"] == "测试甲一"
        assert reading.content["county"] == hub.world.counties["44"]
        assert size <= reading.access_index < hub.size
        (data,) = hub.store.entries(reading.access_index, LeafIndex(reading.access_index + 1))
        entry = decode_entry(data)
        assert isinstance(entry, EventEntry)
        header = decode_event(entry.event)
        assert (header.event_type, header.causation_id) == ("AccessRecorded", notice.event_id)
        assert REASON.encode() not in data
        hub.audit()


@runs_in_a_loop
async def test_the_reason_and_its_key_stay_in_the_region(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        notice = await sent_notice(hub, tmp_path)
        async with gateway(hub.world, "45", hub.client, tmp_path) as region:
            await told(region, notice)
            await region.opener.open(notice.event_id, "NP-RES", reader(hub.world))

    rows = RegionDatabase(tmp_path / "region-45.sqlite").all("SELECT reason_text, length(reason_key) FROM openings")
    assert rows == [(REASON, 32)]


@runs_in_a_loop
async def test_a_payload_is_not_read_before_its_opening_is_proved(tmp_path: Path) -> None:
    """The hub gives the content and records nothing, or another opening: the office does not decrypt."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        notice = await sent_notice(hub, tmp_path)
        line = LossyExchange(hub.client)
        async with gateway(hub.world, "45", line, tmp_path) as region:
            await told(region, notice)
            kept: list[Opened] = []

            def keep(opened: Opened) -> Opened:
                kept.append(opened)
                return opened

            line.change_opened = keep
            await region.opener.open(notice.event_id, "NP-RES", reader(hub.world))
            earlier = kept[0]
            line.change_opened = lambda opened: replace(
                opened, receipt=earlier.receipt, access_event=earlier.access_event
            )
            with pytest.raises(EvidenceError) as another:
                await region.opener.open(notice.event_id, "NP-RES", reader(hub.world))
            other = await hub.client.receipt(notice.event_id)
            entry = decode_entry(other.entry)
            assert isinstance(entry, EventEntry)
            not_the_hubs = entry.event
            line.change_opened = lambda opened: replace(opened, receipt=other, access_event=not_the_hubs)
            with pytest.raises(EvidenceError) as foreign:
                await region.opener.open(notice.event_id, "NP-RES", reader(hub.world))
            line.change_opened = lambda opened: replace(
                opened, receipt=replace(opened.receipt, path=opened.receipt.path[1:])
            )
            with pytest.raises(EvidenceError) as unproved:
                await region.opener.open(notice.event_id, "NP-RES", reader(hub.world))

            assert region.opener.count() == 1
        assert another.value.code == foreign.value.code == "RECEIPT_INVALID"
        assert unproved.value.code == "INCLUSION_INVALID"


LIES: dict[str, Callable[[Opened, Opened], Opened]] = {
    "changed content": lambda opened, other: replace(opened, envelope=opened.envelope[:-1] + b"\0"),
    "another bucket": lambda opened, other: replace(opened, envelope=opened.envelope + bytes(3072)),
    "no content": lambda opened, other: replace(opened, envelope=b""),
    "content of another event": lambda opened, other: replace(opened, envelope=other.envelope),
    "content and key of another event": lambda opened, other: replace(
        opened, envelope=other.envelope, wrapped=other.wrapped
    ),
    "key of another event": lambda opened, other: replace(opened, wrapped=other.wrapped),
    "key said to be of another office": lambda opened, other: replace(
        opened, wrapped=opened.wrapped._replace(office=OfficeId("o00000001"))
    ),
    "changed key": lambda opened, other: replace(
        opened, wrapped=opened.wrapped._replace(enc=opened.wrapped.enc[:-1] + bytes((opened.wrapped.enc[-1] ^ 1,)))
    ),
}


@runs_in_a_loop
async def test_what_a_lying_exchange_gives_is_not_shown(tmp_path: Path) -> None:
    """Each opening is recorded, and nothing that was changed or swapped after it is read."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        notice, another = await sent_notice(hub, tmp_path), await sent_notice(hub, tmp_path)
        line = LossyExchange(hub.client)
        async with gateway(hub.world, "45", line, tmp_path) as region:
            await told(region, notice)
            await told(region, another)
            kept: list[Opened] = []

            def keep(opened: Opened) -> Opened:
                kept.append(opened)
                return opened

            line.change_opened = keep
            await region.opener.open(another.event_id, "NP-RES", reader(hub.world))
            other = kept[0]
            for name, lie in LIES.items():
                line.change_opened = partial(lambda opened, lie: lie(opened, other), lie=lie)
                with pytest.raises(EvidenceError) as error:
                    await region.opener.open(notice.event_id, "NP-RES", reader(hub.world))
                assert error.value.code == "PAYLOAD_INVALID", name

            assert region.opener.count() == 1
        assert hub.audit().openings == {"45": 1 + len(LIES)}


@runs_in_a_loop
async def test_an_answer_that_is_lost_shows_nothing_and_a_new_request_is_recorded_again(tmp_path: Path) -> None:
    """The hub records and dies before its answer: the officer saw nothing, and the ledger says that it was given."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        notice = await sent_notice(hub, tmp_path)
        line = LossyExchange(hub.client)
        async with gateway(hub.world, "45", line, tmp_path) as region:
            await told(region, notice)

            def lose(opened: Opened) -> Opened:
                raise UnavailableError("PEER_UNAVAILABLE", "the line broke")

            line.change_opened = lose
            with pytest.raises(UnavailableError):
                await region.opener.open(notice.event_id, "NP-RES", reader(hub.world))
            shown = region.opener.count()
            line.change_opened = lambda opened: opened
            await region.opener.open(notice.event_id, "NP-RES", reader(hub.world))

            assert (shown, region.opener.count()) == (0, 1)
        assert hub.audit().openings == {"45": 2}


@runs_in_a_loop
async def test_an_office_that_is_no_recipient_learns_nothing(tmp_path: Path) -> None:
    """DOMAIN 8.1: to it a payload answers exactly as one that does not exist."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        notice = await sent_notice(hub, tmp_path)
        async with gateway(hub.world, "43", hub.client, tmp_path) as region:
            await told(region, notice)
            size = hub.size
            with pytest.raises(AccessError) as error:
                await region.opener.open(notice.event_id, "NP-RES", reader(hub.world, "43"))

        assert error.value.code == "OPEN_FORBIDDEN"
        assert hub.size == size


@runs_in_a_loop
async def test_an_opening_needs_a_reason_a_key_and_a_payload(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        notice = await sent_notice(hub, tmp_path)
        async with gateway(hub.world, "45", hub.client, tmp_path) as region:
            await told(region, notice)
            office = reader(hub.world).office
            with pytest.raises(RuleError) as reason:
                await region.opener.open(notice.event_id, "NP-RES", Reader(office, " ", role="REGISTRAR"))
            with pytest.raises(AccessError) as key:
                await region.opener.open(
                    notice.event_id, "NP-RES", Reader(OfficeId("o00000001"), REASON, role="REGISTRAR")
                )
            with pytest.raises(RuleError) as payload:
                await region.opener.open(notice.event_id, "NP-DEATH", reader(hub.world))

    assert (reason.value.code, key.value.code, payload.value.code) == (
        "REASONS_MISSING",
        "OPEN_FORBIDDEN",
        "NOT_FOUND",
    )
