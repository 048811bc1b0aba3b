"""What is asked of a hub's store: entries, tiles, checkpoints, streams, matters, deliveries, the directory's events.

Safe to call from any thread; each question sees the last commit as a whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from adapters.store.commit_rows import STATISTICS
from adapters.store.questions import Questions, in_parts
from contracts.ids import Hash, LeafIndex, PointId, TreeSize
from contracts.procedure_types import ERASE_AND_CLOSE
from hub.log_key_changes import LOG_KEY_EVENTS
from hub.ports import NamedEntry, ProducerState, Run
from ledger.batch import chain_id

_PAGE: Final = 1000
_IDS_AT_ONCE: Final = 500
_NOTHING: Final = b"\xff" * 16
"""Of the length of a stream id, and no UUID."""
_RUN: Final = "id, point, first_n, count, indexes, head_before, head_after, size, is_case"


class LedgerQuestions(Questions):
    """`hub.ports.LedgerReader` over a ledger's tables."""

    def size(self) -> TreeSize:
        """See `hub.ports.LedgerReader.size`."""
        return TreeSize(self._one("SELECT max(size) FROM checkpoints")[0] or 0)

    def checkpoint(self, size: TreeSize | None = None) -> bytes | None:
        """See `hub.ports.LedgerReader.checkpoint`."""
        if size is None:
            row = self._one("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
        else:
            row = self._one("SELECT note FROM checkpoints WHERE size=?", size)
        return None if row is None else row[0]

    def recorded_at(self) -> int:
        """See `hub.ports.LedgerReader.recorded_at`."""
        row = self._one("SELECT recorded_at FROM checkpoints ORDER BY size DESC LIMIT 1")
        return 0 if row is None else row[0]

    def checkpoints(self, after: int, limit: int) -> Sequence[tuple[TreeSize, bytes]]:
        """Sizes and notes above a size, ascending."""
        return self._all("SELECT size, note FROM checkpoints WHERE size>? ORDER BY size LIMIT ?", after, limit)

    def checkpoint_covering(self, index: LeafIndex) -> bytes | None:
        """See `hub.ports.LedgerReader.checkpoint_covering`."""
        row = self._one("SELECT note FROM checkpoints WHERE size>? ORDER BY size LIMIT 1", index)
        return None if row is None else row[0]

    def tile(self, level: int, index: int) -> bytes:
        """See `hub.ports.LedgerReader.tile`."""
        row = self._one("SELECT hashes FROM tiles WHERE level=? AND idx=?", level, index)
        return b"" if row is None else row[0]

    def entries(self, start: LeafIndex, end: LeafIndex) -> Iterator[bytes]:
        """See `hub.ports.LedgerReader.entries`."""
        for page in self.entry_pages(start, end):
            yield from page

    def entry_pages(self, start: LeafIndex, end: LeafIndex) -> Iterator[list[Any]]:
        """Entries as `entries` gives them, a page at a time; None in the place of one that holds no bytes."""
        at = start
        while at < end:
            rows = self._all(
                "SELECT CAST(state AS BLOB) FROM stored_events WHERE rowid>? AND rowid<=? ORDER BY rowid LIMIT ?",
                at,
                end,
                _PAGE,
            )
            if not rows:
                return
            yield [entry for (entry,) in rows]
            at = LeafIndex(at + len(rows))

    def stream(self, stream_id: bytes, from_seq: int, limit: int) -> Sequence[tuple[LeafIndex, bytes]]:
        """See `hub.ports.LedgerReader.stream`."""
        rows = self._all(
            "SELECT rowid, state FROM stored_events WHERE originator_id=? AND originator_version>=?"
            " ORDER BY originator_version LIMIT ?",
            stream_id.hex(),
            from_seq,
            limit,
        )
        return [(LeafIndex(r[0] - 1), r[1]) for r in rows]

    def sealed_streams(self) -> frozenset[bytes]:
        """See `hub.ports.LedgerReader.sealed_streams`."""
        return frozenset(bytes.fromhex(row[0]) for row in self._all("SELECT stream_id FROM sealed"))

    def closed_streams(self) -> frozenset[bytes]:
        """See `hub.ports.LedgerReader.closed_streams`."""
        return frozenset(row[0] for row in self._all(f"SELECT stream_id FROM effects WHERE does='{ERASE_AND_CLOSE}'"))

    def visible_stream(self, stream_id: bytes, from_seq: int, limit: int) -> Sequence[tuple[LeafIndex, bytes]]:
        """See `hub.ports.LedgerReader.visible_stream`: a sealed stream is looked for under a name that nothing has."""
        (is_sealed,) = self._one("SELECT count(*) FROM sealed WHERE stream_id=?", stream_id.hex())
        return self.stream((stream_id, _NOTHING)[is_sealed], from_seq, limit)

    def visible(self, event_id: bytes) -> LeafIndex | None:
        """See `hub.ports.LedgerReader.visible`."""
        index = self._one("SELECT coalesce((SELECT idx FROM event_ids WHERE event_id=?), -2)", event_id)[0]
        row = self._one(
            "SELECT (SELECT rowid FROM stored_events e WHERE e.rowid=? AND NOT EXISTS"
            " (SELECT 1 FROM sealed s WHERE s.stream_id=e.originator_id))",
            index + 1,
        )
        return None if row[0] is None else LeafIndex(index)

    def named(self, event_ids: Sequence[bytes]) -> Mapping[bytes, NamedEntry]:
        """See `hub.ports.LedgerReader.named`."""
        found: dict[bytes, NamedEntry] = {}
        for part in in_parts(event_ids, event_ids[-1:]):
            rows = self._all(
                f"WITH asked (id) AS (VALUES {','.join(['(?)'] * len(part))})"
                " SELECT asked.id, e.rowid, CAST(e.state AS BLOB),"
                " EXISTS (SELECT 1 FROM sealed s WHERE s.stream_id=e.originator_id)"
                " FROM asked CROSS JOIN stored_events e"
                " WHERE e.rowid=1+coalesce((SELECT idx FROM event_ids WHERE event_id=asked.id), 0)",
                *part,
            )
            found |= {row[0]: NamedEntry(LeafIndex(row[1] - 1), row[2], bool(row[3])) for row in rows}
        return found

    def recorded(self, event_ids: Sequence[bytes]) -> Mapping[bytes, LeafIndex]:
        """See `hub.ports.LedgerReader.recorded`."""
        found: dict[bytes, LeafIndex] = {}
        for at in range(0, len(event_ids), _IDS_AT_ONCE):
            found.update(self._recorded(event_ids[at : at + _IDS_AT_ONCE]))
        return found

    def _recorded(self, event_ids: Sequence[bytes]) -> Iterator[tuple[bytes, LeafIndex]]:
        """Ids that were made together lie together: a walk from the first to the last of them takes less than half of
        looking each up. Where too many others lie between, each is looked up."""
        most = 2 * len(event_ids)
        statement = "SELECT event_id, idx FROM event_ids WHERE event_id"
        rows = self._all(f"{statement} BETWEEN ? AND ? LIMIT ?", min(event_ids), max(event_ids), most)
        if len(rows) == most:
            rows = self._select_in(statement, event_ids)
        asked = {*event_ids}
        return (row for row in rows if row[0] in asked)

    def event_count(self) -> int:
        """Event ids that are recorded."""
        return int(self._one("SELECT count(*) FROM event_ids")[0])

    def matters(self, stream_ids: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """See `hub.ports.LedgerReader.matters`."""
        return dict(self._select_in("SELECT stream_id, packed FROM matters WHERE stream_id", stream_ids))

    def all_matters(self) -> Iterator[tuple[bytes, bytes]]:
        """See `hub.ports.LedgerReader.all_matters`."""
        last = b""
        while rows := self._all(
            "SELECT stream_id, CAST(packed AS BLOB) FROM matters WHERE stream_id>? ORDER BY stream_id LIMIT ?",
            last,
            _PAGE,
        ):
            yield from rows
            last = rows[-1][0]

    def due_matters(self, until_ms: int) -> Iterator[bytes]:
        """See `hub.ports.LedgerReader.due_matters`."""
        at, last = -1, b""
        while rows := self._all(
            "SELECT due_ms, stream_id, CAST(packed AS BLOB) FROM matters WHERE due_ms<=? AND (due_ms, stream_id)>(?,?)"
            " ORDER BY due_ms, stream_id LIMIT ?",
            until_ms,
            at,
            last,
            _PAGE,
        ):
            for row in rows:
                yield row[2]
            at, last = rows[-1][0], rows[-1][1]

    def due_index(self) -> Iterator[tuple[bytes, int]]:
        """See `hub.ports.LedgerReader.due_index`."""
        last = b""
        while rows := self._all(
            "SELECT stream_id, due_ms FROM matters WHERE due_ms IS NOT NULL AND stream_id>? ORDER BY stream_id LIMIT ?",
            last,
            _PAGE,
        ):
            for row in rows:
                yield row[0], row[1]
            last = rows[-1][0]

    def due_basis(self) -> bytes | None:
        """See `hub.ports.LedgerReader.due_basis`."""
        row = self._one("SELECT basis FROM derived WHERE name='due'")
        return None if row is None else row[0]

    def batch_index(self, producer: str, batch_seq: int) -> LeafIndex | None:
        """See `hub.ports.LedgerReader.batch_index`."""
        row = self._one(
            "SELECT rowid FROM stored_events WHERE originator_id=? AND originator_version=?",
            chain_id(producer).hex(),
            batch_seq,
        )
        return None if row is None else LeafIndex(row[0] - 1)

    def producer(self, producer: str) -> ProducerState | None:
        """See `hub.ports.LedgerReader.producer`."""
        row = self._one("SELECT next_seq, last_hash FROM producers WHERE producer=?", producer)
        return None if row is None else ProducerState(row[0], Hash(row[1]))

    def heads(self) -> Mapping[PointId, tuple[int, Hash]]:
        """See `hub.ports.LedgerReader.heads`."""
        return {PointId(r[0]): (r[1], Hash(r[2])) for r in self._all("SELECT point, n, head FROM heads")}

    def runs(self, point: PointId, from_n: int, limit: int) -> Sequence[Run]:
        """See `hub.ports.LedgerReader.runs`."""
        rows = self._all(
            f"SELECT {_RUN} FROM delivery_runs WHERE point=? AND first_n+count>? AND first_n>="
            " (SELECT coalesce(max(first_n), 0) FROM delivery_runs WHERE point=? AND first_n<=?)"
            " ORDER BY first_n LIMIT ?",
            point,
            from_n,
            point,
            from_n,
            limit,
        )
        return [_run(r) for r in rows]

    def runs_after(self, run_id: int, limit: int) -> Sequence[tuple[int, Run]]:
        """See `hub.ports.LedgerReader.runs_after`."""
        rows = self._all(f"SELECT {_RUN} FROM delivery_runs WHERE id>? ORDER BY id LIMIT ?", run_id, limit)
        return [(r[0], _run(r)) for r in rows]

    def directory_entries(self, start: LeafIndex) -> Iterator[tuple[LeafIndex, bytes]]:
        """See `hub.ports.LedgerReader.directory_entries`."""
        at = start
        while rows := self._all(
            "SELECT d.idx, e.state FROM directory_log d JOIN stored_events e ON e.rowid=d.idx+1"
            " WHERE d.idx>=? ORDER BY d.idx LIMIT ?",
            at,
            _PAGE,
        ):
            for row in rows:
                yield LeafIndex(row[0]), row[1]
            at = LeafIndex(rows[-1][0] + 1)

    def log_key_indexes(self) -> Sequence[LeafIndex]:
        """See `hub.ports.LedgerReader.log_key_indexes`."""
        rows = self._all(
            "SELECT d.idx FROM directory_log d JOIN stored_events e ON e.rowid=d.idx+1"
            f" WHERE e.topic IN ({','.join('?' * len(LOG_KEY_EVENTS))}) ORDER BY d.idx",
            *LOG_KEY_EVENTS,
        )
        return [LeafIndex(row[0]) for row in rows]

    def statistics_entries(self, start: LeafIndex) -> Iterator[tuple[LeafIndex, bytes]]:
        """See `hub.ports.LedgerReader.statistics_entries`."""
        at = start
        while rows := self._all(
            f"SELECT rowid, CAST(state AS BLOB) FROM stored_events WHERE topic='{STATISTICS}' AND rowid>?"
            " ORDER BY rowid LIMIT ?",
            at,
            _PAGE,
        ):
            for row in rows:
                yield LeafIndex(row[0] - 1), row[1]
            at = LeafIndex(rows[-1][0])


def _run(row: tuple[Any, ...]) -> Run:
    _, point, first_n, count, indexes, head_before, head_after, size, is_case = row
    return Run(
        point=PointId(point),
        first_n=first_n,
        indexes=struct.unpack(f">{count}Q", indexes),
        head_before=Hash(head_before),
        head_after=Hash(head_after),
        size=TreeSize(size),
        is_case=bool(is_case),
    )
