"""Lies that are recorded and signed: tiles, roots and head fit, what they say is not true. An audit finds them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from adapters.compose.audit_evidence import audit_evidence
from adapters.compose.auditing import run_audit
from adapters.compose.folder import DataFolder
from adapters.compose.hub_program import opened_hub
from adapters.compose.parts import SystemClock
from adapters.drill.delivery_lies import revoked_and_used
from adapters.drill.forger import Forger
from adapters.drill.liar import drill_settings
from adapters.drill.lie import AUDITOR, Lie, Noticed
from adapters.drill.rig import Rig
from contracts.ids import Hash
from hub.own_batch import HubDraft
from ledger.compact import HASH_BYTES
from ledger.evidence_file import format_evidence

_BACK_MS = 3_600_000


async def _audited(folder: DataFolder) -> Mapping[str, Noticed]:
    """Audit a ledger as anybody would who has its files."""

    def audit() -> Noticed:
        report = run_audit(str(folder.root), jobs=1)
        files = tuple(format_evidence(file) for file in audit_evidence(report))
        return Noticed("" if report.problem is None else report.problem.code, files)

    return {AUDITOR: await asyncio.to_thread(audit)}


def _recorded(name: str, forge: Callable[[Forger], object]) -> Callable[[Rig], Awaitable[Mapping[str, Noticed]]]:
    """A lie that one forged commit is."""

    async def play(rig: Rig) -> Mapping[str, Noticed]:
        folder = rig.folder(name)
        forge(Forger(folder))
        return await _audited(folder)

    return play


def _reorder(forger: Forger) -> None:
    first, second = forger.batch(), forger.batch()
    forger.record(second, first)


def _twice(forger: Forger) -> None:
    event = forger.event()
    forger.record(forger.batch(event), forger.batch(event))


def _back_date(forger: Forger) -> None:
    forger.record(forger.batch().dated(SystemClock().now_ms() - _BACK_MS))


def _forge(forger: Forger) -> None:
    forger.record(forger.batch().unsigned())


def _forbidden(forger: Forger) -> None:
    """An event that stands in the middle of a matter which nobody has begun."""
    forger.record(forger.batch(forger.event(stream_seq=1, prev_hash=Hash(b"\1" * HASH_BYTES))))


async def _revoked(rig: Rig) -> Mapping[str, Noticed]:
    return await _audited(revoked_and_used(rig, "revoked-audited", told=False))


async def _two_counts(rig: Rig) -> Mapping[str, Noticed]:
    """Another running hash is published for a counter that has one."""
    folder = rig.folder("two-counts")
    with opened_hub(drill_settings(folder)) as application:
        rows: list[dict[str, Any]] = [
            {"point": point, "n": n, "head": bytes(range(32))}
            for point, (n, _) in sorted(application.reader.heads().items())
        ]
        application.record([HubDraft("HeadsPublished", "HEADS", {"heads": rows})])
    return await _audited(folder)


ENTRY_LIES = (
    Lie(
        "reorders the batches of a producer",
        "at the next audit, at the batch that does not follow",
        _recorded("reorder-batches", _reorder),
        {AUDITOR: "BATCHES_DISORDERED"},
    ),
    Lie(
        "back-dates an entry",
        "at the next audit",
        _recorded("back-date", _back_date),
        {AUDITOR: "TIME_BACKWARDS"},
    ),
    Lie(
        "forges a batch: its producer did not sign it",
        "at the next audit",
        _recorded("forge", _forge),
        {AUDITOR: "BATCH_FORGED"},
    ),
    Lie(
        "records what a revoked key has signed",
        "at the next audit",
        _revoked,
        {AUDITOR: "KEY_REVOKED"},
    ),
    Lie(
        "records an event twice",
        "at the next audit",
        _recorded("twice", _twice),
        {AUDITOR: "EVENT_TWICE"},
    ),
    Lie(
        "publishes two heads for one counter of a recipient",
        "at the next audit",
        _two_counts,
        {AUDITOR: "TWO_COUNTS"},
    ),
    Lie(
        "records what no rule allows",
        "at the next audit; who doubts it replays the ledger up to the entry",
        _recorded("forbidden", _forbidden),
        {AUDITOR: "ENTRY_UNEXPLAINED"},
    ),
)
