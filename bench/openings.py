"""Openings: many officers of one gateway at once, each request recorded before it is answered, then checked and read.

Notices with sealed content to twenty county offices of one region, an officer for every hundred openings, the usual
limits an hour. Requests are signed beforehand, as their gateway would; `IN_FLIGHT` at a time wait for their answers in
one process, whose one client sends them as every gateway's does (ADR 0062). What comes back is checked and decrypted
afterwards, every one: the time of that is the offices' and told by itself. What a whole gateway makes of it, with the
right checked before, the reason kept and the content read, is measured besides, on fewer.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Final, NamedTuple

from adapters.region.opening import Reader
from bench.ours import OurHub
from bench.sealing import gateway_of
from bench.workload import Producer, Stream, World, fresh_id
from contracts import signing
from contracts.event import Header, decode_event
from contracts.ids import OfficeId
from contracts.profile import decode_payload
from contracts.sealing import Associated, open_sealed
from hub.openings import Opened, OpenRequest
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.entry import encode_event_entry
from ledger.note import NoteVerifier
from ledger.tree import hash_leaf, verify_inclusion

COUNTIES: Final = 20
IN_FLIGHT: Final = 128
_OF_ONE_OFFICER: Final = 100
_BATCH: Final = 256


class OpeningFigures(NamedTuple):
    """One round of openings.

    Attributes:
        openings: Payloads opened, each by a request of its own.
        openings_per_second: By the clock, until the last answer; each is durable before its answer.
        hub_cpu_us: CPU microseconds of the hub for one, all threads.
        caller_cpu_us: CPU microseconds of the calling process for one.
        reader_cpu_us: CPU microseconds for checking the proof of one and decrypting it.
        commits: Commits that recorded them.
        in_flight: Requests at a time.
        bucket_kib: Size of each payload.
    """

    openings: int
    openings_per_second: float
    hub_cpu_us: float
    caller_cpu_us: float
    reader_cpu_us: float
    commits: int
    in_flight: int
    bucket_kib: int


async def measure_openings(hub: OurHub, world: World, count: int) -> OpeningFigures:
    """Send so many notices, then open each.

    Args:
        hub: Runs, and knows the world's directory.
        world: With `COUNTIES` counties.
        count: At most 600 for each county, which an office may ask for in an hour.
    """
    notices = [notice async for notice in _sent(hub, world, count)]
    requests = list(_requests(world, notices))
    size = await _size(hub)
    waiting = iter(enumerate(requests))
    opened: list[Opened | None] = [None] * count

    async def office() -> None:
        for place, request in waiting:
            opened[place] = await hub.client.open_payload(request)

    start, used, used_here = time.perf_counter(), hub.hub_cpu_seconds(), time.process_time()
    await asyncio.gather(*(office() for _ in range(IN_FLIGHT)))
    taken = time.perf_counter() - start
    hub_cpu, here_cpu = hub.hub_cpu_seconds() - used, time.process_time() - used_here
    commits = await _size(hub) - size - count
    used_here = time.process_time()
    _read_all(world, notices, [one for one in opened if one is not None], hub.vkey)
    reader_cpu = time.process_time() - used_here
    each_us = 1e6 / count
    return OpeningFigures(
        count, count / taken, hub_cpu * each_us, here_cpu * each_us, reader_cpu * each_us, commits, IN_FLIGHT,
        notices[0].sealed[0].bucket_kib,
    )  # fmt: skip


class GatewayFigures(NamedTuple):
    """Openings by a region's whole gateway.

    Attributes:
        openings: Payloads opened.
        openings_per_second: By the clock: asked, answered, proved, kept in the region's file, decrypted.
        gateway_cpu_us: CPU microseconds of the gateway for one.
        hub_cpu_us: CPU microseconds of the hub for one.
        in_flight: Officers at a time.
    """

    openings: int
    openings_per_second: float
    gateway_cpu_us: float
    hub_cpu_us: float
    in_flight: int


async def measure_gateway(hub: OurHub, world: World, folder: Path, count: int) -> GatewayFigures:
    """Send so many notices, then let officers of one gateway open each: rights, signatures, reasons, proofs, content.

    Args:
        hub: Runs, and knows the world's directory.
        world: With `COUNTIES` counties.
        folder: For the gateway's file; empty.
        count: What was opened in this hour besides counts against the limit of an office, too.
    """
    notices = [notice async for notice in _sent(hub, world, count)]
    async with gateway_of(world, world.producers["45"], hub.vkey, hub.client, folder) as gateway:
        for notice in notices:
            await gateway.streams.catch_up(notice.stream_id)
        waiting = iter(notices)

        async def officers() -> int:
            opened = 0
            for notice in waiting:
                (office,) = notice.sealed[0].recipients
                reader = Reader(office, "sample reason", officer=fresh_id(), role="REGISTRAR", approver=fresh_id())
                opened += len(await gateway.opener.open(notice.event_id, notice.sealed[0].profile, reader))
            return opened

        start, used, used_here = time.perf_counter(), hub.hub_cpu_seconds(), time.process_time()
        opened = sum(await asyncio.gather(*(officers() for _ in range(IN_FLIGHT))))
        taken, here_cpu = time.perf_counter() - start, time.process_time() - used_here
        hub_cpu = hub.hub_cpu_seconds() - used
    each_us = 1e6 / opened
    return GatewayFigures(opened, opened / taken, here_cpu * each_us, hub_cpu * each_us, IN_FLIGHT)


async def _size(hub: OurHub) -> int:
    """Entries in the ledger."""
    note = await hub.client.checkpoint()
    return parse_checkpoint(note, NoteVerifier.parse(hub.vkey)).size


async def _sent(hub: OurHub, world: World, count: int) -> AsyncIterator[Header]:
    """Record so many notices, to each office in turn; gives the events that hold the payloads."""
    offices = cycle(world.households["45"])
    streams = [Stream(world, "RESIDENCE_NOTIFICATION", office) for office in islice(offices, count)]
    prepared = [stream.prepared() for stream in streams]
    sent = [stream.sent() for stream in streams]
    producer = world.producers["44"]
    batches = [producer.batch(prepared[at : at + _BATCH], ()) for at in range(0, count, _BATCH)]
    for at in range(0, count, _BATCH):
        part = sent[at : at + _BATCH]
        batches.append(producer.batch([event for event, _ in part], [payload for _, payload in part]))
    await hub.record(batches)
    for event, _ in sent:
        yield decode_event(event)


def _requests(world: World, notices: Sequence[Header]) -> Iterator[OpenRequest]:
    """A signed request for each payload, by the office that it was sealed to."""
    producer = world.producers["45"]
    officers: dict[OfficeId, list[bytes]] = {}
    for header in notices:
        (office,) = header.sealed[0].recipients
        asked = officers.setdefault(office, [])
        asked.append(asked[-1] if len(asked) % _OF_ONE_OFFICER else fresh_id())
        yield _request(producer, header, office, asked[-1])


def _request(producer: Producer, header: Header, office: OfficeId, officer: bytes) -> OpenRequest:
    unsigned = OpenRequest(
        request_id=fresh_id(),
        event_id=header.event_id,
        ciphertext_hash=header.sealed[0].ciphertext_hash,
        office=office,
        officer=officer,
        role="REGISTRAR",
        purpose=header.purpose,
        reason="TASK",
        reason_commitment=os.urandom(32),
        approval=os.urandom(32),
        created_ms=time.time_ns() // 1_000_000,
        producer=producer.name,
        key_id=signing.key_id("open", producer.open_key.public_key().public_bytes_raw()),
        signature=b"",
    )
    return replace(unsigned, signature=signing.sign(producer.open_key, unsigned.tbs()))


def _read_all(world: World, notices: Sequence[Header], opened: Sequence[Opened], vkey: str) -> None:
    """Check that each opening is proved to be recorded, and read what it gave.

    Raises:
        ExchangeError: One of them does not hold.
    """
    verifier = NoteVerifier.parse(vkey)
    heads: dict[bytes, Checkpoint] = {}
    for header, one in zip(notices, opened, strict=True):
        receipt = one.receipt
        if receipt.checkpoint not in heads:
            heads[receipt.checkpoint] = parse_checkpoint(receipt.checkpoint, verifier)
        head = heads[receipt.checkpoint]
        verify_inclusion(
            leaf_hash=hash_leaf(encode_event_entry(one.access_event)),
            leaf_index=receipt.index,
            tree_size=head.size,
            path=receipt.path,
            root=head.root,
        )
        plaintext = open_sealed(
            envelope=one.envelope,
            wrapped=one.wrapped,
            private=world.private_keys[one.wrapped.office],
            associated=Associated(header.stream_id, header.event_id, header.sealed[0].profile),
            ref=header.sealed[0],
        )
        decode_payload(header.sealed[0].profile, plaintext)
