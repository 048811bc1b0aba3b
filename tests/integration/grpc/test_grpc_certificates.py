"""Mutual TLS: a certificate says who calls, and has to agree with what the call says in whose name.

DOMAIN 10, ADR 0015. A certificate of another region is refused with its code and changes nothing; one that ends soon is
told about and goes on working; one that has ended, or that our authority did not sign, makes no connection.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.credentials import channel_credentials, server_credentials
from adapters.grpc.client import ExchangeClient
from adapters.grpc.peer import _peer
from adapters.keys.certificates import Validity, issue, make_authority, now
from adapters.settings import HubSettings
from contracts.errors import AccessError, UnavailableError
from contracts.ids import PointId
from hub.openings import Opened
from hub.submission import Outcome
from tests.integration.grpc.test_grpc_openings import request_for
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer
from tests.support.matters import declaration, notification
from tests.support.world import ORIGIN

pytestmark = pytest.mark.integration


@dataclass
class Authority:
    """An authority, the hub's certificate, and certificates for whoever asks."""

    folder: Path

    def __post_init__(self) -> None:
        make_authority(self.folder / "ca", "test authority", Validity.of_days(400, now()))
        self.hub = self.sign("hub")

    def sign(self, name: str, *uris: str, days: int = 90, ended: bool = False) -> tuple[Path, Path]:
        start = now() - timedelta(days=days + 2) if ended else now()
        validity = Validity.of_days(days, start)
        hosts = ("localhost", "127.0.0.1")
        cert = issue(self.folder / "ca", self.folder / "certs", name, uris=uris, hosts=hosts, validity=validity)
        return cert, cert.with_suffix(".key")

    @property
    def ca(self) -> Path:
        return self.folder / "ca" / "ca.pem"

    def server(self) -> grpc.ServerCredentials:
        cert, key = self.hub
        settings = HubSettings(
            data_dir=self.folder,
            listen="127.0.0.1:0",
            origin=ORIGIN,
            sandbox=True,
            tls_cert=cert,
            tls_key=key,
            tls_client_ca=self.ca,
        )
        found = server_credentials(settings)
        assert found is not None
        return found

    def client(self, name: str, *uris: str, days: int = 90, ended: bool = False) -> grpc.ChannelCredentials:
        cert, key = self.sign(name, *uris, days=days, ended=ended)
        found = channel_credentials(self.ca, cert, key)
        assert found is not None
        return found

    def both(self) -> tuple[grpc.ServerCredentials, grpc.ChannelCredentials]:
        return self.server(), self.client("r44", "pprd://region/44")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    _peer.cache_clear()
    return Authority(tmp_path / "tls")


@runs_in_a_loop
async def test_a_region_submits_and_reads_with_its_own_certificate(tmp_path: Path, authority: Authority) -> None:
    async with HubServer(tmp_path / "ledger.sqlite", tls=authority.both()) as hub:
        await hub.submit([declaration(hub.world, "44")])

        assert (await hub.client.producer("44-node")).next_seq == 1
        assert [run async for run in hub.client.runs(PointId("44-node"))] == []
        hub.audit()


@runs_in_a_loop
async def test_a_batch_of_another_region_is_refused_whole_and_records_nothing(
    tmp_path: Path, authority: Authority
) -> None:
    """Signed by region 45's own key, sent over region 44's line: one of the two was stolen."""
    async with HubServer(tmp_path / "ledger.sqlite", tls=authority.both()) as hub:
        size = hub.size
        batch = hub.world.batches["45"].batch([declaration(hub.world, "45")])
        single = await hub.client.submit_one(batch)
        async with hub.client.submit_stream() as stream:
            streamed = await (await stream.send(batch))
            own = await (await stream.send(hub.world.batches["44"].batch([declaration(hub.world, "44")])))

        for reply in (single, streamed):
            assert reply.answer.refusal is not None
            assert reply.answer.refusal.code == "CERTIFICATE_MISMATCH"
            assert reply.answer.refusal.field == "producer"
        assert own.answer.results[0].outcome is Outcome.ACCEPTED
        assert hub.size == size + 2


@runs_in_a_loop
async def test_an_opening_for_who_is_not_in_the_certificate_is_refused_and_its_neighbours_are_not(
    tmp_path: Path, authority: Authority
) -> None:
    """Signed by the office's own region: the line is another's, or another office's of the same region."""
    async with HubServer(tmp_path / "ledger.sqlite", tls=authority.both()) as hub:
        world = hub.world
        made = notification(world, "44", "45")[:2]
        await hub.submit(made)
        office = world.office("45", "COUNTY_PSB_HOUSEHOLD")
        other = world.office("45", "POLICE_STATION")
        request = request_for(world, made[1], office)
        with pytest.raises(AccessError) as stolen:
            await hub.client.open_payload(request)
        line = authority.client("o45", f"pprd://region/45/office/{office.office}")
        async with ExchangeClient(hub.address, credentials=line) as client:
            answers = await asyncio.gather(
                client.open_payload(request_for(world, made[1], other)),
                client.open_payload(request),
                return_exceptions=True,
            )

        assert (stolen.value.code, stolen.value.field) == ("CERTIFICATE_MISMATCH", "producer")
        refused, opened = answers
        assert isinstance(refused, AccessError)
        assert (refused.code, refused.field) == ("CERTIFICATE_MISMATCH", "office")
        assert isinstance(opened, Opened)
        assert hub.audit().openings == {"45": 1}


