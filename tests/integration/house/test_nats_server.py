"""The broker of demonstration and tests is a real `nats-server`, ours alone, on loopback, with the file of `deploy`."""

import asyncio
import os
import stat
from pathlib import Path

import nats
import pytest

from adapters.nats_server import NatsServer, find_nats_server
from contracts.errors import UnavailableError

pytestmark = pytest.mark.integration


async def _publish(url: str, count: int) -> int:
    """Publish into a stream that is made if missing; give back how many messages it holds."""
    connection = await nats.connect(url, allow_reconnect=False)
    try:
        stream = connection.jetstream()
        await stream.add_stream(name="T", subjects=["t"])
        for _ in range(count):
            await stream.publish("t", b"x")
        return (await stream.stream_info("T")).state.messages
    finally:
        await connection.close()


def test_a_broker_keeps_its_messages_and_its_address_over_a_restart(tmp_path: Path) -> None:
    """Clients find it again, and what was acknowledged is there."""
    with NatsServer(folder=tmp_path / "with a space") as server:
        before = asyncio.run(_publish(server.url, 3))
        url = server.url
        server.kill()
        server.start()

        assert server.url == url
        assert (before, asyncio.run(_publish(server.url, 0))) == (3, 3)


def test_a_broker_that_is_wiped_has_lost_everything(tmp_path: Path) -> None:
    with NatsServer(folder=tmp_path) as server:
        asyncio.run(_publish(server.url, 3))
        server.stop()
        server.wipe()
        server.start()

        assert asyncio.run(_publish(server.url, 0)) == 0


def test_a_running_broker_is_not_wiped(tmp_path: Path) -> None:
    with NatsServer(folder=tmp_path) as server, pytest.raises(RuntimeError, match="stop the broker"):
        server.wipe()


def test_two_brokers_do_not_meet(tmp_path: Path) -> None:
    with NatsServer(folder=tmp_path / "a") as one, NatsServer(folder=tmp_path / "b") as other:
        assert one.url != other.url
        assert asyncio.run(_publish(one.url, 1)) == asyncio.run(_publish(other.url, 1)) == 1


def test_nothing_is_left_running(tmp_path: Path) -> None:
    with NatsServer(folder=tmp_path) as server:
        pid = server.pid
        assert pid is not None

    assert server.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_store_is_for_its_owner_only(tmp_path: Path) -> None:
    with NatsServer(folder=tmp_path / "nats"):
        assert stat.S_IMODE((tmp_path / "nats").stat().st_mode) == 0o700


def test_a_broker_that_cannot_start_says_what_its_log_says(tmp_path: Path) -> None:
    with NatsServer(folder=tmp_path / "a") as first:
        second = NatsServer(folder=tmp_path / "b", port=int(first.url.rpartition(":")[2]))

        with pytest.raises(UnavailableError, match="address already in use"):
            second.start()

    assert second.pid is None


def test_a_configured_program_is_taken_or_refused_and_never_replaced(tmp_path: Path) -> None:
    """An operator who names a server gets that one."""
    with pytest.raises(UnavailableError) as caught:
        find_nats_server(tmp_path / "absent")

    assert caught.value.code == "BROKER_UNAVAILABLE"


def test_the_path_comes_before_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's server is taken where there is one."""
    program = tmp_path / "nats-server"
    program.write_text("#!/bin/sh\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    of_the_system = find_nats_server()
    program.unlink()
    of_the_wheel = find_nats_server()

    assert of_the_system == program
    assert of_the_wheel != program
