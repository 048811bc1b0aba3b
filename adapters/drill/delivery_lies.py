"""Lies to one recipient: a notification that is withheld, others out of order, one that a thief has signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Final

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.compose.directory_changes import continuing
from adapters.compose.folder import DataFolder
from adapters.compose.hub_program import opened_hub
from adapters.compose.parts import KEYS
from adapters.compose.recipient_audit import audit_recipient
from adapters.drill.forger import Forger
from adapters.drill.liar import LyingHub, drill_settings
from adapters.drill.lie import INBOX, OFFICE, Lie, Noticed
from adapters.drill.rig import LyingReader, Rig
from adapters.drill.stage import NOTICES, RECEIVER, SENDER
from adapters.keys.folder import read_region_keys
from adapters.region.database import RegionDatabase
from adapters.region.inbox_store import RegionInboxStore
from adapters.region.keyring import SigningIdentity
from contracts.event import leaf_hash
from contracts.ids import LeafIndex, PointId
from hub.ports import Run
from ledger.entry import event_of
from ledger.evidence_file import format_evidence
from ledger.heads import HEAD_ZERO, head_next

_POINT: Final = PointId(f"{RECEIVER}-node")
_HELD_BACK: Final = 2
"""Counter of the notification that is withheld."""


class _Withholding(LyingReader):
    """Leaves one run out."""

    def runs_after(self, run_id: int, limit: int) -> Sequence[tuple[int, Run]]:
        """As the ledger says, without it."""
        rows = self.store.runs_after(run_id, limit)
        return [row for row in rows if not (row[1].point == _POINT and row[1].first_n == _HELD_BACK)]


class _Reordering(LyingReader):
    """Sends the second notification before the first, with counters and running hashes that fit."""

    def runs_after(self, run_id: int, limit: int) -> Sequence[tuple[int, Run]]:
        """Runs of the one point, one a notification."""
        runs = [run for _, run in self.store.runs_after(0, 1 << 20) if run.point == _POINT]
        first, second, *rest = [index for run in runs for index in run.indexes]
        return [(n, run) for n, run in self._runs([second, first, *rest]) if n > run_id][:limit]

    def _runs(self, indexes: Sequence[int]) -> Iterator[tuple[int, Run]]:
        head = HEAD_ZERO
        for n, index in enumerate(indexes, 1):
            (entry,) = self.store.entries(LeafIndex(index), LeafIndex(index + 1))
            after = head_next(head, n, leaf_hash(event_of(entry) or b""))
            yield n, Run(_POINT, n, (index,), head, after, self.store.size(), False)
            head = after


async def _withhold(rig: Rig) -> Mapping[str, Noticed]:
    """The relay leaves one out, and the hub does not know it when it is asked."""
    folder = rig.folder("withhold")

    async def not_that_one(request: bytes, answer: bytes) -> bytes:
        return b"" if pb.PublishedRun.FromString(answer).first_n <= _HELD_BACK else answer

    async with LyingHub(folder, {"GetRuns": not_that_one}) as hub:
        async with (
            rig.broker(folder) as nats,
            rig.relay(folder, nats, _Withholding),
            rig.inbox(folder, RECEIVER, hub.address, nats),
        ):
            await rig.until(lambda: rig.kept(folder, RECEIVER))
        kept = rig.kept(folder, RECEIVER)
        code = await rig.receive(folder, RECEIVER, hub.address)
    return {INBOX: Noticed(code, kept)}


async def _reorder(rig: Rig) -> Mapping[str, Noticed]:
    """Each run holds by itself; the office asks afterwards whether it holds events 1 to n."""
    folder = rig.folder("reorder")
    async with (
        LyingHub(folder) as hub,
        rig.broker(folder) as nats,
        rig.relay(folder, nats, _Reordering),
        rig.inbox(folder, RECEIVER, hub.address, nats),
    ):
        await rig.until(lambda: _held(rig, folder) == NOTICES)
    report = audit_recipient(str(folder.root), _POINT, inbox=rig.inbox_file(folder, RECEIVER))
    files = tuple(format_evidence(file) for file in report.evidence)
    return {OFFICE: Noticed("" if report.problem is None else report.problem.code, files)}


def _held(rig: Rig, folder: DataFolder) -> int:
    with closing(RegionDatabase(rig.inbox_file(folder, RECEIVER))) as database:
        return RegionInboxStore(database, now_ms=lambda: 0).count()


async def _revoked(rig: Rig) -> Mapping[str, Noticed]:
    """The sender's key was revoked; a batch that a thief signs with it is recorded and delivered all the same."""
    folder = revoked_and_used(rig, "revoked", told=True)
    async with LyingHub(folder) as hub, rig.broker(folder) as nats, rig.relay(folder, nats):
        code = await rig.inbox_alarm(folder, RECEIVER, hub.address, nats)
    return {INBOX: Noticed(code, rig.kept(folder, RECEIVER))}


def revoked_and_used(rig: Rig, name: str, *, told: bool) -> DataFolder:
    """A ledger that revokes the sender's key and then records a batch under it."""
    folder = rig.folder(name)
    key = SigningIdentity.of("batch", read_region_keys(folder.region(SENDER) / KEYS).batch)
    with opened_hub(drill_settings(folder)) as application:
        body = {"key_id": key.key_id, "reason": "COMPROMISED"}
        application.record([continuing(application, "KeyRevoked", body)])
    forger = Forger(folder)
    forger.record(forger.batch(), told=told)
    return folder


DELIVERY_LIES = (
    Lie(
        "withholds a notification from one recipient",
        "with the next one, when what is missing is asked for and not given",
        _withhold,
        {INBOX: "DELIVERY_MISSING"},
    ),
    Lie(
        "reorders the notifications of one recipient",
        "when the office asks whether it holds events 1 to n, with the ledger or a published head",
        _reorder,
        {OFFICE: "DELIVERY_DISORDERED"},
    ),
    Lie(
        "delivers what a revoked key has signed",
        "when it arrives, before it is stored",
        _revoked,
        {INBOX: "KEY_REVOKED"},
    ),
)
