"""What waits for an office: every notification that it got is an open task until the office has handled it.

A task is handled when the office has made its own next event in that matter and no duty of it is open there any more,
or when the office says so (it learned what it was told and nothing more is asked of it). Tasks are made from the inbox
in its order, and the place in the inbox is saved with them, so each notification makes its tasks exactly once.

Not here: whether a notification is true (the inbox checked it), what falls due when (`hub.duty`, from the matter).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from adapters.region.database import RegionDatabase
from adapters.region.inbox_store import RegionInboxStore, StoredNotification
from adapters.region.region_store import RegionStore
from adapters.region.streams import Streams
from contracts.deadline import Kind
from contracts.event import Header, decode_event, leaf_hash
from contracts.ids import EventId, LeafIndex, OfficeId, StreamId, is_office_id
from contracts.procedure_types import NO_RULES, Procedure
from hub.admission import Rules
from hub.directory import Directory
from hub.matter import Duty, Matter, advance, duty_due, match_row
from hub.routing import Recipient, route

_MARK: Final = "tasks_row"
_AT_A_TIME: Final = 256
_COLUMNS: Final = "office, event_id, stream_id, seq, procedure, event_type, profile, idx, taken_at, done_at"


log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that an office was told.

    Attributes:
        office: Whose task it is.
        event_id: The event.
        stream_id: Its matter.
        seq: The event's place in the matter.
        procedure: The matter's procedure.
        event_type: The event.
        profile: The profile that the office may open; None if it was told the status only.
        leaf_index: Ledger index of the event.
        taken_at: When it came in, milliseconds.
        done_at: When the office had handled it; None while it is open.
    """

    office: OfficeId
    event_id: EventId
    stream_id: StreamId
    seq: int
    procedure: str
    event_type: str
    profile: str | None
    leaf_index: LeafIndex
    taken_at: int
    done_at: int | None


