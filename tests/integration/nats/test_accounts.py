"""On the broker a region reaches its own subjects and nothing else; who is not in the directory does not come in.

DOMAIN 9.1: one account a region; it may read its own notifications and the common subjects, and publish only its own
receipts. The real server refuses, with the configuration that is written from the directory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeout
from nats.js.client import JetStreamContext

from adapters.compose.broker_files import write_broker_files
from adapters.compose.folder import DataFolder
from adapters.keys.key_file import make_folder, write_key
from adapters.nats.broker import connected
from adapters.nats.login import JETSTREAM_API, REGION_API, Login
from adapters.nats.subjects import LOG_SUBJECT, rcp_subject
from adapters.nats_server import NatsServer
from adapters.store.opening import LEDGER_FILE, open_store
from contracts.errors import UnavailableError
from contracts.ids import RegionCode
from tests.support.async_tests import runs_in_a_loop
from tests.support.delivering_ledger import DeliveringLedger
from tests.support.delivery import Delivery, check_delivered

pytestmark = pytest.mark.integration


class Exchange:
    """A ledger and a broker whose accounts are written from its directory."""

    def __init__(self, folder: Path) -> None:
        self.data = DataFolder(folder)
        self.data.hub.mkdir()
        self.store = open_store(self.data.hub / LEDGER_FILE)
        self.ledger = DeliveringLedger(self.store)
        make_folder(self.data.relay / "keys")
        write_key(self.data.relay / "keys" / "broker.key", self.ledger.world.relay_key)
        self.broker = NatsServer(folder=folder / "nats", config=self.write())

    def write(self) -> Path:
        return write_broker_files(self.data, self.data.root / "config")

    def delivery(self) -> Delivery:
        world = self.ledger.world
        return Delivery(world=world, reader=self.store, url=self.broker.url, folder=self.data.root)

    def login(self, region: str) -> Login:
        return Login(self.ledger.world.gateways[RegionCode(region)].keys["broker"], REGION_API)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    made = Exchange(tmp_path)
    with closing(made.store), made.broker:
        yield made


@runs_in_a_loop
async def test_everything_is_delivered_through_the_accounts(exchange: Exchange) -> None:
    exchange.ledger.notices(5)
    exchange.ledger.case()
    async with exchange.delivery() as delivery:
        await delivery.settled()
        stores = {region: side.store for region, side in delivery.sides.items()}

        assert check_delivered(exchange.store, stores) == exchange.ledger.delivered() > 0


Deed = Callable[[JetStreamContext], Coroutine[Any, Any, object]]

FOREIGN: dict[str, Deed] = {
    "sign for another region": lambda js: js.publish(rcp_subject(RegionCode("45")), b""),
    "publish a notification": lambda js: js.publish("pprd.v1.ntf.45.std.node", b""),
    "publish a checkpoint": lambda js: js.publish(LOG_SUBJECT, b""),
    "look at another region's line": lambda js: js.consumer_info("NTF-45", "inbox-45"),
    "look at another region's stream": lambda js: js.stream_info("NTF-45"),
    "make a consumer of another's stream": lambda js: js.add_consumer("NTF-45", durable_name="mine"),
    "make a consumer of its own stream": lambda js: js.add_consumer("NTF-44", durable_name="mine"),
    "empty its own stream": lambda js: js.purge_stream("NTF-44"),
    "delete its own stream": lambda js: js.delete_stream("NTF-44"),
    "make a stream": lambda js: js.add_stream(name="MINE", subjects=["pprd.v1.>"]),
}


@runs_in_a_loop
async def test_a_region_can_do_nothing_with_what_is_not_its_own(exchange: Exchange) -> None:
    done = []
    exchange.ledger.notices(1)
    async with exchange.delivery() as delivery:
        await delivery.settled()
        async with connected(exchange.broker.url, name="pprd-test", login=exchange.login("44")) as broker:
            js = broker.client.jetstream(timeout=0.3, prefix=REGION_API)
            # What it may: the same calls, so that the refusals below are not just a wrong way to ask.
            assert (await js.consumer_info("NTF-44", "inbox-44")).name == "inbox-44"
            assert (await js.publish(rcp_subject(RegionCode("44")), b"no receipt")).stream == "RCP"
            for what, deed in FOREIGN.items():
                try:
                    await deed(js)
                    done.append(what)
                except (NatsTimeout, NatsError):
                    continue
        exchange.ledger.notices(1)
        await delivery.settled()

    assert done == []


@runs_in_a_loop
async def test_a_region_hears_nothing_that_is_not_for_all(exchange: Exchange) -> None:
    """Its own runs too are read through its consumer only: what it heard in passing it could not acknowledge."""
    heard: list[str] = []

    async def hear(message: Any) -> None:
        heard.append(message.subject)

    async with connected(exchange.broker.url, name="pprd-test", login=exchange.login("44")) as broker:
        for subject in ("pprd.v1.ntf.45.>", "pprd.v1.ntf.44.>", "pprd.v1.>", "pprd.v1.rcp.45", ">", "$JS.>"):
            await broker.client.subscribe(subject, cb=hear)
        await broker.client.flush()
        exchange.ledger.notices(2)
        async with exchange.delivery() as delivery:
            await delivery.settled()

        assert heard == []


@runs_in_a_loop
async def test_every_region_hears_the_checkpoints(exchange: Exchange) -> None:
    heard = asyncio.Event()

    async def hear(_: Any) -> None:
        heard.set()

    async with connected(exchange.broker.url, name="pprd-test", login=exchange.login("43")) as broker:
        await broker.client.subscribe(LOG_SUBJECT, cb=hear)
        await broker.client.flush()
        async with exchange.delivery():
            async with asyncio.timeout(10):
                await heard.wait()


@pytest.mark.parametrize("login", [None, Login(Ed25519PrivateKey.generate(), REGION_API)], ids=["nobody", "a stranger"])
@runs_in_a_loop
async def test_who_is_not_in_the_directory_does_not_come_in(exchange: Exchange, login: Login | None) -> None:
    with pytest.raises(UnavailableError) as error:
        async with connected(exchange.broker.url, name="pprd-test", login=login):
            pass

    assert error.value.code == "BROKER_UNAVAILABLE"


@runs_in_a_loop
async def test_a_revoked_key_is_out_once_the_accounts_are_written_again(exchange: Exchange) -> None:
    exchange.ledger.application.record([exchange.ledger.world.revocation("44", purpose="broker")])
    exchange.write()
    exchange.broker.stop()
    exchange.broker.start()

    with pytest.raises(UnavailableError):
        async with connected(exchange.broker.url, name="pprd-test", login=exchange.login("44")):
            pass
    async with connected(exchange.broker.url, name="pprd-test", login=exchange.login("45")) as broker:
        assert broker.client.was_asked
    async with connected(
        exchange.broker.url, name="pprd-test", login=Login(exchange.ledger.world.relay_key, JETSTREAM_API)
    ) as broker:
        assert (await broker.js.account_info()).streams == 0
