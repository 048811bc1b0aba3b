"""What the demonstration plays: matters drawn from the estimated flows between the provinces. Pure and seeded.

Origins and destinations are drawn from the estimate of residents registered in another province (an estimate, never a
statistic), counties within a province by their number of communities. The same seed gives the same plan in every
process, so no file is shared and a gateway that was killed knows its part again.

Not here: who the people are (`people`), how a step becomes a draft (`script`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from adapters.demo.mix import REJECTED_SHARE, counts_of, floor_of, matters_of
from adapters.demo.residence_stories import CORRECTED, NOTICES, REGISTRATIONS, REJECTIONS, SUPPRESSED
from adapters.demo.story import READING, TIMER, Days, Story
from contracts.division import load_divisions
from contracts.ids import REGIONS, uuid7
from contracts.instant import DAY_MS
from contracts.weights import load_communities, load_flows

PROVINCES: Final = tuple(region for region in REGIONS if region not in ("81", "82"))
COUNTIES_EACH: Final = 6
"""Counties of a province that take part."""
_RECORDED_STEPS: Final = 2
"""A registration is declared and recorded before a notice of it may begin."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One matter of the plan.

    Attributes:
        number: From 0; names it in the plan.
        correlation_id: Names it in its events' headers, 16 bytes.
        story: How it goes.
        places: County, six digits, by side of its procedure.
        start_ms: When it begins.
        follows: Number of the matter that it waits for; None if it begins by itself.
        follows_steps: How many steps of that matter must be recorded.
    """

    number: int
    correlation_id: bytes
    story: Story
    places: Mapping[str, str]
    start_ms: int
    follows: int | None = None
    follows_steps: int = 0

    def region(self, side: str) -> str:
        """Region of a side; empty for time, which has none."""
        return "" if side == TIMER else self.places[side][:2]

    @property
    def starter(self) -> str:
        """Region that begins it."""
        return self.region(self.story.steps[0].side)

    def random(self, what: object) -> Random:
        """A source of its own for each thing that is drawn about it, the same in every process."""
        return Random(f"{self.correlation_id.hex()} {what}")

    def moments(self) -> list[int]:
        """When each step happens, milliseconds; some may lie ahead and are not played.

        What follows a step that time makes, or a reading, is not told here: it happens when the region learns of that.
        """
        moments, at = [], float(self.start_ms)
        for number, step in enumerate(self.story.steps):
            if step.side == TIMER:
                break
            at += self.random(f"after {number}").uniform(*step.after) * DAY_MS
            moments.append(int(at))
            if step.event == READING:
                break
        return moments


def demo_counties(seed: int) -> dict[str, tuple[str, ...]]:
    """The counties that take part, by province: drawn by number of communities, each once."""
    communities = load_communities()
    chosen: dict[str, tuple[str, ...]] = {}
    for region in PROVINCES:
        random = Random(f"{seed} counties {region}")
        left = {row.code[:6]: communities.get(row.code[:6], 0) for row in load_divisions().counties(region)}
        picked: list[str] = []
        while len(picked) < COUNTIES_EACH:
            (county6,) = random.choices(list(left), weights=list(left.values()))
            del left[county6]
            picked.append(county6)
        chosen[region] = tuple(sorted(picked))
    return chosen


def draw_plan(*, seed: int, matters: int, now_ms: int) -> tuple[Planned, ...]:
    """Draw a plan.

    Args:
        seed: The same one gives the same plan.
        matters: How many; a registration and the notice of it are two.
        now_ms: When the demonstration is played; matters begin before.
    """
    return tuple(_Drawing(seed, now_ms).plan(matters))


class _Drawing:
    """One drawing of one plan."""

    def __init__(self, seed: int, now_ms: int) -> None:
        self._random = Random(f"{seed} plan")
        self._now_ms = now_ms
        self._counties = demo_counties(seed)
        self._communities = load_communities()
        self._flows = load_flows()
        self._number = 0

    def plan(self, matters: int) -> Iterator[Planned]:
        counts = counts_of(matters)
        floor, rest = floor_of(matters), matters - matters_of(counts)
        rejected = max(round(rest * REJECTED_SHARE), floor * len(REJECTIONS))
        # What is left after whole pairs is one more rejection.
        rejected += (rest - rejected) % 2
        pairs = (rest - rejected) // 2
        notices = deque(self._stories(NOTICES, pairs, floor))
        for story in self._mixed(
            self._stories(REGISTRATIONS, pairs, floor),
            self._stories(REJECTIONS, rejected, floor),
            *(self._stories(kind.stories, count, floor) for kind, count in counts.items()),
        ):
            if story in REGISTRATIONS:
                if story.name == CORRECTED and notices[0].name == SUPPRESSED:
                    notices.rotate(-1)  # a correction reaches the origin only where a notice did
                yield from self._pair(story, notices.popleft())
            else:
                yield from self._one(story, story.began)

    def _stories(self, stories: Sequence[Story], count: int, floor: int) -> list[Story]:
        """So many stories by weight: every story as often as its weight says, and at least as often as the floor."""
        total = sum(story.weight for story in stories)
        drawn = [story for story in stories for _ in range(max(floor, int(count * story.weight / total)))]
        # What the floor added to the rare ones is taken from the frequent ones.
        spare = Counter(drawn)
        for _ in range(len(drawn) - count):
            most = max(stories, key=lambda story: spare[story])
            spare[most] -= 1
            drawn.remove(most)
        drawn += self._random.choices(stories, [s.weight for s in stories], k=count - len(drawn))
        self._random.shuffle(drawn)
        return drawn

    def _mixed(self, *kinds: list[Story]) -> list[Story]:
        mixed = [story for kind in kinds for story in kind]
        self._random.shuffle(mixed)
        return mixed

    def _pair(self, registration: Story, notice: Story) -> Iterator[Planned]:
        first = self._planned(registration, self._places(registration), self._start(registration.began))
        yield first
        yield self._following(first, notice, first.places, steps=_RECORDED_STEPS)

    def _one(self, story: Story, began: Days) -> Iterator[Planned]:
        """A matter, after those that it is about, of which the first one began so many days ago."""
        if story.about is None:
            yield self._planned(story, self._places(story), self._start(began))
            return
        about, before = story.about, list(self._one(story.about, began))
        yield from before
        first = before[-1]
        places = {story.here: first.places[about.here], story.there: first.places[about.there]}
        yield self._following(first, story, places, steps=len(first.moments()))

    def _following(self, first: Planned, story: Story, places: Mapping[str, str], *, steps: int) -> Planned:
        """A matter that begins when so many steps of another one are recorded."""
        start_ms = first.moments()[steps - 1] if story.recent is None else self._start(story.recent)
        return self._planned(story, places, start_ms, follows=first.number, follows_steps=steps)

    def _places(self, story: Story) -> Mapping[str, str]:
        """The county of each side."""
        here, there = map(self._county, self._flow())
        if story.is_both_ways and self._random.random() < 0.5:
            here, there = there, here
        return {story.here: here, story.there: there}

    def _planned(
        self,
        story: Story,
        places: Mapping[str, str],
        start_ms: int,
        *,
        follows: int | None = None,
        follows_steps: int = 0,
    ) -> Planned:
        number, self._number = self._number, self._number + 1
        name = uuid7(unix_ms=start_ms, entropy=self._random.randbytes(10))
        return Planned(number, name, story, places, start_ms, follows, follows_steps)

    def _flow(self) -> tuple[str, str]:
        """Destination and origin."""
        (flow,) = self._random.choices(list(self._flows), weights=list(self._flows.values()))
        return flow

    def _county(self, region: str) -> str:
        counties = self._counties[region]
        (county6,) = self._random.choices(counties, weights=[self._communities[c] for c in counties])
        return county6

    def _start(self, began: Days) -> int:
        return self._now_ms - int(self._random.uniform(*began) * DAY_MS)