class Tasks:
    """The tasks of a region's offices.

    Args:
        database: The region's file.
        region: For the place in the inbox.
        inbox: Where notifications come from.
        streams: Copies of matters.
        rules: The contracts in force.
        directory: The region's copy.
        now_ms: The region's clock, milliseconds.
    """

    def __init__(
        self,
        *,
        database: RegionDatabase,
        region: RegionStore,
        inbox: RegionInboxStore,
        streams: Streams,
        rules: Rules,
        directory: Directory,
        now_ms: Callable[[], int],
    ) -> None:
        self._db = database
        self._region = region
        self._inbox = inbox
        self._streams = streams
        self._rules = rules
        self._directory = directory
        self._now_ms = now_ms

    async def take(self) -> Sequence[Task]:
        """Make the tasks of what came into the inbox since the last call, a bounded number at a time.

        Returns:
            The new tasks; empty when the inbox holds nothing new.

        Raises:
            UnavailableError: A matter's earlier events cannot be fetched now; ask again.
            EvidenceError: They do not lead to what was notified.
        """
        fresh = self._inbox.received_after(self._row(), _AT_A_TIME)
        made: list[Task] = []
        for notification in fresh:
            header = decode_event(notification.event)
            if await self._streams.take_notified(notification.leaf_index, header, notification.event):
                made += self._tasks_of(notification, header)
            else:
                log.info("task.hidden", point=notification.point, n=notification.n)
        if fresh:
            with self._db.transaction():
                self._db.write_many(
                    f"INSERT OR IGNORE INTO tasks ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)",
                    [_row_of(task) for task in made],
                )
                self._region.write_mark(_MARK, fresh[-1].row.to_bytes(8, "big"))
        return made

    @property
    def is_behind(self) -> bool:
        """Whether the inbox holds something that no task was made of yet."""
        return bool(self._inbox.received_after(self._row(), 1))

    def _row(self) -> int:
        return int.from_bytes(self._region.mark(_MARK) or b"", "big")

    def _tasks_of(self, notification: StoredNotification, header: Header) -> list[Task]:
        acted = {
            office
            for office in self._streams.offices_after(header.stream_id, header.stream_seq)
            if not self._duties(header.stream_id, office)
        }
        return [
            Task(
                office=recipient.office,
                event_id=header.event_id,
                stream_id=header.stream_id,
                seq=header.stream_seq,
                procedure=header.procedure,
                event_type=header.event_type,
                profile=recipient.profile,
                leaf_index=notification.leaf_index,
                taken_at=notification.received_at,
                done_at=self._now_ms() if recipient.office in acted else None,
            )
            for recipient in self._recipients(header, notification.event)
            if recipient.point == notification.point
        ]

    def _recipients(self, header: Header, event: bytes) -> Iterable[Recipient]:
        """Whom the procedure names for an event, from our own copy of the matter as it was then."""
        earlier = self._streams.recorded(header.stream_id, before=header.stream_seq)
        procedure = self._rules.procedure(header.procedure, header.edition)
        body = self._rules.registry.decode_body(header.body)[1]
        row = match_row(procedure, earlier, header, body, self._directory)
        after = advance(procedure, earlier, header, body, self._directory, leaf_hash(event), row)
        return route(row, after, header, body, self._directory, earlier=earlier)

    def open_tasks(self, office: OfficeId | None = None) -> list[Task]:
        """Tasks that are not handled, of one office or of all, oldest first.

        An office sees those of the closed offices for which it acts, too: they keep the office that was told.
        """
        if office is None:
            return self._select("done_at IS NULL")
        names = (office, *self._directory.predecessors(office))
        marks = ",".join("?" * len(names))
        return self._select(f"done_at IS NULL AND office IN ({marks})", *names)

    def of_stream(self, stream_id: bytes) -> list[Task]:
        """All tasks of one matter, handled ones too."""
        return self._select("stream_id=?", stream_id)

    def _select(self, where: str, *parameters: object) -> list[Task]:
        """Tasks, oldest first; none of a sealed matter, and nothing to open in one whose content an order erased."""
        rows = self._db.all(
            f"SELECT {_COLUMNS}, stream_id IN closed_streams FROM tasks WHERE {where}"
            " AND stream_id NOT IN sealed_streams ORDER BY idx, office",
            *parameters,
        )
        return [_task_of(row) for row in rows]

    def done(self, office: OfficeId, event_id: bytes) -> bool:
        """Say that an office has handled what an event told it.

        Returns:
            Whether such a task was open.
        """
        with self._db.transaction():
            changed = self._db.write(
                "UPDATE tasks SET done_at=? WHERE office=? AND event_id=? AND done_at IS NULL",
                self._now_ms(),
                office,
                event_id,
            )
        return changed > 0

    def done_by(self, headers: Iterable[Header]) -> None:
        """Close the tasks that these recorded events of our own offices have handled: no duty of theirs is left."""
        now = self._now_ms()
        acted = {(header.stream_id, header.producer_office): header for header in headers}
        with self._db.transaction():
            handled = [
                header
                for (stream_id, office), header in acted.items()
                if self._is_open(stream_id) and not self._duties(stream_id, office)
            ]
            self._db.write_many(
                "UPDATE tasks SET done_at=?, done_by=? WHERE stream_id=? AND office=? AND seq<? AND done_at IS NULL",
                [
                    (now, h.event_id, h.stream_id, office, h.stream_seq)
                    for h in handled
                    for office in (h.producer_office, *self._directory.predecessors(h.producer_office))
                ],
            )

    def _is_open(self, stream_id: bytes) -> bool:
        """Whether anybody has a task left in a matter."""
        return self._db.one("SELECT 1 FROM tasks WHERE stream_id=? AND done_at IS NULL", stream_id) is not None

    def due_ms(self, task: Task) -> int | None:
        """When the nearest duty of the task's office in this matter falls due, milliseconds; None without one."""
        return min(self._duties(task.stream_id, task.office), default=None)

    def _duties(self, stream_id: bytes, name: OfficeId) -> list[int]:
        """When the open duties of an office in a matter fall due; what time does, and keeping content, is no task."""
        matter, office = self._streams.matter(stream_id), self._directory.office(name)
        if matter is None or office is None:
            return []
        procedure = self._rules.procedure(matter.procedure, matter.edition)
        return [
            _due_ms(procedure, matter, duty)
            for duty in matter.duties
            if duty.rule not in NO_RULES
            and procedure.limits.rule(duty.rule).kind is not Kind.EFFECT
            and duty.office_type == office.office_type
            and (duty.side == name or not is_office_id(duty.side))
            and dict(matter.regions).get(duty.side, office.region) == office.region
        ]


def _due_ms(procedure: Procedure, matter: Matter, duty: Duty) -> int:
    region = dict(matter.regions).get(duty.side, matter.opened_region)
    return duty_due(procedure, duty, region).due_ms


def _row_of(task: Task) -> tuple[Any, ...]:
    return (
        task.office,
        task.event_id,
        task.stream_id,
        task.seq,
        task.procedure,
        task.event_type,
        task.profile or "",
        task.leaf_index,
        task.taken_at,
        task.done_at,
    )


def _task_of(row: Any) -> Task:
    office, event_id, stream_id, seq, procedure, event_type, profile, index, taken_at, done_at, is_closed = row
    return Task(
        office=OfficeId(office),
        event_id=EventId(event_id),
        stream_id=StreamId(stream_id),
        seq=seq,
        procedure=procedure,
        event_type=event_type,
        profile=None if is_closed else profile or None,
        leaf_index=LeafIndex(index),
        taken_at=taken_at,
        done_at=done_at,
    )
