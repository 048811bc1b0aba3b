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

from adapters.cli.errors import EXIT_CODES
from adapters.compose.broker_files import write_broker_files
from adapters.compose.folder import DataFolder
from adapters.compose.parts import REGION_FILE
from adapters.grpc.client import ExchangeClient
from adapters.keys.key_file import make_folder, write_key
from adapters.nats_server import NatsServer
from adapters.region.database import RegionDatabase
from adapters.region.inbox_store import RegionInboxStore
from adapters.settings import HubSettings, RegionSettings
from adapters.store.opening import LEDGER_POINTER, open_store
from adapters.store.relay_store import SqliteRelayStore
from contracts.codes import CODES
from contracts.errors import Family, FatalError, UnavailableError
from contracts.ids import LeafIndex
from hub.submission import Outcome, SubmittedBatch
from ledger.entry import encode_event_entry
from tests.support.audit import audit
from tests.support.batches import Made
from tests.support.delivery import check_delivered
from tests.support.ledger_places import ON_SQLITE, LedgerPlaces
from tests.support.world import ORIGIN, SettableClock, World

ROOT: Final = Path(__file__).resolve().parents[2]
SETTLE_SECONDS: Final = 60.0
"""How long everything may take to arrive after the last fault."""


class RunningClock(SettableClock):
    """Real time, for programs that run by it."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000


class Program:
    """One process of the exchange: a `pprd ... serve`.

    Args:
        command: What comes after `pprd`.
        log: Where its lines go; what it says besides goes to a file beside.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._command = (*command, "--log", str(log))
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, die: str | None = None) -> None:
        """Start it; `die` is a step of `tests.support.programs`."""
        program = ["adapters.cli.main"] if die is None else ["tests.support.programs", die]
        with self._log.with_suffix(".out").open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", *program, *self._command],
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
        """Ask it to end and wait; a program that does not, or that says that something is wrong, is a failure."""
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(20) == 0, self.tail()
            self._process = None

    def wait_until_dead(self, seconds: float = 20.0) -> None:
        """Wait until the step at which it dies has come."""
        assert self._process is not None
        assert self._process.wait(seconds) == -signal.SIGKILL, self.tail()
        self._process = None

    def ended(self) -> int | None:
        """Its exit code, once it has ended by itself; None while it runs."""
        return None if self._process is None else self._process.poll()

    def supervise(self, *families: Family) -> None:
        """Start it again if it does not run, as a supervisor would; only if it ended because a peer was away.

        Args:
            families: Of errors after which it is started too.
        """
        ended = self.ended()
        if self._process is None or ended in [EXIT_CODES[one] for one in (*families, "unavailable")]:
            self.start()
        elif ended is not None:
            raise AssertionError(f"{self._log.stem} ended with {ended}: {self.tail()}")

    def tail(self) -> str:
        """The end of what it said."""
        said = [
            path.read_text(encoding="utf-8") for path in (self._log, self._log.with_suffix(".out")) if path.exists()
        ]
        return "\n".join(text[-3000:] for text in said)


class FaultRig:
    """The exchange of a small world, all in one folder.

    Args:
        folder: Empty.
        regions: Whose programs there are.
        places: Where the ledger is.

    Attributes:
        place: The ledger's.
        world: Keys, and maker of matters.
        broker: The broker.
        hub_address: Where the hub listens.
        programs: By name: `hub`, `relay`, `region-44`, ...
        acknowledged: Every event whose receipt arrived, with its index.
    """

    def __init__(
        self, folder: Path, *, regions: Sequence[str] = ("43", "44", "45"), places: LedgerPlaces = ON_SQLITE
    ) -> None:
        self.folder = folder
        self.world = World(clock=RunningClock())
        self.acknowledged: dict[bytes, LeafIndex] = {}
        self._regions = regions
        self.place = places.new(folder / "hub")
        self._data = DataFolder(folder)
        self.hub_address = f"127.0.0.1:{_free_port()}"
        self._found()
        config = write_broker_files(self._data, self._data.nats / "config")
        self.broker = NatsServer(folder=self._data.nats, config=config)
        self.broker.start()
        self._write_settings()
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
        keys = self.folder / "hub" / "keys"
        make_folder(keys)
        write_key(keys / "log.key", self.world.log_signer.private_key)
        write_key(keys / "hub-events.key", self.world.hub_key)
        with closing(open_store(self.place)) as store:
            self.world.found(store)
        for region in self._regions:
            keys = self.folder / "regions" / region / "keys"
            make_folder(keys)
            for purpose, private in self.world.gateways[region].keys.items():
                write_key(keys / f"{purpose}.key", private)
            for point, opening in self.world.points.items():
                if point[:2] == region:
                    write_key(keys / f"point-{point}.key", opening)

    def _write_settings(self) -> None:
        self._data.write_hub(
            HubSettings(
                data_dir=self._data.hub,
                listen=self.hub_address,
                origin=ORIGIN,
                sandbox=True,
                heads_every_seconds=1.0,
            )
        )
        for region in self._regions:
            self._data.write_region(
                RegionSettings(
                    region=region,
                    data_dir=self._data.region(region),
                    hub_address=self.hub_address,
                    nats_url=self.broker.url,
                    log_vkey=self.world.verifier.vkey,
                    sandbox=True,
                )
            )

    def _program(self, name: str) -> Program:
        kind, _, region = name.partition("-")
        options = {
            "hub": (),
            "relay": ("--nats", self.broker.url),
            "region": ("--region", region),
        }
        command = (kind, "serve", "--data", str(self.folder), *options[kind])
        return Program(command, self.folder / f"{name}.log")

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
            async with ExchangeClient(self.hub_address) as client, client.submit_stream() as stream:
                reply = await (await stream.send(batch))
        except UnavailableError:
            return False
        except FatalError:
            # What a hub says whose database went away in a commit; whether that is recorded, the repeat will tell.
            if self.place.name != LEDGER_POINTER:
                raise
            return False
        refusal = reply.answer.refusal
        if refusal is not None and CODES[refusal.code].family == "unavailable":
            return False
        assert refusal is None, refusal
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
            closing(open_store(self.place, read_only=True)) as ledger,
            SqliteRelayStore(self.folder / "relay" / "relay.sqlite") as relay,
        ):
            receipted = relay.receipted()
            heads = {point: n for point, (n, _) in ledger.heads().items() if point[:2] in self._regions}
        return {point: (receipted.get(point, 0), n) for point, n in heads.items() if receipted.get(point) != n}

    def check(self) -> int:
        """Check everything, with the programs stopped; give the number of notifications that were delivered."""
        with closing(open_store(self.place)) as ledger:
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
