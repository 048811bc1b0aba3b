"""The canary's run: broker, hub and relay as processes, three regions in one, the lines between them watched.

    with CanaryRun(tmp_path) as run:
        run.play()
        run.find()                          # every mark outside the regions' folders

Pure of pytest.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters.compose.auditing import run_audit, run_export
from adapters.compose.broker_files import write_broker_files
from adapters.compose.folder import DataFolder
from adapters.keys.key_file import make_folder, write_key
from adapters.nats_server import NatsServer
from adapters.settings import HubSettings, RegionSettings
from adapters.store.opening import LEDGER_FILE, open_store
from adapters.store.relay_store import SqliteRelayStore
from contracts.ids import LeafIndex
from ledger.entry import EventEntry, decode_entry
from tests.support.canary_marks import Found, files_below, find, find_in_files
from tests.support.canary_play import PLAYED, REGIONS, SAID
from tests.support.fault_rig import RunningClock
from tests.support.wire_tee import Direction, WireTee, http2_data
from tests.support.world import ORIGIN, World

ROOT: Final = Path(__file__).resolve().parents[2]

PPRD: Final = (sys.executable, "-P", "-m", "adapters.cli.main")

_START_SECONDS: Final = 60.0
_PLAY_SECONDS: Final = 120.0


class CanaryRun:
    """One run in an empty folder; a context that starts and stops everything but the regions.

    Args:
        folder: Of all its files.

    Attributes:
        folder: As given.
        world: Who takes part.
        hub_address: Where the hub listens itself.
        hub_line: Between regions and hub.
        broker_line: Between regions and broker.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World(clock=RunningClock())
        self.hub_address = f"127.0.0.1:{_free_port()}"
        self.hub_line = WireTee(_port(self.hub_address))
        self.broker_line: WireTee
        self._data = DataFolder(folder)
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> CanaryRun:
        with ExitStack() as stack:
            # What a program writes aside is a file of the run too.
            (self.folder / "tmp").mkdir()
            self._found()
            config = write_broker_files(self._data, self._data.nats / "config")
            broker = stack.enter_context(NatsServer(folder=self._data.nats, config=config))
            self.broker_line = stack.enter_context(WireTee(_port(broker.url)))
            stack.enter_context(self.hub_line)
            self._write_settings()
            stack.callback(self._kill)
            self._start("hub", "serve", "--listen", self.hub_address)
            self._start("relay", "serve", "--nats", broker.url)
            _until_listening(self.hub_address)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _found(self) -> None:
        """Make the ledger with its directory, and write the world's keys where the programs look for them."""
        write_keys(self.world, self._data)
        with closing(open_store(self._data.hub / LEDGER_FILE)) as store:
            self.world.found(store)

    def _write_settings(self) -> None:
        hub = HubSettings(data_dir=self._data.hub, listen=self.hub_address, origin=ORIGIN, sandbox=True)
        self._data.write_hub(hub)
        for region in REGIONS:
            settings = RegionSettings(
                region=region,
                data_dir=self._data.region(region),
                hub_address=f"127.0.0.1:{self.hub_line.port}",
                nats_url=f"nats://127.0.0.1:{self.broker_line.port}",
                log_vkey=self.world.verifier.vkey,
                sandbox=True,
            )
            self._data.write_region(settings)

    def _environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(self.folder / "tmp")}

    def _start(self, name: str, *options: str) -> None:
        """Start a program as its operator would."""
        self._data.logs.mkdir(exist_ok=True)
        log = self._data.logs / f"{name}.log"
        with log.with_suffix(".out").open("wb") as out:
            self._programs[name] = subprocess.Popen(
                [*PPRD, name, *options, "--data", str(self.folder), "--log", str(log)],
                cwd=ROOT,
                env=self._environment(),
                stdout=out,
                stderr=out,
            )

    def _kill(self) -> None:
        for program in self._programs.values():
            program.kill()
            program.wait()

    # -- playing

    def play(self) -> None:
        """Play everything, in a process whose lines to hub and broker are watched."""
        said = self._data.logs / "regions.out"
        with said.open("wb") as out:
            code = subprocess.run(
                [sys.executable, "-P", "-m", "tests.support.canary_play", str(self.folder)],
                cwd=ROOT,
                env=self._environment(),
                stdout=out,
                stderr=out,
                timeout=_PLAY_SECONDS,
                check=False,
            ).returncode
        assert code == 0, said.read_text(encoding="utf-8")[-4000:]

    def wait_until_delivered(self) -> None:
        """Wait until the relay has a receipt for every notification."""
        deadline = time.monotonic() + _START_SECONDS
        while any(n != receipted for n, receipted in self.deliveries().values()):
            assert time.monotonic() < deadline, self.deliveries()
            time.sleep(0.05)

    def finish(self) -> None:
        """Stop hub and relay, then audit the ledger and export it: what an audit writes is a file of the run too."""
        for name in ("relay", "hub"):
            self._programs[name].terminate()
            assert self._programs[name].wait(_START_SECONDS) == 0, (self._data.logs / f"{name}.out").read_text()
        report = run_audit(str(self.folder))
        assert report.problem is None, str(report.problem)
        run_export(self.folder, self.folder / "export")
        (self.folder / "audit.json").write_text(json.dumps(report.to_json(), ensure_ascii=False), encoding="utf-8")

    # -- looking

    @property
    def played(self) -> Mapping[str, Any]:
        """Counts of the play, and every text that offices read."""
        found: Mapping[str, Any] = json.loads((self.folder / PLAYED).read_bytes())
        return found

    @property
    def said(self) -> Sequence[Mapping[str, str]]:
        """Every refusal on the way."""
        lines = (self.folder / SAID).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def outside(self) -> list[Path]:
        """Every file of the run that is no region's own."""
        return files_below(self.folder, without=[self.folder / "regions"])

    def find(self) -> list[Found]:
        """Every mark outside the regions' folders: in files, their names, the cells of databases, and on the lines."""
        found = find_in_files(self.outside(), self.folder)
        for place, data in self.lines():
            found += find(data, place)
        return found

    def lines(self) -> list[tuple[str, bytes]]:
        """What passed between regions and hub and broker, as it passed and put together again."""
        assert not self.hub_line.is_cut
        assert not self.broker_line.is_cut
        passed: list[tuple[str, bytes]] = []
        directions: tuple[Direction, ...] = ("request", "answer")
        for direction in directions:
            for line in self.hub_line.lines(direction):
                passed += [(f"hub {direction}", line), (f"hub {direction}, content", http2_data(line))]
            passed += [(f"broker {direction}", line) for line in self.broker_line.lines(direction)]
        return passed

    def events(self) -> list[bytes]:
        """Every event of the ledger, with the hub stopped or not."""
        with closing(open_store(self.folder / "hub" / LEDGER_FILE, read_only=True)) as ledger:
            entries = ledger.entries(LeafIndex(0), LeafIndex(ledger.size()))
            return [entry.event for entry in map(decode_entry, entries) if isinstance(entry, EventEntry)]

    def deliveries(self) -> Mapping[str, tuple[int, int]]:
        """For each point of the play how many notifications there are, and for how many the relay has a receipt."""
        with (
            closing(open_store(self.folder / "hub" / LEDGER_FILE, read_only=True)) as ledger,
            SqliteRelayStore(self.folder / "relay" / "relay.sqlite") as relay,
        ):
            receipted = relay.receipted()
            return {point: (n, receipted.get(point, 0)) for point, (n, _) in ledger.heads().items()}


def write_keys(world: World, data: DataFolder) -> None:
    """Write all keys of a world into a data folder."""
    keys: dict[str, Mapping[str, Ed25519PrivateKey | X25519PrivateKey]] = {
        "hub": {"log": world.log_signer.private_key, "hub-events": world.hub_key}
    }
    for region, gateway in world.gateways.items():
        offices = {f"office-{one.office}": one.private for one in world.offices() if one.region == region}
        points = {f"point-{point}": private for point, private in world.points.items() if point[:2] == region}
        keys[f"regions/{region}"] = {**gateway.keys, **offices, **points}
    for place, named in keys.items():
        make_folder(data.root / place / "keys")
        for name, key in named.items():
            write_key(data.root / place / "keys" / f"{name}.key", key)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _until_listening(address: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", _port(address)), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens at {address}"
            time.sleep(0.05)
        else:
            return
