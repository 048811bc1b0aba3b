"""A whole exchange of processes that a test may kill: broker, hub, relay, one region each, and somebody who submits.

    with FaultRig(tmp_path) as rig:
        rig.start_all()
        asyncio.run(rig.submit(matters))
        rig.programs["relay"].kill()

Pure of pytest. `check` is what must hold after whatever happened: everything that was acknowledged is in the ledger at
the index of its receipt, the audit finds nothing unexplained, every region holds exactly what the ledger says.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Final

from adapters.compose import LEDGER_FILE, REGION_FILE
from adapters.grpc.client import ExchangeClient
from adapters.keys.key_file import make_folder, write_key
from adapters.nats_server import NatsServer
from adapters.region.database import RegionDatabase
from adapters.region.inbox_store import RegionInboxStore
from adapters.store.relay_store import SqliteRelayStore
from adapters.store.sqlite import SqliteStore
from contracts.errors import UnavailableError
from contracts.ids import LeafIndex
from hub.submission import Outcome, SubmittedBatch
from ledger.entry import encode_event_entry
from tests.support.audit import audit
from tests.support.batches import Made
from tests.support.delivery import check_delivered
from tests.support.world import ORIGIN, SettableClock, World

ROOT: Final = Path(__file__).resolve().parents[2]
SETTLE_SECONDS: Final = 40.0
"""How long everything may take to arrive after the last fault."""


class RunningClock(SettableClock):
    """Real time, for programs that run by it."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000


class Program:
    """One process of the exchange.

    Args:
        name: `hub`, `relay` or `region`.
        settings: Its settings file; its log stands beside it.
    """

    def __init__(self, name: str, settings: Path) -> None:
        self._name = name
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where it writes its lines."""
        return self._settings.with_suffix(".log")

    def start(self, *, die: str | None = None) -> None:
        """Start it; `die` is a step of `tests.support.programs`."""
        command = [sys.executable, "-P", "-m", "tests.support.programs", self._name, str(self._settings)]
        with self._settings.with_suffix(".out").open("ab") as out:
            self._process = subprocess.Popen(
                command + (["--die", die] if die else []),
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=out,
                stderr=out,
            )

    def kill(self) -> None:
        """End it as a loss of power would; does nothing if it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Ask it to end and wait; a program that does not is a failure."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def wait_until_dead(self, seconds: float = 20.0) -> None:
        """Wait until the step at which it dies has come."""
        assert self._process is not None
        assert self._process.wait(seconds) == -signal.SIGKILL, self.tail()
        self._process = None

    def supervise(self) -> None:
        """Start it again if it does not run, as a supervisor would; only if it ended because a peer was away."""
        if self._process is None or self._process.poll() is not None:
            if self._process is not None and "UnavailableError" not in self._last_said():
                raise AssertionError(f"{self._settings.stem} ended by itself: {self.tail()}")
            self.start()

    def _last_said(self) -> str:
        return self._settings.with_suffix(".out").read_text(encoding="utf-8")[-500:]

    def tail(self) -> str:
        """The end of what it said."""
        said = [path.read_text(encoding="utf-8") for path in (self.log, self.log.with_suffix(".out")) if path.exists()]
        return "\n".join(text[-3000:] for text in said)


