"""The staff of one region in the demonstration: begins its matters, opens what it is told, takes the next step.

The player keeps no state of its own: what to do next follows from the plan, from what was sent under which name, and
from the matters as they stand. So a gateway that was killed goes on where it stopped, and what it does twice by name it
does once. Not here: how a step becomes a draft (`script`), how it is sent (`adapters.region.gateway`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import structlog

from adapters.demo.plan import Planned
from adapters.demo.script import Script, named, ref_of
from adapters.demo.story import READING
from adapters.region.gateway import RegionGateway
from adapters.region.opening import Reader
from adapters.region.outbox_store import SentEvent
from adapters.region.tasks import Task
from contracts.errors import AccessError, ConflictError, ExchangeError, FatalError, RuleError, UnavailableError
from contracts.event import decode_event
from contracts.ids import OfficeId, StreamId
from contracts.opening import load_opening_rules
from hub.ports import Clock
from hub.submission import Outcome

_AT_ONCE: Final = 32
"""Matters that are worked on at the same time."""
_NOTHING_LEFT: Final = frozenset({"OPEN_NO_TASK", "OPEN_FORBIDDEN", "PAYLOAD_UNKNOWN"})
"""Codes of an opening that comes too late: the task is over, the record sealed, the content erased."""
_PAUSES_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 4.0)
_READING: Final = "演示：按待办核对内容"
_CLEARANCES: Final = load_opening_rules().clearances
_APPROVER: Final = bytes(range(1, 17))
"""Stands for the responsible person of every office in the demonstration."""

log = structlog.get_logger()


@dataclass(slots=True)
class Doings:
    """What a player has done since its process began, for the progress display.

    Attributes:
        sent: Events by outcome.
        refused_here: Drafts that the gateway refused, by code.
        refused_there: Events that the exchange refused, by code.
        opened: Payloads opened.
        begun: Matters begun.
    """

    sent: Counter[str] = field(default_factory=Counter)
    refused_here: Counter[str] = field(default_factory=Counter)
    refused_there: Counter[str] = field(default_factory=Counter)
    opened: int = 0
    begun: int = 0

    def told(self) -> dict[str, Any]:
        """As plain values, for a status line."""
        return {
            "sent": dict(self.sent),
            "refused_here": dict(self.refused_here),
            "refused_there": dict(self.refused_there),
            "opened": self.opened,
            "begun": self.begun,
        }


class Player:
    """Plays one region.

    Args:
        region: Which.
        gateway: Its gateway.
        plan: The whole plan.
        script: Turns steps into drafts.
        now_ms: When the demonstration is played; later steps are not.
        clock: For what follows a step that time made.
    """

    def __init__(
        self,
        *,
        region: str,
        gateway: RegionGateway,
        plan: Sequence[Planned],
        script: Script,
        now_ms: int,
        clock: Clock,
    ) -> None:
        self._region = region
        self._gateway = gateway
        self._plan = {planned.correlation_id: planned for planned in plan}
        self._numbered = {planned.number: planned for planned in plan}
        self._mine = [planned for planned in plan if planned.starter == region]
        self._followers = {planned.follows: planned for planned in self._mine if planned.follows is not None}
        self._script = script
        self._now_ms = now_ms
        self._clock = clock
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._jobs: set[asyncio.Task[None]] = set()
        self._busy: dict[bytes, asyncio.Lock] = {}
        self._failure: ExchangeError | None = None
        self.doings = Doings()

    @property
    def is_idle(self) -> bool:
        """Nothing is under way here; what others do may still bring work."""
        return not self._jobs

    def check(self) -> None:
        """Raise what stopped a job, if one was stopped by anything but a refusal."""
        if self._failure is not None:
            raise self._failure

    def begin(self) -> None:
        """Begin every matter of this region, or go on with it after a restart; take up open tasks."""
        for planned in self._mine:
            if planned.follows is None:
                self._do(partial(self._start, planned))
        self.told(self._gateway.tasks.open_tasks())

    def told(self, tasks: Sequence[Task]) -> None:
        """Take up new tasks."""
        for task in tasks:
            self._do(partial(self._handle, task))

    def _do(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.ensure_future(self._guarded(job))
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def _guarded(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do a job; where the exchange is away, try again, for every step of a job is done once by its name."""
        async with self._room:
            for pause_seconds in _PAUSES_SECONDS:
                try:
                    await job()
                    return
                except UnavailableError as error:
                    log.warning("job.waiting", code=error.code, region=self._region)
                    await asyncio.sleep(pause_seconds)
                except ExchangeError as error:
                    log.error("job.failed", code=error.code, field=error.field, rule=error.rule, region=self._region)
                    self._failure = error
                    return
            self._failure = UnavailableError("PEER_UNAVAILABLE", f"region {self._region} could not go on")

    # -- own matters

    async def _start(self, planned: Planned) -> None:
        """Begin a matter, or find the one that was begun, and take every step that is ours."""
        sent = await self._send(planned, 0, None)
        if sent is None or sent.outcome is Outcome.REFUSED:
            return
        self.doings.begun += 1
        await self._go_on(planned, sent.stream_id)

    async def _go_on(self, planned: Planned, stream_id: StreamId) -> None:
        """Take every next step of a matter as long as it is this region's and has come."""
        async with self._busy.setdefault(stream_id, asyncio.Lock()):
            while True:
                matter = self._gateway.streams.matter(stream_id)
                number = 0 if matter is None else matter.next_seq
                follower = self._followers.get(planned.number)
                if follower is not None and number >= follower.follows_steps:
                    # For example a registration is recorded: its notice may begin.
                    del self._followers[planned.number]
                    self._do(partial(self._start, follower))
                steps = planned.story.steps
                if number >= len(steps) or planned.region(steps[number].side) != self._region:
                    return
                if steps[number].is_automatic:
                    return
                if self._moment(planned, number) is None:
                    return
                if steps[number].event == READING:
                    await self._read_cleared(planned, number, stream_id)
                    continue
                sent = await self._send(planned, number, stream_id)
                if sent is None or sent.outcome is Outcome.REFUSED:
                    return

    async def _send(self, planned: Planned, number: int, stream_id: StreamId | None) -> SentEvent | None:
        """Send one step and wait for its answer; None if the gateway itself refused it."""
        matter = None if stream_id is None else self._gateway.streams.matter(stream_id)
        moment = self._moment(planned, number)
        if moment is None:
            return None
        try:
            about = await self._about(planned)
            opened = None if about is None else named(self._gateway.streams.events(about), planned.story.reads)
            draft = self._script.draft(planned, number, matter, stream_id, moment=moment, about=about, opened=opened)
            sent = await (await self._gateway.send(draft))
        except (RuleError, AccessError, ConflictError) as error:
            log.warning("step.refused", code=error.code, rule=error.rule, field=error.field, position=number)
            self.doings.refused_here[error.code] += 1
            return None
        self.doings.sent[sent.outcome or ""] += 1
        if sent.refusal is not None:
            self.doings.refused_there[sent.refusal.code] += 1
        return sent

    async def _about(self, planned: Planned) -> StreamId | None:
        """The record that a matter is about, where this region began it; None if there is none."""
        if planned.story.about is None or planned.follows is None:
            return None
        first = self._numbered[planned.follows]
        while first.story.about is not None and first.follows is not None:
            first = self._numbered[first.follows]
        known = self._gateway.outbox.known(ref_of(first.number, 0))
        return None if known is None else (await known).stream_id

    async def _read_cleared(self, planned: Planned, number: int, stream_id: StreamId) -> None:
        """Open what two other offices have cleared, or find it opened: who was killed before the answer read it too."""
        profile, about = planned.story.reads, await self._about(planned)
        opened = None if about is None else named(self._gateway.streams.events(about), profile)
        if opened is None:
            raise FatalError("DEMO_FAILED", "a story reads what nobody knows")
        procedure, step = planned.story.procedure, planned.story.steps[number]
        reason = next(name for name, rule in _CLEARANCES.items() if rule.procedure == procedure)
        reader = replace(_reader(self._script.office(planned, step), profile), reason=reason, clearance=stream_id)
        try:
            self.doings.opened += len(await self._gateway.opener.open(opened.event_id, profile, reader))
        except AccessError as error:
            if error.code != "CLEARANCE_OVER":
                raise
            log.info("reading.over", event_id=opened.event_id.hex())

    def _moment(self, planned: Planned, number: int) -> int | None:
        """When a step happens: as planned, or now if it follows what time did; None if it lies ahead."""
        moments = planned.moments()
        if number >= len(moments):
            return self._clock.now_ms()
        return moments[number] if moments[number] <= self._now_ms else None

    # -- tasks

    async def _handle(self, task: Task) -> None:
        """Read what the office was told, take the step that follows, or note that nothing more is asked of it."""
        planned = self._planned(task)
        if planned is None:
            return
        if task.profile is not None:
            self.doings.opened += await self._read(task, task.profile)
        await self._go_on(planned, task.stream_id)
        if self._gateway.tasks.due_ms(task) is None:
            self._gateway.tasks.done(task.office, task.event_id)

    async def _read(self, task: Task, profile: str) -> int:
        """Open what a task is about.

        Nothing where the office has taken its step already, for a later notification, and nothing of what an order
        has erased or sealed before the office came to read it.
        """
        try:
            return len(await self._gateway.opener.open(task.event_id, profile, _reader(task.office, profile)))
        except (AccessError, RuleError) as error:
            if error.code not in _NOTHING_LEFT:
                raise
            log.info("task.over", office=task.office, event_id=task.event_id.hex())
            return 0

    def _planned(self, task: Task) -> Planned | None:
        """The matter of the plan to which a task belongs; what time makes names no plan, the first event does."""
        first = self._gateway.streams.first(task.stream_id)
        correlation_id = None if first is None else decode_event(first).correlation_id
        return None if correlation_id is None else self._plan.get(correlation_id)


def _reader(office: OfficeId, profile: str) -> Reader:
    """An officer in the role that the profile asks for; the responsible person of the office approves everything."""
    return Reader(office, _READING, role=load_opening_rules().roles[profile][0], approver=_APPROVER)
