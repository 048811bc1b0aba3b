"""Reads conformance scenarios as a partner would, and runs them against a hub. Pure of pytest.

scenarios = load("residence_1.jsonl")
run_on_hub(scenarios, store)                              # many matters at once, in order of time
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

from adapters.region.json_value import of_json
from contracts.errors import ExchangeError
from contracts.event import Header, SealedRef, encode_event, leaf_hash
from contracts.ids import EventId, Hash, StreamId
from contracts.instant import rounded
from contracts.office_type import OfficeType
from contracts.procedure import Procedure, load_procedures
from contracts.procedure_types import body_schema
from contracts.schema import load_schemas
from contracts.sealing import Associated, seal
from hub.application import Application
from hub.conformance_stage import COUNTIES, HUB, Act, Place, Sealing
from hub.matter import Matter, unpack
from hub.own_batch import HubDraft
from hub.ports import Store
from hub.submission import EventResult, Outcome, SubmittedPayload
from hub.timers import due
from tests.support.batches import Made
from tests.support.world import World, WorldOffice

FOLDER: Final = Path(__file__).resolve().parents[2] / "contracts" / "conformance" / "procedures"
_FORK: Final = Hash(b"\x11" * 32)


class Line(NamedTuple):
    """One scenario as its file says it.

    Attributes:
        id: Its id.
        procedure: Its procedure.
        given: Id of its beginning.
        before: The events of the beginning.
        act: What is submitted; None for a repeat of the last one.
        then: The right answer.
    """

    id: str
    procedure: Procedure
    given: str | None
    before: tuple[Act, ...]
    act: Act | None
    then: Mapping[str, Any]


def files() -> list[str]:
    """Names of all files."""
    return sorted(path.name for path in FOLDER.glob("*.jsonl"))


def load(name: str) -> list[Line]:
    """Read one file."""
    rows = [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]
    beginnings = {row["beginning"]: tuple(map(_act, row["events"])) for row in rows if "beginning" in row}
    return [_line(row, beginnings) for row in rows if "id" in row]


def _line(row: Mapping[str, Any], beginnings: Mapping[str, tuple[Act, ...]]) -> Line:
    before = beginnings[row["given"]] if row["given"] is not None else ()
    act = None if row["when"] == {"repeat": True} else _act(row["when"])
    return Line(row["id"], load_procedures()[row["procedure"], row["edition"]], row["given"], before, act, row["then"])


def _act(row: Mapping[str, Any]) -> Act:
    return Act(
        event=row["event"],
        by=_place(row["by"]),
        now_ms=int(datetime.fromisoformat(row["at"]).timestamp() * 1000),
        body=of_json(_schema(row["event"]))(row["body"], ""),
        names=_place(row["names"]) if "names" in row else None,
        sealed=tuple(Sealing(one["profile"], tuple(map(_place, one["to"]))) for one in row.get("sealed", ())),
        purpose=row["purpose"],
        legal_basis=row["legal_basis"],
        position=row.get("position", "next"),
        lists={field: tuple(map(_place, places)) for field, places in row.get("lists", {}).items()},
    )


def _place(row: Mapping[str, str]) -> Place:
    return Place(row["side"], row["office"])


def _schema(event: str) -> Any:
    return _SCHEMAS[body_schema(event)]


_SCHEMAS: Final = {
    f"{schema['namespace']}.{schema['name']}": schema
    for path, schema in load_schemas().items()
    if path.startswith("body/")
}


# -- a real hub


@dataclass
class Stream:
    """One matter in the hub's ledger.

    Attributes:
        procedure: What it follows.
        stream_id: Its id.
        seq: Position of its next event.
        head: Leaf hash of its last one.
        last: Its last event.
        points: For each accepted event, how many delivery points are told.
    """

    procedure: Procedure
    stream_id: StreamId
    seq: int = 0
    head: Hash = field(default=Hash(bytes(32)))
    last: Made | None = None


class Job(NamedTuple):
    """One event to submit.

    Attributes:
        now_ms: When.
        depth: How many events of its stream come before.
        stream: Its matter.
        act: What is submitted; None for a repeat.
        line: The scenario that it answers; None for the events of a beginning.
    """

    now_ms: int
    depth: int
    stream: Stream
    act: Act | None
    line: Line | None


class HubRun:
    """Scenarios against a hub with a store.

    Args:
        store: Empty.

    Attributes:
        world: Its offices and time.
        application: The hub.
        answers: What the hub said, by scenario.
        ends: The matter of each accepted scenario.
    """

    def __init__(self, store: Store) -> None:
        counties = {county6[:2]: county6 for county6 in COUNTIES}
        self.world = World(seed="conformance", counties=counties, node_offices=(), case_offices=tuple(OfficeType))
        self.application: Application = self.world.found(store)
        self._store = store
        self.answers: dict[str, EventResult | ExchangeError] = {}
        self._streams: dict[str, Stream] = {}

    def run(self, lines: Iterable[Line]) -> None:
        """Submit everything, in order of time; what happens at one instant goes in few batches."""
        jobs = sorted(self._jobs(lines), key=lambda job: (job.now_ms, job.depth))
        for (now_ms, _), together in groupby(jobs, key=lambda job: (job.now_ms, job.depth)):
            self.world.clock.ms = now_ms
            self._submit(list(together))

    def matter(self, line: Line) -> Matter:
        """The matter of an accepted scenario as the hub stored it."""
        stream = self._streams[line.id]
        return unpack(self._store.matters([stream.stream_id])[stream.stream_id])

    def _jobs(self, lines: Iterable[Line]) -> Iterator[Job]:
        shared: dict[tuple[str, str | None], Stream] = {}
        for line in lines:
            key = (line.procedure.id, line.given)
            if "state" in line.then or line.given is None or key not in shared:
                stream = Stream(line.procedure, StreamId(self.world.fresh_id()))
                yield from (Job(act.now_ms, n, stream, act, None) for n, act in enumerate(line.before))
                if "state" not in line.then:
                    shared[key] = stream
            else:
                stream = shared[key]
            self._streams[line.id] = stream
            now_ms = line.before[-1].now_ms if line.act is None else line.act.now_ms
            yield Job(now_ms, len(line.before), stream, line.act, line)

    def _submit(self, jobs: Sequence[Job]) -> None:
        by_region: dict[str, list[tuple[Job, Made]]] = {}
        for job in jobs:
            if job.act is not None and job.act.by.at == HUB:
                self._let_time_act(job, job.act)
                continue
            made = self._made(job)
            by_region.setdefault(made.region, []).append((job, made))
        for region, pairs in by_region.items():
            batch = self.world.batches[region].batch([made for _, made in pairs])
            (answer,) = self.application.submit([batch])
            assert answer.refusal is None, answer.refusal
            for (job, made), result in zip(pairs, answer.results, strict=True):
                self._note(job, result)
                if result.outcome is Outcome.ACCEPTED:
                    job.stream.seq, job.stream.head, job.stream.last = (
                        made.header.stream_seq + 1,
                        leaf_hash(made.event),
                        made,
                    )

    def _note(self, job: Job, answer: EventResult | ExchangeError) -> None:
        if job.line is not None:
            self.answers[job.line.id] = answer
        else:
            assert isinstance(answer, EventResult)
            assert answer.outcome is Outcome.ACCEPTED, answer.refusal

    def _let_time_act(self, job: Job, act: Act) -> None:
        draft = self._due(job, act) or HubDraft(
            act.event, job.stream.procedure.id, act.body, job.stream.stream_id, edition=job.stream.procedure.edition
        )
        try:
            (index,) = self.application.record([draft])
        except ExchangeError as error:
            self._note(job, error)
            return
        self._note(job, EventResult(0, Outcome.ACCEPTED, index))
        matter = unpack(self._store.matters([job.stream.stream_id])[job.stream.stream_id])
        job.stream.seq, job.stream.head = matter.next_seq, matter.head

    def _due(self, job: Job, act: Act) -> HubDraft | None:
        """What the hub's own timer would record now; None if nothing like it is due."""
        packed = self._store.matters([job.stream.stream_id]).get(job.stream.stream_id)
        drafts = [] if packed is None else due(unpack(packed), self.world.rules.procedures, act.now_ms)
        return next((draft for draft in drafts if draft.event_type == act.event), None)

    def _made(self, job: Job) -> Made:
        act, stream = job.act, job.stream
        if act is None:
            assert stream.last is not None
            return stream.last
        lists = {f: [self._office(stream.procedure, one).office for one in some] for f, some in act.lists.items()}
        encoded = self.world.rules.registry.encode_body(body_schema(act.event), {**act.body, **lists})
        by = self._office(stream.procedure, act.by)
        named = None if act.names is None else self._office(stream.procedure, act.names)
        header = Header(
            event_id=EventId(self.world.fresh_id()),
            schema_id=encoded[2:10],
            event_type=act.event,
            event_class=stream.procedure.event_class,
            stream_id=stream.stream_id,
            stream_seq=stream.seq - 1 if act.position == "stale" else stream.seq,
            prev_hash=_FORK if act.position == "fork" else stream.head,
            procedure=stream.procedure.id,
            edition=stream.procedure.edition,
            producer_region=by.region,
            producer_office=by.office,
            counterpart_region=None if named is None else named.region,
            counterpart_office=None if named is None else named.office,
            occurred_at=rounded(stream.procedure.event_class, act.now_ms),
            purpose=act.purpose,
            legal_basis=act.legal_basis,
            data_class=stream.procedure.data_class,
            body=encoded,
            sealed=(),
            correlation_id=None,
            causation_id=None,
            sandbox=True,
        )
        refs, payloads = self._seal(stream.procedure, header, by, act.sealed)
        header = header._replace(sealed=refs)
        return Made(by.region, header, encode_event(header), payloads)

    def _seal(
        self, procedure: Procedure, header: Header, by: WorldOffice, wanted: Sequence[Sealing]
    ) -> tuple[tuple[SealedRef, ...], tuple[SubmittedPayload, ...]]:
        draw = self.world.entropy.draw
        done = [
            seal(
                plaintext=b"synthetic",
                associated=Associated(header.stream_id, header.event_id, one.profile),
                recipients=[self._office(procedure, place).key for place in one.to],
                producer=by.key,
                content_key=draw(32),
                nonce=draw(12),
                opening=draw(64),
            )
            for one in wanted
        ]
        return tuple(one.ref for one in done), tuple(SubmittedPayload(one.ciphertext, one.wrapped) for one in done)

    def _office(self, procedure: Procedure, place: Place) -> WorldOffice:
        counties = dict(zip(procedure.all_sides, COUNTIES, strict=False))
        return self.world.office(counties.get(place.at, COUNTIES[-1])[:2], place.office)