class FaultRig:
    """The exchange of a small world, all in one folder.

    Args:
        folder: Empty.
        regions: Whose programs there are.

    Attributes:
        world: Keys, and maker of matters.
        broker: The broker.
        programs: By name: `hub`, `relay`, `region-44`, ...
        acknowledged: Every event whose receipt arrived, with its index.
    """

    def __init__(self, folder: Path, *, regions: Sequence[str] = ("43", "44", "45")) -> None:
        self.folder = folder
        self.world = World(clock=RunningClock())
        self.broker = NatsServer(folder=folder / "nats")
        self.acknowledged: dict[bytes, LeafIndex] = {}
        self._regions = regions
        self._hub_address = f"127.0.0.1:{_free_port()}"
        self._found()
        self.broker.start()
        self.programs = {name: self._program(name) for name in ("hub", "relay", *(f"region-{r}" for r in regions))}

    def __enter__(self) -> FaultRig:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for program in self.programs.values():
            program.kill()
        self.broker.stop()

    def _found(self) -> None:
        """Make the ledger with its directory and write the world's keys where the programs look for them."""
        hub, keys = self.folder / "hub", self.folder / "hub" / "keys"
        make_folder(keys)
        write_key(keys / "log.key", self.world.log_signer.private_key)
        write_key(keys / "hub-events.key", self.world.hub_key)
        with closing(SqliteStore(hub / LEDGER_FILE)) as store:
            self.world.found(store)
        for region in self._regions:
            keys = self.folder / "regions" / region / "keys"
            make_folder(keys)
            for purpose, private in self.world.gateways[region].keys.items():
                write_key(keys / f"{purpose}.key", private)
            for point, opening in self.world.points.items():
                if point[:2] == region:
                    write_key(keys / f"point-{point}.key", opening)

    def _program(self, name: str) -> Program:
        kind, _, region = name.partition("-")
        settings: Mapping[str, Mapping[str, object]] = {
            "hub": {
                "data_dir": str(self.folder / "hub"),
                "listen": self._hub_address,
                "origin": ORIGIN,
                "sandbox": True,
                "heads_every_seconds": 1.0,
            },
            "relay": {
                "hub_data_dir": str(self.folder / "hub"),
                "relay_data_dir": str(self.folder / "relay"),
                "nats_url": self.broker.url,
            },
            "region": {
                "region": region,
                "data_dir": str(self.folder / "regions" / region),
                "hub_address": self._hub_address,
                "nats_url": self.broker.url,
                "log_vkey": self.world.verifier.vkey,
                "sandbox": True,
            },
        }
        path = self.folder / f"{name}.toml"
        lines = [f"{key} = {json.dumps(value)}" for key, value in settings[kind].items()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return Program(kind, path)

    def start_all(self) -> None:
        """Start every program that does not run."""
        for program in self.programs.values():
            program.supervise()

    # -- submitting

    async def submit(self, matters: Iterable[Sequence[Made]]) -> None:
        """Submit matters side by side, step by step, each batch until it is answered."""
        for step in zip(*matters, strict=True):
            by_region: dict[str, list[Made]] = {}
            for one in step:
                by_region.setdefault(one.region, []).append(one)
            for region, part in by_region.items():
                await self._until_answered(self.world.batches[region].batch(part))

    async def _until_answered(self, batch: SubmittedBatch) -> None:
        async with asyncio.timeout(SETTLE_SECONDS):
            for _ in itertools.count():
                if await self._is_answered(batch):
                    return
                await asyncio.sleep(0.05)

    async def _is_answered(self, batch: SubmittedBatch) -> bool:
        try:
            async with ExchangeClient(self._hub_address) as client, client.submit_stream() as stream:
                reply = await (await stream.send(batch))
        except UnavailableError:
            return False
        assert reply.answer.refusal is None, reply.answer.refusal
        for result, event in zip(reply.answer.results, batch.events, strict=True):
            assert result.outcome is not Outcome.REFUSED, result.refusal
            assert result.index is not None
            assert self.acknowledged.setdefault(event, result.index) == result.index
        return True

    # -- checking

    def settle(self) -> None:
        """Wait until every region holds what the ledger says and the relay has its receipts, then stop everything."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while missing := self._missing():
            if time.monotonic() > deadline:
                tails = "\n".join(f"--- {name}\n{program.tail()}" for name, program in self.programs.items())
                raise AssertionError(f"{missing} did not arrive\n{tails}")
            self.start_all()
            time.sleep(0.05)
        for name in reversed(self.programs):
            self.programs[name].stop()

    def _missing(self) -> Mapping[str, tuple[int, int]]:
        with (
            closing(SqliteStore(self.folder / "hub" / LEDGER_FILE, read_only=True)) as ledger,
            SqliteRelayStore(self.folder / "relay" / "relay.sqlite") as relay,
        ):
            receipted = relay.receipted()
            heads = {point: n for point, (n, _) in ledger.heads().items() if point[:2] in self._regions}
        return {point: (receipted.get(point, 0), n) for point, n in heads.items() if receipted.get(point) != n}

    def check(self) -> int:
        """Check everything, with the programs stopped; give the number of notifications that were delivered."""
        with closing(SqliteStore(self.folder / "hub" / LEDGER_FILE)) as ledger:
            for event, index in self.acknowledged.items():
                (entry,) = ledger.entries(index, LeafIndex(index + 1))
                assert entry == encode_event_entry(event), f"what was acknowledged at {index} is not there"
            audit(ledger, self.world)
            databases = {
                region: RegionDatabase(self.folder / "regions" / region / REGION_FILE) for region in self._regions
            }
            stores = {region: RegionInboxStore(db, now_ms=lambda: 0) for region, db in databases.items()}
            count = check_delivered(ledger, stores)
            for database in databases.values():
                database.close()
        with SqliteRelayStore(self.folder / "relay" / "relay.sqlite") as relay:
            assert relay.disagreements() == []
        return count


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