@runs_in_a_loop
async def test_what_another_region_got_is_not_told(tmp_path: Path, authority: Authority) -> None:
    async with HubServer(tmp_path / "ledger.sqlite", tls=authority.both()) as hub:
        for call in (hub.client.producer("45-node"), _all(hub.client, "45-node")):
            with pytest.raises(AccessError) as error:
                await call
            assert error.value.code == "CERTIFICATE_MISMATCH"


@runs_in_a_loop
async def test_a_certificate_of_one_gateway_is_not_one_of_its_neighbour(tmp_path: Path, authority: Authority) -> None:
    server = authority.server()
    county = authority.client("county", "pprd://region/44/point/44-440106")
    async with HubServer(tmp_path / "ledger.sqlite", tls=(server, county)) as hub:
        assert await _all(hub.client, "44-440106") == 0
        with pytest.raises(AccessError) as error:
            await _all(hub.client, "44-node")

        assert error.value.code == "CERTIFICATE_MISMATCH"


@runs_in_a_loop
async def test_an_auditor_reads_the_ledger_and_nobodys_runs(tmp_path: Path, authority: Authority) -> None:
    tls = (authority.server(), authority.client("auditor", "pprd://auditor"))
    async with HubServer(tmp_path / "ledger.sqlite", tls=tls) as hub:
        entries = 0
        async for chunk in hub.client.entries(0, 0):
            entries += len(chunk.entries)
        assert entries == hub.size
        with pytest.raises(AccessError):
            await _all(hub.client, "44-node")
        reply = await hub.client.submit_one(hub.world.batches["44"].batch([declaration(hub.world, "44")]))

        assert reply.answer.refusal is not None
        assert reply.answer.refusal.code == "CERTIFICATE_MISMATCH"


@runs_in_a_loop
async def test_a_certificate_that_names_nobody_of_ours_asks_nothing(tmp_path: Path, authority: Authority) -> None:
    async with HubServer(tmp_path / "ledger.sqlite", tls=authority.both()) as hub:
        for name, uri in (("web", "https://region/44"), ("far", "pprd://region/11"), ("long", "pprd://region/44/x")):
            async with ExchangeClient(hub.address, credentials=authority.client(name, uri)) as client:
                with pytest.raises(AccessError) as error:
                    await client.producer("44-node")

            assert error.value.code == "CERTIFICATE_UNKNOWN"


@runs_in_a_loop
async def test_who_has_no_good_certificate_makes_no_connection(tmp_path: Path, authority: Authority) -> None:
    other = Authority(tmp_path / "other")
    cert, key = other.sign("r44", "pprd://region/44")
    foreign = grpc.ssl_channel_credentials(authority.ca.read_bytes(), key.read_bytes(), cert.read_bytes())
    strangers = {
        "none": channel_credentials(authority.ca, None, None),
        "of another authority": foreign,
        "ended": authority.client("old", "pprd://region/44", ended=True),
        "plain text": None,
    }
    async with HubServer(tmp_path / "ledger.sqlite", tls=authority.both()) as hub:
        for credentials in strangers.values():
            client = ExchangeClient(hub.address, credentials=credentials, call_seconds=2)
            with pytest.raises(UnavailableError):
                await client.producer("44-node")
            await client.close()


@runs_in_a_loop
async def test_a_certificate_that_ends_soon_is_told_once_and_goes_on(tmp_path: Path, authority: Authority) -> None:
    tls = (authority.server(), authority.client("soon", "pprd://region/44", days=3))
    with capture_logs() as lines:
        async with HubServer(tmp_path / "ledger.sqlite", tls=tls) as hub:
            await hub.submit(notification(hub.world, "44", "45")[:2])
            await hub.client.producer("44-node")

    told = [line for line in lines if line["event"] == "certificate.ends"]
    assert [(line["region"], line["days"]) for line in told] == [(["44"], 2)]


@runs_in_a_loop
async def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path, authority: Authority) -> None:
    cert, key = authority.hub
    async with HubServer(tmp_path / "ledger.sqlite", tls=authority.both()) as hub:
        renewed, renewed_key = authority.sign("renewed")
        key.write_bytes(renewed_key.read_bytes())
        cert.write_bytes(renewed.read_bytes())
        with capture_logs() as lines:
            async with ExchangeClient(hub.address, credentials=authority.client("b", "pprd://region/44")) as client:
                await client.producer("44-node")

    assert "certificate.renewed" in [line["event"] for line in lines]


async def _all(client: ExchangeClient, point: str) -> int:
    return len([run async for run in client.runs(PointId(point))])


@runs_in_a_loop
async def test_an_audit_shows_its_certificate_and_is_refused_without_one(tmp_path: Path, authority: Authority) -> None:
    cert, key = authority.sign("audits", "pprd://auditor")
    async with HubServer(tmp_path / "ledger.sqlite", tls=authority.both()) as hub:
        await hub.submit([declaration(hub.world, "44")])
        words = ("audit", hub.address, "--ca", str(authority.ca), "--json")
        shown = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--cert", str(cert), "--key", str(key)])
        nothing = await asyncio.to_thread(CliRunner().invoke, app, words)
        half = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--cert", str(cert)])

        assert (shown.exit_code, nothing.exit_code, half.exit_code) == (0, 2, 3)
        assert json.loads(shown.output.splitlines()[-1])["size"] == hub.size
