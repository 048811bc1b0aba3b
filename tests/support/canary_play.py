"""Three regions that play all procedures with people who carry marks.

    python -P -m tests.support.canary_play FOLDER       (a data folder whose hub, relay and broker run: `canary_run`)

Everything that is refused on the way, here or by the hub, is written to `said.jsonl` in that folder with its whole
traceback; what was read and done goes to `regions/played.json`. Not here: what is looked for
afterwards (`test_canary`).
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from adapters.compose.folder import DataFolder
from adapters.compose.parts import REGION_FILE, SystemClock
from adapters.compose.region_program import RegionProgram
from adapters.grpc.client import ExchangeClient
from adapters.logs import configure_logs
from adapters.region.database import RegionDatabase
from adapters.region.draft import Draft, local_date
from adapters.region.json_value import to_json
from adapters.region.opening import Opener, Reader
from adapters.region.outbox_store import SentEvent
from adapters.region.region_store import RegionStore
from adapters.region.tasks import Task
from contracts.errors import ExchangeError, UnavailableError
from contracts.ids import EventId, OfficeId, RegionCode, StreamId
from contracts.office_type import OfficeType
from contracts.opening import load_opening_rules
from contracts.rights import Offence
from hub.submission import Outcome, Refusal
from tests.support.canary_marks import REASON_TEXT
from tests.support.canary_mistakes import misplaced
from tests.support.fault_rig import RunningClock
from tests.support.hub_server import until
from tests.support.region import keyring
from tests.support.world import World, WorldOffice

REGIONS: Final = ("43", "44", "45")
PLAYED: Final = Path("regions") / "played.json"
"""What was done: counts, and the text of everything that offices read. In the regions' own folder."""
SAID: Final = "said.jsonl"

_WAIT_SECONDS: Final = 60.0

Told = tuple[str, OfficeType]
"""Region and type of an office that is told of a step."""


@dataclass(slots=True)
class Matter:
    """One matter of the play.

    Attributes:
        procedure: Its procedure.
        stream_id: None before its first event.
    """

    procedure: str
    stream_id: StreamId | None = None

    @property
    def id(self) -> bytes:
        """Its id, once it has begun."""
        assert self.stream_id is not None
        return self.stream_id


class Play:
    """What happened so far.

    Args:
        folder: Of the rig.
        programs: By region.
    """

    def __init__(self, folder: Path, programs: Mapping[str, RegionProgram]) -> None:
        self.world = World(clock=RunningClock())
        self.programs = programs
        self.folder = folder
        self.read: list[str] = []
        self.recorded = 0
        self.refused = 0
        self.opened = 0

    def office(self, region: str, kind: OfficeType) -> WorldOffice:
        """An office of the world."""
        return self.world.office(region, kind)

    def day(self, days: int = 0) -> str:
        """The local day, so many days from now."""
        return local_date(self.world.clock.now_ms() + days * 86_400_000)

    def fresh(self) -> bytes:
        """An opaque id; none of the world's own, which begin anew in every process."""
        return self.world.fresh_id()

    # -- saying

    def say(self, step: str, error: ExchangeError | Refusal) -> None:
        """Keep a refusal as whoever meets it may see it, traceback and causes included."""
        if isinstance(error, Refusal):
            text = json.dumps({name: str(value) for name, value in asdict(error).items()}, ensure_ascii=False)
            family = "refusal"
        else:
            text = "".join(traceback.format_exception(error)) + repr(error)
            family = error.family
        self.refused += 1
        line = {"step": step, "family": family, "code": error.code, "text": text}
        with (self.folder / SAID).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    async def refused_here(self, step: str, job: Callable[[], Awaitable[object]], *families: str) -> None:
        """Do what must be refused, and keep what was said."""
        refusal: ExchangeError | None = None
        try:
            await job()
        except ExchangeError as error:
            refusal = error
        assert refusal is not None, f"{step} was not refused"
        assert not families or refusal.family in families, f"{step}: {refusal}"
        self.say(step, refusal)

    async def refused_there(self, step: str, region: str, draft: Draft) -> None:
        """Send what the exchange must refuse, and keep its sentence."""
        sent = await (await self.programs[region].gateway.rehearse(draft))
        assert sent.outcome is Outcome.REFUSED, step
        assert sent.refusal is not None
        self.say(step, sent.refusal)

    # -- doing

    def draft(
        self,
        matter: Matter,
        region: str,
        kind: OfficeType,
        event_type: str,
        body: Mapping[str, Any] | None = None,
        *,
        payloads: Mapping[str, tuple[Mapping[str, Any], ...]] | None = None,
        names: Told | None = None,
    ) -> Draft:
        """A draft of an office."""
        other = None if names is None else self.office(*names)
        return Draft(
            procedure=matter.procedure,
            event_type=event_type,
            office=self.office(region, kind).office,
            occurred_at=self.world.clock.now_ms(),
            stream_id=matter.stream_id,
            body=body or {},
            counterpart_region=None if other is None else other.region,
            counterpart_office=None if other is None else other.office,
            payloads=payloads or {},
            offence=Offence(is_under_18=False, sentence_months=12),
        )

    async def step(
        self,
        matter: Matter,
        region: str,
        kind: OfficeType,
        event_type: str,
        body: Mapping[str, Any] | None = None,
        *,
        payloads: Mapping[str, tuple[Mapping[str, Any], ...]] | None = None,
        names: Told | None = None,
        told: tuple[Told, ...] = (),
    ) -> SentEvent:
        """Make every typing mistake of a step, then the right one, then let those who are told read it."""
        draft = self.draft(matter, region, kind, event_type, body, payloads=payloads, names=names)
        gateway = self.programs[region].gateway
        for what, wrong in misplaced(draft):
            await self.refused_here(f"{event_type} {what}", partial(gateway.send, wrong))
        sent = await gateway.submit(draft, timeout_seconds=_WAIT_SECONDS)
        assert sent.outcome is Outcome.ACCEPTED, f"{event_type}: {sent.refusal}"
        matter.stream_id = sent.stream_id
        self.recorded += 1
        for one in told:
            await self._read(one, sent.event_id)
        return sent

    async def _read(self, told: Told, event_id: EventId) -> None:
        """Wait until an office is told of an event; open what it may read."""
        region, office = told[0], self.office(*told).office
        gateway = self.programs[region].gateway

        def waiting() -> list[Task]:
            return [task for task in gateway.tasks.open_tasks(office) if task.event_id == event_id]

        await until(lambda: bool(waiting()), seconds=_WAIT_SECONDS)
        (task,) = waiting()
        if task.profile is None:
            return
        reader = _reader(self, office, task.profile)
        for reading in await gateway.opener.open(event_id, task.profile, reader):
            self.opened += 1
            self.read += _texts(reading.content)

    async def read_cleared(self, told: Told, event_id: EventId, profile: str, reason: str, matter: Matter) -> None:
        """Open a payload without a task, under what two other offices have approved."""
        reader = replace(_reader(self, self.office(*told).office, profile), reason=reason, clearance=matter.stream_id)
        for reading in await self.programs[told[0]].gateway.opener.open(event_id, profile, reader):
            self.opened += 1
            self.read += _texts(reading.content)

    def keep(self) -> None:
        """Write down what was done, where a region may."""
        told = {"recorded": self.recorded, "refused": self.refused, "opened": self.opened, "read": self.read}
        (self.folder / PLAYED).write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")


