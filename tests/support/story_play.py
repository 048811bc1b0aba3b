"""Plays stories of the demonstration with one hub and no network: every step is composed, signed and recorded.

The gateway's composer decides about each draft as a region would, then the hub decides again. What time does is
recorded by the hub's own timers once every story has come to it, as in the demonstration. Pure of pytest.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from adapters.compose.folder import DataFolder
from adapters.compose.hub_program import opened_hub
from adapters.compose.parts import KEYS, SystemClock
from adapters.demo.plan import Planned, draw_plan
from adapters.demo.script import Named, Script, named
from adapters.demo.stage import set_stage
from adapters.demo.story import READING, Story
from adapters.keys.folder import read_region_keys
from adapters.region.batching import BatchMaker
from adapters.region.composer import Composer
from adapters.region.keyring import SigningIdentity
from contracts.ids import LeafIndex, PointId, StreamId, uuid7
from contracts.opening import load_opening_rules
from hub.application import Application
from hub.matter import Matter, unpack
from hub.openings import OpenRequest
from hub.submission import SubmittedPayload
from ledger.entry import event_of

SEED: Final = 1
_MATTERS: Final = 400


class StoryPlay:
    """One hub, and a gateway for each region.

    Args:
        folder: Where the stage was set.
        application: Its hub.
        now_ms: When the stories are played.

    Attributes:
        application: The hub.
    """

    def __init__(self, folder: DataFolder, application: Application, now_ms: int) -> None:
        self._folder = folder
        self.application = application
        self._now_ms = now_ms
        self._script = Script(seed=SEED, directory=application.directory, procedures=application.rules.procedures)
        self._gateways: dict[str, tuple[BatchMaker, Composer]] = {}
        self._about: dict[int, StreamId] = {}

    def advance(self, planned: Planned, matter: Matter | None) -> Matter | None:
        """Record every step of a story from where its matter stands until time has to act or the story ends."""
        steps, moments = planned.story.steps, planned.moments()
        while (number := 0 if matter is None else matter.next_seq) < len(steps):
            region = planned.region(steps[number].side)
            if not region:
                break
            moment = moments[number] if number < len(moments) else SystemClock().now_ms()
            assert moment <= self._now_ms + 600_000, f"{planned.story.name} goes on after today"
            stream_id = None if matter is None else matter.stream_id
            about = self._about.get(planned.number)
            opened = None if about is None else named(self._events(about), planned.story.reads)
            if steps[number].event == READING:
                assert stream_id is not None
                assert opened is not None
                self._read(planned, number, stream_id, opened)
                matter = self.recorded(stream_id)
                continue
            draft = self._script.draft(planned, number, matter, stream_id, moment=moment, about=about, opened=opened)
            maker, composer = self._gateway(region)
            draft = composer.filled(draft)
            composed = composer.compose(draft, matter, LeafIndex(self.application.reader.size()))
            drafted = composed.drafted
            payloads = [SubmittedPayload(payload.ciphertext, payload.wrapped()) for payload in drafted.payloads]
            batch, _ = maker.make(self.application.producer(maker.producer), [drafted.event], payloads)
            (answer,) = self.application.submit([batch])
            refusals = [answer.refusal, *(result.refusal for result in answer.results)]
            assert not any(refusals), f"{planned.story.name}, {steps[number].event}: {refusals}"
            matter = composed.matter
        return matter

    def begin(self, planned: Planned, plan: Sequence[Planned]) -> Matter | None:
        """Record a story from its beginning, after the matters that it is about."""
        if planned.story.about is not None and planned.follows is not None:
            about = self.begin(plan[planned.follows], plan)
            assert about is not None, planned.story.name
            self._about[planned.number] = self._about.get(planned.follows, about.stream_id)
        return self.advance(planned, None)

    def _events(self, stream_id: StreamId) -> Iterator[bytes]:
        for _, entry in self.application.reader.stream(stream_id, 0, 100):
            event = event_of(entry)
            assert event is not None
            yield event

    def _read(self, planned: Planned, number: int, stream_id: StreamId, opened: Named) -> None:
        """Open a payload under what two other offices cleared, as the region of the office would."""
        story, step, rules = planned.story, planned.story.steps[number], load_opening_rules()
        region = planned.region(step.side)
        signer = SigningIdentity.of("open", read_region_keys(self._folder.region(region) / KEYS).opening)
        unsigned = OpenRequest(
            request_id=uuid7(unix_ms=SystemClock().now_ms(), entropy=secrets.token_bytes(10)),
            event_id=opened.event_id,
            ciphertext_hash=opened.ciphertext_hash,
            office=self._script.office(planned, step),
            officer=bytes(16),
            role=rules.roles[story.reads][0],
            purpose=self.application.rules.procedures[story.procedure, 1].purpose,
            reason=next(name for name, rule in rules.clearances.items() if rule.procedure == story.procedure),
            reason_commitment=bytes(32),
            approval=bytes(32),
            created_ms=SystemClock().now_ms(),
            producer=f"{region}-node",
            key_id=signer.key_id,
            signature=b"",
            clearance=stream_id,
        )
        self.application.open_payload(replace(unsigned, signature=signer.sign(unsigned.tbs())))

    def recorded(self, stream_id: bytes) -> Matter:
        """A matter as the hub has it."""
        return unpack(self.application.reader.matters([stream_id])[stream_id])

    def _gateway(self, region: str) -> tuple[BatchMaker, Composer]:
        if region not in self._gateways:
            clock, rules, directory = SystemClock(), self.application.rules, self.application.directory
            signer = SigningIdentity.of("batch", read_region_keys(self._folder.region(region) / KEYS).batch)
            self._gateways[region] = (
                BatchMaker(PointId(f"{region}-node"), signer, clock),
                Composer(rules=rules, directory=directory, batch_key=signer.key_id, clock=clock, matters=self.recorded),
            )
        return self._gateways[region]


def play_stories(root: Path) -> dict[Story, Matter]:
    """Play every story of the demonstration once, with the steps that time makes, into an empty folder.

    Returns:
        The matter that each story left.
    """
    folder, now_ms = DataFolder(root), SystemClock().now_ms()
    set_stage(folder, seed=SEED)
    plan = draw_plan(seed=SEED, matters=_MATTERS, now_ms=now_ms)
    # Of each story the matter that began first: time has done to it what it can.
    chosen = {planned.story: planned for planned in sorted(plan, key=lambda planned: -planned.start_ms)}
    with opened_hub(folder.hub_settings()) as application:
        play = StoryPlay(folder, application, now_ms)
        left = {story: play.begin(planned, plan) for story, planned in chosen.items()}
        application.run_timers()
        done: dict[Story, Matter] = {}
        for story, matter in left.items():
            assert matter is not None, story.name
            done[story] = play.advance(chosen[story], play.recorded(matter.stream_id)) or matter
    return done
