"""`python -m bench.witnesses`: how long after a commit its checkpoint has the quorum of three witnesses here.

The witnesses are processes of their own, hub and follower run here. Alone: one event, and the next one when the quorum
is reached. Busy: events one after another without waiting, so that some checkpoints are cosigned and others are not.
Both times are read from the hub's own rows: when the commit was recorded, when the quorum was reached.
`bench/witnesses.json` holds the numbers.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Final

from adapters.compose.folder import DataFolder
from adapters.compose.hub_program import HubProgram, create_ledger, opened_hub
from adapters.compose.parts import KEYS
from adapters.compose.witness_program import Signers
from adapters.grpc.client import ExchangeClient
from adapters.keys.folder import make_witness_keys
from adapters.settings import WitnessSettings
from adapters.store.opening import LEDGER_FILE
from bench.serve import hub_settings
from bench.workload import World
from ledger.note import NoteVerifier
from ledger.policy import Group, Log, Policy, Witness, format_policy

RESULTS: Final = Path(__file__).parent / "witnesses.json"
NAMES: Final = ("44-a", "45-b", "46-c")
EVENTS: Final = 60
WITHIN_MS: Final = 1_000


def main() -> None:
    """Measure, write, and end with 1 where a quorum of the lone events took longer than a second."""
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(measure(Path(folder)))
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    sys.exit(0 if result["alone"]["slowest_ms"] <= WITHIN_MS else 1)


async def measure(folder: Path) -> dict[str, dict[str, float]]:
    """Run everything in an empty folder."""
    world = World()
    settings = hub_settings(folder / "data")
    log = create_ledger(settings)
    with opened_hub(settings) as application:
        application.record(list(world.directory()))
    async with AsyncExitStack() as stack:
        rows = [(name, *await stack.enter_async_context(_witness(folder / name, name, log))) for name in NAMES]
        members = tuple(Witness(name, verifier, url) for name, verifier, url in rows)
        policy = folder / "hub.policy"
        policy.write_bytes(format_policy(Policy((Log(log),), members, (Group("all", 3, NAMES),), "all")))
        witnessed = settings.model_copy(update={"witness_policy": policy, "operator": "00"})
        hub = await stack.enter_async_context(HubProgram(witnessed))
        client = ExchangeClient(hub.address)
        await client.connect()
        stack.push_async_callback(client.close)
        file = settings.data_dir / LEDGER_FILE
        await _until_quorum(file)
        batches = list(world.batches(-(-2 * EVENTS // 6), 1))
        first = _last(file)
        for batch in batches[:EVENTS]:
            await client.submit_one(batch)
            await _until_quorum(file)
        alone = _times(file, first)
        first = _last(file)
        for batch in batches[EVENTS:]:
            await client.submit_one(batch)
        await _until_quorum(file)
        return {"alone": _figures(alone, EVENTS), "busy": _figures(_times(file, first), len(batches) - EVENTS)}


@asynccontextmanager
async def _witness(folder: Path, name: str, log: NoteVerifier) -> AsyncIterator[tuple[NoteVerifier, str]]:
    data = DataFolder(folder)
    keys = make_witness_keys(data.witness / KEYS, is_ml_dsa=False)
    policy = folder / "witness.policy"
    policy.write_bytes(format_policy(Policy((Log(log),), (), (), "none")))
    settings = WitnessSettings.load(
        None, data_dir=data.witness, listen="127.0.0.1:0", name=f"{name}.example", region=name[:2], policy=policy
    )
    data.write_witness(settings)
    command = (sys.executable, "-P", "-m", "adapters.cli.main", "witness", "serve", "--data", str(folder), "--json")
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        if child.stdout is None:
            raise RuntimeError("the child has no standard output")
        ready = json.loads(await child.stdout.readline())
        yield Signers.of(settings.name, keys).grown.verifier, f"http://{ready['address']}"
    finally:
        child.send_signal(signal.SIGTERM)
        await child.wait()


async def _until_quorum(file: Path) -> None:
    """Wait until the newest checkpoint has its quorum."""
    while _last(file) != _one(file, "SELECT max(size) FROM witnessed"):  # noqa: ASYNC110 - the hub has no event for it
        await asyncio.sleep(0.01)


def _last(file: Path) -> int:
    return _one(file, "SELECT max(size) FROM checkpoints")


def _one(file: Path, statement: str) -> int:
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as db:
        return int(db.execute(statement).fetchone()[0] or 0)


def _times(file: Path, after: int) -> list[int]:
    statement = "SELECT reached_at - recorded_at FROM witnessed JOIN checkpoints USING (size) WHERE size>?"
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as db:
        return [int(row[0]) for row in db.execute(statement, (after,))]


def _figures(times: list[int], commits: int) -> dict[str, float]:
    return {
        "commits": commits,
        "cosigned": len(times),
        "median_ms": statistics.median(times),
        "slowest_ms": max(times),
    }


if __name__ == "__main__":
    main()