def _texts(value: Any) -> list[str]:
    """Every text and every content of a document in a payload."""
    if isinstance(value, bytes):
        return [value.decode("latin-1")]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else [str(to_json(value))]


def _reader(play: Play, office: str, profile: str) -> Reader:
    role = load_opening_rules().roles[profile][0]
    return Reader(OfficeId(office), REASON_TEXT, officer=play.fresh(), role=role, approver=play.fresh())


# -- what a region meets when something is broken


async def read_with_wrong_key(play: Play, region: str, kind: OfficeType, event_id: EventId, profile: str) -> None:
    """Open a payload at a gateway that holds another office's key under this office's name."""
    office = play.office(region, kind).office
    gateway, keys = play.programs[region].gateway, keyring(play.world, region)
    others = [private for name, private in keys.offices.items() if name != office]
    wrong = type(keys)(keys.batch, keys.opening, keys.receipt, {office: others[0]}, keys.points)
    settings = DataFolder(play.folder).region_settings(region)
    database = RegionDatabase(settings.data_dir / REGION_FILE)
    async with ExchangeClient(settings.hub_address) as exchange:
        opener = Opener(
            producer=play.world.gateways[RegionCode(region)].producer,
            keyring=wrong,
            database=database,
            store=RegionStore(database),
            exchange=exchange,
            replica=gateway.replica,
            checkpoints=gateway.checkpoints,
            evidence=gateway.evidence,
            streams=gateway.streams,
            rules=play.world.rules,
            clock=SystemClock(),
        )
        reader = Reader(
            office,
            REASON_TEXT,
            officer=play.fresh(),
            role=load_opening_rules().roles[profile][0],
            approver=play.fresh(),
        )
        await play.refused_here("wrong key", lambda: opener.open(event_id, profile, reader), "evidence")
    database.close()


async def read_without_store(play: Play, region: str, kind: OfficeType, event_id: EventId, profile: str) -> None:
    """Open a payload at a gateway whose file has lost the table of openings."""
    with closing(sqlite3.connect(DataFolder(play.folder).region_settings(region).data_dir / REGION_FILE)) as db:
        db.execute("ALTER TABLE openings RENAME TO lost_openings")
    reader = Reader(
        play.office(region, kind).office,
        REASON_TEXT,
        officer=play.fresh(),
        role=load_opening_rules().roles[profile][0],
        approver=play.fresh(),
    )
    opener = play.programs[region].gateway.opener
    await play.refused_here("lost table", lambda: opener.open(event_id, profile, reader), "fatal")
    with closing(sqlite3.connect(DataFolder(play.folder).region_settings(region).data_dir / REGION_FILE)) as db:
        db.execute("ALTER TABLE lost_openings RENAME TO openings")


async def ask_in_vain(play: Play, region: str, draft: Draft) -> None:
    """Give a draft no time at all."""
    gateway = play.programs[region].gateway

    async def submit() -> None:
        try:
            await gateway.submit(draft, timeout_seconds=0.0)
        except UnavailableError as error:
            raise error from ValueError("the caller's own trouble")

    await play.refused_here("no time", submit, "unavailable")


# -- the program


async def main(folder: Path) -> None:
    """Play everything."""
    from tests.support.canary_stories import play_all

    async with AsyncExitStack() as stack:
        programs = {
            region: await stack.enter_async_context(RegionProgram(DataFolder(folder).region_settings(region)))
            for region in REGIONS
        }
        play = Play(folder, programs)
        await play_all(play)
        play.keep()


if __name__ == "__main__":
    configure_logs(program="regions", to=DataFolder(Path(sys.argv[1])).logs / "regions.log", level="debug")
    asyncio.run(main(Path(sys.argv[1])))
