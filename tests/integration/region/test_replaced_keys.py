"""Keys of a region are replaced while matters go on: what was sealed before still opens, the rest is for the new key.

DOMAIN 9.5, 10; validity is judged by ledger index. A key that was revoked is good for nothing that comes after.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.region.keyring import SigningIdentity
from adapters.region.opening import Reader
from contracts.errors import UnavailableError
from contracts.office_type import OfficeType
from contracts.sealing import RecipientKey
from contracts.suite import HYBRID, new_sealing_key, office_key, public_of
from hub.own_batch import HubDraft
from hub.submission import Outcome
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer, until
from tests.support.lossy_exchange import LossyExchange
from tests.support.region import declared, gateway, keyring, notice_prepared, notice_sent
from tests.support.world import World

pytestmark = pytest.mark.integration


def household(world: World, region: str = "45") -> RecipientKey:
    return world.office(region, OfficeType.COUNTY_PSB_HOUSEHOLD).key


async def change(hub: HubServer, event_type: str, **body: object) -> None:
    """Record a directory event in the stream of what its first field names."""
    name, value = next(iter(body.items()))
    stream_id = hub.application.directory.stream_of(name, value)
    draft = HubDraft(event_type, "DIRECTORY", body, stream_id=stream_id)
    await hub.sequencer.call(lambda: hub.application.record([draft]))


@runs_in_a_loop
async def test_an_office_reads_what_was_sealed_to_its_earlier_key_and_to_its_new_one(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world, office = hub.world, household(hub.world).office
        fresh = new_sealing_key(HYBRID)
        async with gateway(world, "44", hub.client, tmp_path) as sender:
            begun = [await sender.submit(notice_prepared(world, "44", "45")) for _ in range(2)]
            first = await sender.submit(notice_sent(world, "44", begun[0].stream_id))
            key = office_key(public_of(fresh))
            await change(hub, "OfficeChanged", office=office, point=None, areas=None, key=key)
            await sender.replica.catch_up()
            second = await sender.submit(notice_sent(world, "44", begun[1].stream_id))
        held = keyring(world, "45")
        ring = replace(held, offices={**held.offices, office: fresh}, more_offices={office: (held.offices[office],)})
        async with gateway(world, "45", hub.client, tmp_path, ring=ring) as region:
            for notice in (first, second):
                await region.streams.catch_up(notice.stream_id)
                (reading,) = await region.opener.open(
                    notice.event_id, "NP-RES", Reader(office, "核对户籍", role="REGISTRAR")
                )
                assert reading.content["identity"]["name"] == "测试甲一"
        hub.audit()


@runs_in_a_loop
async def test_content_for_a_key_that_was_replaced_in_the_meantime_is_refused_and_may_be_sealed_again(
    tmp_path: Path,
) -> None:
    """The sender's copy of the directory was a moment behind: the hub refuses by index, with what to do."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world, office = hub.world, household(hub.world).office
        behind = LossyExchange(hub.client, change_update=lambda update: update._replace(events=()))
        async with gateway(world, "44", hub.client, tmp_path) as sender:
            begun = await sender.submit(notice_prepared(world, "44", "45"))
        async with gateway(world, "44", behind, tmp_path) as sender:
            key = office_key(public_of(new_sealing_key(HYBRID)))
            await change(hub, "OfficeChanged", office=office, point=None, areas=None, key=key)
            refused = await sender.submit(notice_sent(world, "44", begun.stream_id))
        async with gateway(world, "44", hub.client, tmp_path / "again") as sender:
            await sender.streams.catch_up(begun.stream_id)
            again = await sender.submit(notice_sent(world, "44", begun.stream_id))

        assert refused.refusal is not None
        assert refused.refusal.code == "SEALING_KEY_OLD"
        assert again.outcome is Outcome.ACCEPTED
        hub.audit()


@runs_in_a_loop
@pytest.mark.parametrize("region", ["44", "45"])
async def test_content_for_a_key_that_was_revoked_does_not_leave_the_gateway(tmp_path: Path, region: str) -> None:
    """The sender's own key counts as well: it would be one of those that open the payload."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub, gateway(hub.world, "44", hub.client, tmp_path) as sender:
        begun = await sender.submit(notice_prepared(hub.world, "44", "45"))
        key = household(hub.world, region)
        stream_id = hub.application.directory.stream_of("office", key.office)
        body = {"office": key.office, "key_id": key.key_id, "reason": "LOST"}
        draft = HubDraft("OfficeKeyRevoked", "DIRECTORY", body, stream_id=stream_id)
        await hub.sequencer.call(lambda: hub.application.record([draft]))
        await sender.replica.catch_up()
        size = hub.size

        with pytest.raises(UnavailableError) as refused:
            await sender.submit(notice_sent(hub.world, "44", begun.stream_id))

        assert (refused.value.code, hub.size) == ("OFFICE_KEY_ENDED", size)


@runs_in_a_loop
async def test_what_waits_under_a_revoked_key_is_signed_again_with_the_one_that_replaced_it(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        line = LossyExchange(hub.client, swallow_before=True)
        async with gateway(world, "44", line, tmp_path) as before:
            await before.send(declared(world, "44", ref="waits"))
            await until(lambda: bool(line.sent))
        fresh = SigningIdentity.of("batch", Ed25519PrivateKey.generate())
        await change(
            hub,
            "KeyRegistered",
            key_id=fresh.key_id,
            purpose="batch",
            producer="44-node",
            region="44",
            public_key=fresh.public_raw,
        )
        old = world.gateways["44"].key_id("batch")
        await change(hub, "KeyRevoked", key_id=old, reason="REPLACED")
        held = keyring(world, "44")
        after = gateway(world, "44", hub.client, tmp_path, ring=replace(held, batch=fresh))
        async with after:
            answer = await after.submit(declared(world, "44", ref="waits"))

        assert answer.outcome is Outcome.ACCEPTED
        assert line.sent[0].key_id == old
        hub.audit()


@runs_in_a_loop
async def test_a_revoked_key_signs_nothing_any_more(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with gateway(hub.world, "44", hub.client, tmp_path) as region:
            await change(hub, "KeyRevoked", key_id=hub.world.gateways["44"].key_id("batch"), reason="LOST")
            size = hub.size
            answer = await region.submit(declared(hub.world, "44"))

        assert answer.refusal is not None
        assert answer.refusal.code == "KEY_REVOKED"
        assert hub.size == size
