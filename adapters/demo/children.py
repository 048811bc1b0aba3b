"""The processes of the demonstration: started here, spoken to in lines of JSON, ended here and by nobody else."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import IO, Any, Final, Self

from contracts.errors import FatalError

_READY_SECONDS: Final = 30.0
_END_SECONDS: Final = 20.0


class Child:
    """One Python process of ours.

    Args:
        name: For messages, and for its log.
        process: Started.
        errors: Where its standard error goes.
    """

    def __init__(self, name: str, process: Process, errors: IO[bytes]) -> None:
        self.name = name
        self._process = process
        self._errors = errors

    @classmethod
    async def start(cls, name: str, *arguments: str, logs: Path) -> Self:
        """Start `python -P -m` with arguments; its standard error goes to a file in `logs`."""
        errors = await asyncio.to_thread(_log_file, logs, name)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", *arguments, stdin=PIPE, stdout=PIPE, stderr=errors, start_new_session=True
        )
        return cls(name, process, errors)

    @property
    def has_ended(self) -> bool:
        """It runs no more."""
        return self._process.returncode is not None

    def say(self, line: str) -> None:
        """Write a line to its standard input."""
        if self._process.stdin is not None:
            self._process.stdin.write(line.encode() + b"\n")

    async def line(self) -> dict[str, Any] | None:
        """The next line that it says; None when it has ended."""
        if self._process.stdout is None:
            return None
        while raw := await self._process.stdout.readline():
            try:
                value = json.loads(raw)
            except ValueError:
                continue
            if isinstance(value, dict):
                return value
        return None

    async def ready(self) -> str:
        """Wait until a server says that it is ready.

        Returns:
            Its address.

        Raises:
            FatalError: DEMO_FAILED: it ended, or was not ready in time.
        """
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while (said := await self.line()) is not None:
                    if "ready" in said:
                        return str(said["address"])
        except TimeoutError as error:
            raise FatalError("DEMO_FAILED", f"{self.name} was not ready in time") from error
        raise FatalError("DEMO_FAILED", f"{self.name} ended at its start; see {self._errors.name}")

    async def end(self) -> None:
        """Ask it to end and wait; end it for good if it does not."""
        if self.has_ended:
            self._errors.close()
            return
        self._process.terminate()
        await self.wait()

    async def wait(self) -> int:
        """Wait until it has ended; end it for good if it takes too long. Gives its exit code."""
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._drain()
                code = await self._process.wait()
        except TimeoutError:
            await self.kill()
            code = -9
        self._errors.close()
        return code

    async def _drain(self) -> None:
        """Read what it still says, so that it is not held up by a full pipe."""
        while await self.line() is not None:
            continue

    async def kill(self) -> None:
        """End it at once, as a loss of power would."""
        if not self.has_ended:
            self._process.kill()
        await self._process.wait()


def _log_file(logs: Path, name: str) -> IO[bytes]:
    logs.mkdir(parents=True, exist_ok=True)
    return (logs / f"{name}.err").open("ab")


async def start_hub(data: Path, logs: Path, listen: str = "127.0.0.1:0") -> Child:
    """Start `pprd hub serve`. What time has done it writes down at its start and at its end: the play tells of past
    weeks, and a step that lies in the past must not count as missed while it waits to be played."""
    return await Child.start(
        "hub",
        "adapters.cli.main", "hub", "serve", "--data", str(data), "--listen", listen,
        "--timers-every", "3600", "--log", str(logs / "hub.log"), "--json",
        logs=logs,
    )  # fmt: skip


async def start_relay(data: Path, logs: Path, nats_url: str) -> Child:
    """Start `pprd relay serve`."""
    return await Child.start(
        "relay",
        "adapters.cli.main", "relay", "serve", "--data", str(data), "--nats", nats_url,
        "--log", str(logs / "relay.log"), "--json",
        logs=logs,
    )  # fmt: skip


async def start_projections(data: Path, logs: Path) -> Child:
    """Start `pprd projections serve`."""
    return await Child.start(
        "projections",
        "adapters.cli.main", "projections", "serve", "--data", str(data),
        "--log", str(logs / "projections.log"), "--json",
        logs=logs,
    )  # fmt: skip


async def start_worker(region: str, logs: Path) -> Child:
    """Start a region's process; it waits for its orders."""
    return await Child.start(f"region-{region}", "adapters.demo.worker", region, logs=logs)
