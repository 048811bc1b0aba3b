"""What the events of a ledger mean, for the half of a divided audit that is handed entries whose evidence holds.

The other half is `hub.audit_hashes` with `hub.audit_forward`. Together they check what `hub.audit` checks alone; which
of several things that do not follow comes first is only said by that one.
"""

from __future__ import annotations

from contracts.event import Header
from contracts.ids import LeafIndex
from hub.admission import Rules
from hub.audit_forward import Passed, PassedEvent, header_of
from hub.audit_notes import unexplained
from hub.audit_runs import RunCheck
from hub.audit_source import AuditShelf, Source
from hub.directory import Directory
from hub.replay import Replay
from hub.replay_ports import Delivery
from hub.tally import Tally
from ledger.entry import GenesisEntry


class StatesAudit:
    """Replays what a reader passes on, and compares states, deliveries and whatever else the source keeps.

    Args:
        source: The same ledger that the reader reads.
        rules: The contracts.
        shelf: Empty.
        size: Of the audited checkpoint.

    Attributes:
        runs: Delivery runs, compared so far.
    """

    def __init__(self, *, source: Source, rules: Rules, shelf: AuditShelf, size: int) -> None:
        self._source = source
        self._shelf = shelf
        self._size = size
        self.runs = RunCheck(source.runs(size))
        self.replay = Replay(rules=rules, shelf=shelf, observer=self, is_evidence_checked=False)

    def take(self, passed: Passed[bytes | PassedEvent]) -> None:
        """Follow some entries.

        Raises:
            EvidenceError: One of them does not follow.
        """
        self.replay.take(one if isinstance(one, bytes) else (one[0], header_of(one[1])) for one in passed.entries)
        if self.replay.tally.entries != passed.size:
            raise unexplained(f"{passed.size} entries were told and {self.replay.tally.entries} came")
        if passed.is_signed:
            self.runs.compare(passed.size)

    def finish(self) -> None:
        """Compare what remains after the last entry.

        Raises:
            EvidenceError: Something differs.
        """
        if self.replay.tally.entries != self._size:
            raise unexplained(f"{self.replay.tally.entries} entries came, the checkpoint counts {self._size}")
        self._shelf.finish()
        self.runs.compare(self._size)
        self.runs.finish()
        self._source.check_rest(self.replay)

    @property
    def genesis(self) -> GenesisEntry | None:
        """Entry 0."""
        return self.replay.genesis

    @property
    def directory(self) -> Directory:
        """As of the last entry."""
        return self.replay.directory

    @property
    def tally(self) -> Tally:
        """What was counted."""
        return self.replay.tally

    # -- hub.replay.Observer

    def delivered(self, delivery: Delivery) -> None:
        """See `hub.replay.Observer`."""
        self.runs.derived(delivery)

    def content(self, index: LeafIndex, header: Header) -> None:
        """See `hub.replay.Observer`: the other half compares payloads."""
