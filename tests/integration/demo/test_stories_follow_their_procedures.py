"""The stories of the demonstration are data; the procedures decide whether they are right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from adapters.compose.auditing import run_audit
from adapters.demo.mix import KINDS
from adapters.demo.residence_stories import NOTICES, REGISTRATIONS, REJECTIONS
from adapters.demo.story import TIMER, Story
from contracts.procedure import load_procedures
from hub.matter import Matter
from tests.support.story_play import play_stories

pytestmark = [pytest.mark.integration, pytest.mark.sqlite_file]

STORIES: Final = (*REGISTRATIONS, *REJECTIONS, *NOTICES, *(story for kind in KINDS for story in kind.stories))
_OFFICE_CLASSES: Final = {"std", "cas", "rgt"}
_NOT_EVERYWHERE: Final = {"MatterRestricted"}
"""A restriction is shown once and not in every procedure."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder."""
    return tmp_path_factory.mktemp("stories")


@pytest.fixture(scope="module")
def played(folder: Path) -> Mapping[Story, Matter]:
    """Every story, played once."""
    return play_stories(folder)


def test_every_story_is_recorded_to_its_end(played: Mapping[Story, Matter]) -> None:
    """Neither gateway nor hub refuses a step, and time makes the steps that are its own.

    A notice that was acknowledged less than 90 days ago is not closed yet.
    """
    unfinished = {
        f"{story.procedure}: {story.name}": f"{matter.next_seq} of {len(story.steps)} steps"
        for story, matter in played.items()
        if matter.next_seq != len(story.steps) and matter.state != "ACKNOWLEDGED"
    }

    assert len(played) == len(STORIES)
    assert unfinished == {}


def test_every_procedure_reaches_every_final_state(played: Mapping[Story, Matter]) -> None:
    """Every kind of outcome is shown; a restriction, which every procedure has, once."""
    reached = {(story.procedure, matter.state) for story, matter in played.items()}
    final = {
        (procedure.id, state.name)
        for procedure in load_procedures().values()
        if procedure.event_class in _OFFICE_CLASSES
        for state in procedure.states.values()
        if state.is_final and not state.name.startswith("RESTRICTED")
    }

    assert final - reached == set()
    assert any(state.startswith("RESTRICTED") for _, state in reached)


def test_every_event_of_every_procedure_is_played() -> None:
    """A procedure that comes to the contracts gets its stories, or this fails."""
    told = {(story.procedure, step.event) for story in STORIES for step in story.steps}
    known = {
        (procedure.id, event)
        for procedure in load_procedures().values()
        if procedure.event_class in _OFFICE_CLASSES
        for event in procedure.events
        if event not in _NOT_EVERYWHERE
    }

    assert known - told == set()


def test_nothing_is_left_unexplained(played: Mapping[Story, Matter], folder: Path) -> None:
    """An auditor replays the same stories and finds nothing that does not follow."""
    report = run_audit(str(folder), vkey=None, progress=lambda done, size: None)

    assert played
    assert report.problem is None


def test_a_step_of_time_names_no_office() -> None:
    """What time does, no office does."""
    assert all(not step.office for story in STORIES for step in story.steps if step.side == TIMER)
