"""The rig of the drill: real programs around a liar, on free ports of this machine, in folders of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, cast

from adapters.compose.evidence import kept_evidence
from adapters.compose.folder import DataFolder
from adapters.compose.parts import KEYS, REGION_FILE, RELAY_FILE
from adapters.compose.region_program import RegionProgram, connected_gateway, receive_all
from adapters.compose.witness_program import WITNESS_FILE, Signers, WitnessProgram
from adapters.drill.stage import Stage
from adapters.keys.folder import make_witness_keys
from adapters.nats.relay import Relay
from adapters.nats_server import NatsServer
from adapters.region.gateway import RegionGateway
from adapters.settings import WitnessSettings
from adapters.store.ledger_store import LedgerStore
from adapters.store.relay_store import SqliteRelayStore
from adapters.store.witness_store import WitnessStore, origin_hash
from contracts.division import load_divisions
from contracts.errors import ExchangeError, FatalError
from contracts.ids import RegionCode
from contracts.schema import load_registry
from hub.ports import LedgerReader
from ledger.checkpoint import checkpoint_size
from ledger.policy import Log, Policy, Witness, format_policy

WAIT_SECONDS: Final = 180.0
"""How long anybody may take to notice. It takes a second or two, on a slow machine longer; only a hang takes this."""
_LOOK_SECONDS: Final = 0.02
_WITNESS: Final = "99-drill"


class Rig:
    """Folders and programs for one drill.

    Args:
        stage: What everybody agrees on.
        root: Where the folders of the lies are made.
    """

    def __init__(self, stage: Stage, root: Path) -> None:
        self.stage = stage
        self._root = root

    def folder(self, name: str) -> DataFolder:
        """The stage again, in a folder of its own."""
        return self.stage.copy(self._root / name)

    def kept(self, folder: DataFolder, region: RegionCode) -> tuple[bytes, ...]:
        """The evidence files that a region has kept."""
        return tuple(file for _, file in kept_evidence(folder.root, region))

    async def alarm(
        self,
        folder: DataFolder,
        region: RegionCode,
        hub: str,
        then: Callable[[RegionGateway], Awaitable[object]] | None = None,
    ) -> str:
        """Start a gateway, let it do something, stop it; gives the code of its alarm, empty if there was none."""
        try:
            async with connected_gateway(self.stage.settings(folder, region, hub)) as gateway:
                if then is not None:
                    await then(gateway)
        except ExchangeError as error:
            return error.code
        return ""

    @asynccontextmanager
    async def broker(self, folder: DataFolder) -> AsyncIterator[str]:
        """A broker with an empty store."""
        server = NatsServer(folder=folder.nats)
        await asyncio.to_thread(server.start)
        try:
            yield server.url
        finally:
            await asyncio.to_thread(server.stop)

    @asynccontextmanager
    async def relay(self, folder: DataFolder, nats: str, lie: type[LyingReader] | None = None) -> AsyncIterator[None]:
        """A relay of a folder's ledger, which may be told lies about it."""
        folder.relay.mkdir(parents=True, exist_ok=True)
        store = folder.ledger()
        reader = store if lie is None else cast("LedgerReader", lie(store))
        stop = asyncio.Event()
        with SqliteRelayStore(folder.relay / RELAY_FILE) as place:
            relay = Relay(reader=reader, store=place, divisions=load_divisions(), registry=load_registry())
            job = asyncio.ensure_future(relay.run(nats, stop))
            try:
                yield
            finally:
                stop.set()
                await asyncio.wait((job,))
                store.close()

    async def inbox_alarm(
        self, folder: DataFolder, region: RegionCode, hub: str, nats: str, witnesses: Path | None = None
    ) -> str:
        """Run a region with its inbox until it raises an alarm; gives its code.

        Raises:
            FatalError: DRILL_FAILED: it noticed nothing in time.
        """
        try:
            async with RegionProgram(self.stage.settings(folder, region, hub, nats, witnesses)) as program:
                await asyncio.wait_for(program.failed(), WAIT_SECONDS)
        except ExchangeError as error:
            return error.code
        except TimeoutError as error:
            raise FatalError("DRILL_FAILED", f"region {region} noticed nothing") from error
        return ""

    @asynccontextmanager
    async def inbox(self, folder: DataFolder, region: RegionCode, hub: str, nats: str) -> AsyncIterator[RegionProgram]:
        """A region with its inbox, running."""
        async with RegionProgram(self.stage.settings(folder, region, hub, nats)) as program:
            yield program

    async def receive(self, folder: DataFolder, region: RegionCode, hub: str) -> str:
        """Ask the hub itself for everything that is missing in a region; gives the code of what went wrong."""
        try:
            await receive_all(self.stage.settings(folder, region, hub))
        except ExchangeError as error:
            return error.code
        return ""

    def inbox_file(self, folder: DataFolder, region: RegionCode) -> Path:
        """The file of a region."""
        return folder.region(region) / REGION_FILE

    @asynccontextmanager
    async def witness(self, folder: DataFolder) -> AsyncIterator[DrillWitness]:
        """A witness over HTTP, with the policy by which a hub asks it."""
        policy = folder.root / "witness.policy"
        policy.write_bytes(format_policy(Policy((Log(self.stage.log),), (), (), "none")))
        keys = make_witness_keys(folder.witness / KEYS, is_ml_dsa=False)
        settings = WitnessSettings.load(
            None,
            data_dir=folder.witness,
            listen="127.0.0.1:0",
            name=f"{_WITNESS}.witness.example",
            region="99",
            policy=policy,
        )
        async with WitnessProgram(settings) as program:
            verifier = Signers.of(settings.name, keys).grown.verifier
            log = Log(self.stage.log)
            asked = Witness(_WITNESS, verifier, f"http://{program.address}")
            policy_of_hub = Policy((log,), (asked,), (), _WITNESS)
            yield DrillWitness(policy_of_hub, folder.witness / WITNESS_FILE, self.stage.log.name)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so.

        Raises:
            FatalError: DRILL_FAILED: it is not, in time.
        """
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not condition():  # noqa: ASYNC110 - what is waited for stands in another program's file
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError as error:
            raise FatalError("DRILL_FAILED", "nobody noticed in time") from error


class DrillWitness:
    """A witness that runs.

    Args:
        policy: By which a hub asks it.
        file: What it remembers.
        origin: Of the ledger.
    """

    def __init__(self, policy: Policy, file: Path, origin: str) -> None:
        self.policy = policy
        self._file = file
        self._origin = origin

    def size(self) -> int:
        """The size that it has cosigned last, 0 before the first."""
        with WitnessStore(self._file) as store:
            note = store.last(origin_hash(self._origin))
        return 0 if note is None else checkpoint_size(note)

    def files(self) -> tuple[bytes, ...]:
        """The evidence files that it has kept."""
        with WitnessStore(self._file) as store:
            return tuple(file for _, file in store.files())

    def codes(self) -> list[str]:
        """Why it refused what the ledger had signed."""
        with WitnessStore(self._file) as store:
            return [row.code for row in store.evidence()]


class LyingReader:
    """A ledger as a relay that lies reads it; what is not lied about is the store's.

    Args:
        store: The true one.
    """

    def __init__(self, store: LedgerStore) -> None:
        self.store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)
