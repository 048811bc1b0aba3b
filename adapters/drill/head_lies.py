"""Lies about the head: two histories, a history that was taken back, growth that nobody proves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.compose.evidence import compare_heads, trusted_head
from adapters.compose.folder import DataFolder
from adapters.compose.sources import SYSTEM
from adapters.drill.forger import Forger
from adapters.drill.liar import LyingHub
from adapters.drill.lie import GATEWAY, INBOX, PARTNER, WITNESS, Lie, Noticed
from adapters.drill.rig import DrillWitness, Rig
from adapters.drill.stage import RECEIVER, SENDER
from ledger.evidence_file import format_evidence
from ledger.policy import format_policy


def grown(folder: DataFolder, batches: int) -> DataFolder:
    """Let a ledger grow by some batches that no other copy of it has."""
    forger = Forger(folder)
    for _ in range(batches):
        forger.record(forger.batch())
    return folder


async def _two_histories(rig: Rig, name: str, first: int, second: int) -> Mapping[str, Noticed]:
    """Show one history to the sender and a witness, then another one in its place."""
    a, b = grown(rig.folder(f"{name}-a"), first), grown(rig.folder(f"{name}-b"), second)
    async with rig.witness(a) as witness:
        async with LyingHub(a, policy=witness.policy) as hub:
            await rig.alarm(a, SENDER, hub.address)
            size = hub.store.size()
            await rig.until(lambda: witness.size() >= size)
        async with LyingHub(b, policy=witness.policy) as hub:
            code = await rig.alarm(a, SENDER, hub.address)
            noticed = await _witnessed(rig, witness) if hub.store.size() >= size else None
    told = {GATEWAY: Noticed(code, rig.kept(a, SENDER))}
    return told if noticed is None else told | {WITNESS: noticed}


async def _witnessed(rig: Rig, witness: DrillWitness) -> Noticed:
    await rig.until(witness.files)
    return Noticed(witness.codes()[-1], witness.files())


async def _fork(rig: Rig) -> Mapping[str, Noticed]:
    return await _two_histories(rig, "fork", 1, 1)


async def _rewind(rig: Rig) -> Mapping[str, Noticed]:
    return await _two_histories(rig, "rewind", 1, 3)


async def _truncate(rig: Rig) -> Mapping[str, Noticed]:
    return await _two_histories(rig, "truncate", 2, 0)


async def _withhold(rig: Rig) -> Mapping[str, Noticed]:
    """The longer head is signed, and the proof that it extends the earlier one is not given."""
    folder = grown(rig.folder("withhold-proof"), 1)

    async def nothing_of_growth(request: bytes, answer: bytes) -> bytes:
        response = pb.GetProofResponse.FromString(answer)
        response.ClearField("growth")
        return response.SerializeToString()

    async with LyingHub(folder, {"GetProof": nothing_of_growth}) as hub:
        code = await rig.alarm(folder, SENDER, hub.address)
    return {GATEWAY: Noticed(code, rig.kept(folder, SENDER))}


async def _two_people(rig: Rig) -> Mapping[str, Noticed]:
    """The sender is shown one history, the receiver another one; each is whole in itself."""
    a, b = grown(rig.folder("two-people-a"), 1), grown(rig.folder("two-people-b"), 1)
    async with LyingHub(a) as one, LyingHub(b) as other:
        await asyncio.gather(rig.alarm(a, SENDER, one.address), rig.alarm(b, RECEIVER, other.address))
        heads = [trusted_head(a.root, SENDER), trusted_head(b.root, RECEIVER)]
        file = compare_heads(heads[0], heads[1], rig.stage.log, None, SYSTEM)
        async with rig.broker(b) as nats, rig.relay(a, nats):
            code = await rig.inbox_alarm(b, RECEIVER, other.address, nats)
    compared = Noticed("", ()) if file is None else Noticed(file.claim, (format_evidence(file),))
    return {PARTNER: compared, INBOX: Noticed(code, rig.kept(b, RECEIVER))}


async def _own_history(rig: Rig) -> Mapping[str, Noticed]:
    """Hub and broker show one region a history of its own; the witness was shown the other one."""
    a, b = grown(rig.folder("own-history-a"), 1), grown(rig.folder("own-history-b"), 1)
    asked = b.root / "asked.policy"
    async with rig.witness(a) as witness:
        async with LyingHub(a, policy=witness.policy) as hub:
            size = hub.store.size()
            await rig.until(lambda: witness.size() >= size)
        asked.write_bytes(format_policy(witness.policy))
        async with LyingHub(b) as hub, rig.broker(b) as nats, rig.relay(b, nats):
            code = await rig.inbox_alarm(b, RECEIVER, hub.address, nats, asked)
    return {INBOX: Noticed(code, rig.kept(b, RECEIVER))}


HEAD_LIES = (
    Lie(
        "forks: two histories of one size",
        "with the first head of the other history",
        _fork,
        {GATEWAY: "TWO_ROOTS", WITNESS: "TWO_ROOTS"},
    ),
    Lie(
        "rewinds: takes an entry back and goes on with others",
        "with the next head, which the earlier one is no beginning of",
        _rewind,
        {GATEWAY: "PREFIX_CHANGED", WITNESS: "PREFIX_CHANGED"},
    ),
    Lie(
        "truncates: the last entries are gone",
        "with the next head, which is shorter",
        _truncate,
        {GATEWAY: "LEDGER_SHORTER"},
    ),
    Lie(
        "withholds the proof that the ledger only grew",
        "when the proof is asked for",
        _withhold,
        {GATEWAY: "GROWTH_UNPROVED"},
    ),
    Lie(
        "answers two people differently",
        "when they compare heads, or one hears on the broker what the other is shown",
        _two_people,
        {PARTNER: "TWO_ROOTS", INBOX: "TWO_ROOTS"},
    ),
    Lie(
        "shows one region a whole history of its own, over hub and broker alike",
        "within a minute, when the region asks a witness itself (`witness_policy`)",
        _own_history,
        {INBOX: "TWO_ROOTS"},
    ),
)
