"""What an audit says in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contracts.errors import ExchangeError
from contracts.ids import LeafIndex
from hub.audit_errors import KeptError, UnexplainedError
from hub.tally import UNREAD, Tally
from ledger.entry import GenesisEntry, Predecessor

if TYPE_CHECKING:
    from hub.audit_payloads import PayloadCount
    from hub.audit_source import Source

Progress = Callable[[int, int], None]
"""Told how many of how many entries are done."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that does not follow.

    Attributes:
        code: Stable code.
        reason: What was told and what was derived.
        index: The entry, if it is one.
        place: The file or table, if it is one.
    """

    code: str
    reason: str
    index: int | None = None
    place: str | None = None

    def __str__(self) -> str:
        """One line: where, what, code."""
        where = [f"entry {self.index}"] if self.index is not None else []
        where += [self.place] if self.place is not None else []
        told = self.reason.removeprefix(f"entry {self.index}: ")
        return f"{', '.join(where)}: {told} [{self.code}]" if where else f"{told} [{self.code}]"


@dataclass(frozen=True, slots=True)
class Report:
    """The result of an audit; its JSON form is a promise to machines, see `to_json`.

    Attributes:
        source: What was audited, in the auditor's words.
        vkey: The log's key.
        is_key_from_source: Nobody but the source vouches for that key: it is trusted on first use.
        origin: Of the ledger.
        size: Entries under the audited checkpoint.
        root: Its root, hex.
        tally: What was counted; after a problem, up to it.
        checkpoints: Other signed checkpoints that were compared.
        runs: Delivery runs that were compared; None where none are kept.
        payloads: What became of the sealed payloads that entries name; None where the source holds none.
        inboxes: Notifications in the inboxes of regions that were compared; None where there are none.
        problem: None if everything follows; else the first thing that does not.
        predecessor: The closed ledger from which this one says that it goes on; None if it began.
        is_predecessor_checked: Whether that ledger's archive was at hand and fits.
        not_checked: What this audit left out, in plain words; empty after a whole one.
    """

    source: str
    vkey: str
    is_key_from_source: bool
    origin: str = ""
    size: int = 0
    root: str = ""
    tally: Tally = field(default_factory=Tally)
    checkpoints: int = 0
    runs: int | None = None
    payloads: PayloadCount | None = None
    inboxes: int | None = None
    problem: Problem | None = None
    predecessor: Predecessor | None = None
    is_predecessor_checked: bool = False
    not_checked: tuple[str, ...] = ()

    @property
    def unexplained(self) -> int:
        """0 or 1: an audit ends at the first thing that does not follow."""
        return 0 if self.problem is None else 1

    @property
    def is_of_hashes(self) -> bool:
        """Whether what events say was left out."""
        return UNREAD in self.tally.events

    def payload_line(self) -> str | None:
        """What became of the payloads, on one line; None where the source holds none."""
        if self.payloads is None:
            return None
        held, erased, restricted = self.payloads
        named = self.tally.payloads
        told = f"{named} payloads: {held} held, {erased} erased, {restricted} restricted"
        return f"{told}, {named - held - erased - restricted} unexplained"

    def to_json(self) -> dict[str, Any]:
        """Plain values for machines. Names stay; new ones may come."""
        tally, problem = self.tally, self.problem
        return {
            "source": self.source,
            "vkey": self.vkey,
            "key_from_source": self.is_key_from_source,
            "origin": self.origin,
            "size": self.size,
            "root": self.root,
            "entries": tally.entries,
            "batches": tally.batches,
            "events": _counted(tally.events),
            "refusals": _counted(tally.refusals),
            "deliveries": _counted(tally.deliveries),
            "openings": _counted(tally.openings),
            "openings_without_task": _counted(tally.cleared),
            "missed_duties": _counted(tally.missed),
            "heads": tally.heads,
            "retention_unconfirmed": [one.to_json() for one in tally.retention.unconfirmed()],
            "payloads_named": tally.payloads,
            "payloads_held": None if self.payloads is None else self.payloads.held,
            "payloads_erased": None if self.payloads is None else self.payloads.erased,
            "payloads_restricted": None if self.payloads is None else self.payloads.restricted,
            "checkpoints": self.checkpoints,
            "runs": self.runs,
            "inboxes": self.inboxes,
            "predecessor": None
            if self.predecessor is None
            else {
                "origin": self.predecessor.origin,
                "size": self.predecessor.size,
                "root": self.predecessor.root.hex(),
                "checked": self.is_predecessor_checked,
            },
            "not_checked": list(self.not_checked),
            "unexplained": self.unexplained,
            "problem": None
            if problem is None
            else {"code": problem.code, "entry": problem.index, "place": problem.place, "reason": problem.reason},
        }


def problem_of(error: ExchangeError, source: Source) -> Problem:
    """The problem that an error stands for, with its place in a source."""
    match error:
        case KeptError():
            return Problem(error.code, error.message, error.index, error.place)
        case UnexplainedError():
            return Problem(error.code, error.message, error.index, source.place(LeafIndex(error.index)))
        case _:
            return Problem(error.code, error.message)


def predecessor_of(genesis: GenesisEntry | None) -> Predecessor | None:
    """The closed ledger from which a ledger goes on."""
    return None if genesis is None else genesis.predecessor


def _counted(counter: dict[str, int]) -> dict[str, Any]:
    return {"total": sum(counter.values()), "by": dict(sorted(counter.items()))}
