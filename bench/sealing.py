"""Sealing: real gateways that check, seal, sign and submit drafts with content to the real hub, a process a region.

Two gateways send notices to each other's region, each payload sealed to its recipient office and to its own with
AES-256-GCM in a bucket of 1 KiB, a commitment, and one HPKE wrapping an office. Everything is as in a region: the draft
is decided by the hub's own rules, batches are on disk before they are sent, receipts are checked. Measured is from the
first draft until the last answer; the matters are begun before.

Run as `python -m bench.sealing REGION ADDRESS VKEY FOLDER COUNT`: a line says that it is ready, a line on standard
input starts it, the last line holds its figures.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from adapters.compose.parts import SystemClock, bind_plainly, contracts_in_force, keep_loaded
from adapters.grpc.client import ExchangeClient
from adapters.region.database import RegionDatabase
from adapters.region.draft import Draft
from adapters.region.gateway import Identity, RegionGateway
from adapters.region.keyring import Keyring, SigningIdentity
from adapters.region.outbox_store import SentEvent
from bench.ours import OurHub
from bench.workload import REGIONS, Producer, World, fresh_id, notice_content, signing_key
from contracts.event import decode_event
from contracts.ids import OfficeId, RegionCode
from hub.submission import Outcome
from ledger.note import NoteVerifier

RECIPIENTS: Final = 2
"""Offices that each payload is wrapped to: the receiving and the sending one."""
WARM: Final = 50
"""Payloads before those that count: schemas and profiles are loaded with the first."""


class SealingFigures(NamedTuple):
    """One round of sealing.

    Attributes:
        payloads: Sealed, submitted, recorded and proved.
        payloads_per_second: By the clock, of both gateways together.
        gateway_cpu_us: CPU microseconds of the gateways for one.
        hub_cpu_us: CPU microseconds of the hub for one.
        gateways: Processes.
        recipients: Offices that each is wrapped to.
        bucket_kib: Size of each payload.
    """

    payloads: int
    payloads_per_second: float
    gateway_cpu_us: float
    hub_cpu_us: float
    gateways: int
    recipients: int
    bucket_kib: int


async def measure_sealing(hub: OurHub, folder: Path, count: int) -> SealingFigures:
    """Run a gateway for each region against a hub that knows them.

    Args:
        hub: Runs, and knows the world's directory.
        folder: For the gateways' files; empty.
        count: Payloads of each.
    """
    children: list[asyncio.subprocess.Process] = []
    try:
        for region in REGIONS:
            # One by one: those that started are ended if the next one does not.
            children.append(await _started(region, hub, folder, count))  # noqa: PERF401
        used, start = hub.hub_cpu_seconds(), time.perf_counter()
        lines = await asyncio.gather(*(child.communicate(b"go\n") for child in children))
    finally:
        for child in children:
            if child.returncode is None:
                child.kill()
    # Each tells when its last answer came; the clock of the machine is one.
    ended = [json.loads(out.splitlines()[-1]) for out, _ in lines]
    taken = max(row["ended"] for row in ended) - start
    payloads = count * len(children)
    each_us = 1e6 / payloads
    return SealingFigures(
        payloads,
        payloads / taken,
        sum(row["cpu_seconds"] for row in ended) * each_us,
        (hub.hub_cpu_seconds() - used) * each_us,
        len(children),
        RECIPIENTS,
        ended[0]["bucket_kib"],
    )


async def _started(region: str, hub: OurHub, folder: Path, count: int) -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.sealing", region, hub.address, hub.vkey, str(folder), str(count)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if child.stdout is None or await child.stdout.readline() != b"ready\n":
        child.kill()
        raise RuntimeError("a gateway of the bench did not start")
    return child


def gateway_of(world: World, producer: Producer, vkey: str, client: ExchangeClient, folder: Path) -> RegionGateway:
    """The gateway of a region, as it runs there: its file in a folder, its keys, one connection to the hub."""
    keyring = Keyring(
        batch=SigningIdentity.of("batch", producer.key),
        opening=SigningIdentity.of("open", producer.open_key),
        receipt=SigningIdentity.of("receipt", signing_key("receipt", producer.name)),
        offices={office: world.private_keys[office] for office in world.households[producer.region]},
        points={},
    )
    return RegionGateway(
        identity=Identity(producer.region, producer.name, keyring, NoteVerifier.parse(vkey)),
        database=RegionDatabase(folder / f"{producer.region}.sqlite"),
        exchange=client,
        rules=contracts_in_force(is_sandbox=True),
        clock=SystemClock(),
    )


def _prepared(region: str, office: OfficeId, other: OfficeId) -> Draft:
    return Draft(
        procedure="RESIDENCE_NOTIFICATION",
        event_type="ResidenceNoticePrepared",
        office=office,
        occurred_at=SystemClock().now_ms(),
        counterpart_region=RegionCode(next(one for one in REGIONS if one != region)),
        counterpart_office=other,
        body={"notice_id": fresh_id()},
    )


def _sent(begun: SentEvent, office: OfficeId) -> Draft:
    return Draft(
        procedure="RESIDENCE_NOTIFICATION",
        event_type="ResidenceNoticeSent",
        office=office,
        occurred_at=SystemClock().now_ms(),
        stream_id=begun.stream_id,
        payloads={"NP-RES": (notice_content(),)},
    )


async def _submitted(gateway: RegionGateway, drafts: Sequence[Draft]) -> list[SentEvent]:
    """Send drafts one after another, as a system does that does not wait for answers; then wait for all."""
    answers = [await gateway.send(draft) for draft in drafts]
    sent = [await answer for answer in answers]
    refused = [one.refusal for one in sent if one.outcome is not Outcome.ACCEPTED]
    if refused:
        raise RuntimeError(f"the hub refused an event of the bench: {refused[0]}")
    return sent


async def main(region: str, address: str, vkey: str, folder: Path, count: int) -> None:
    """Be one region's gateway."""
    world = World()
    list(world.directory())
    (office,) = world.households[region]
    (other,) = next(offices for name, offices in world.households.items() if name != region)
    async with ExchangeClient(address) as client:
        gateway = gateway_of(world, world.producers[region], vkey, client, folder)
        async with gateway:
            begun = await _submitted(gateway, [_prepared(region, office, other) for _ in range(WARM + count)])
            await _submitted(gateway, [_sent(one, office) for one in begun[:WARM]])
            keep_loaded()
            bind_plainly()
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            used = time.process_time()
            sent = await _submitted(gateway, [_sent(one, office) for one in begun[WARM:]])
            ended, cpu_seconds = time.perf_counter(), time.process_time() - used
            event = gateway.streams.event(sent[0].event_id)
    if event is None:
        raise RuntimeError("the gateway forgot an event of its own")
    bucket_kib = decode_event(event).sealed[0].bucket_kib
    print(json.dumps({"ended": ended, "cpu_seconds": cpu_seconds, "bucket_kib": bucket_kib}))


if __name__ == "__main__":
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    name, hub_address, key, where, number = sys.argv[1:]
    asyncio.run(main(name, hub_address, key, Path(where), int(number)))
