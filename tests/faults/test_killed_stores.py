"""Kill -9 of the process that commits, or of all of PostgreSQL, at any moment: what was answered is there, and whole.

The moments are drawn from a seed; what a moment meets is up to the machine.
"""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Final

import pytest

from adapters.store.opening import open_store
from contracts.errors import ConflictError
from tests.support import plain_commits
from tests.support.ledger_places import ON_SQLITE, LedgerPlaces
from tests.support.plain_commits import EVENTS, check, commit, envelope, erasing
from tests.support.postgres_server import PostgresServer, Programs

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

ROUNDS: Final = 8
_START_SECONDS: Final = 60.0


@pytest.fixture
def server(postgres_programs: Programs) -> Iterator[PostgresServer]:
    """A server that may be killed."""
    with PostgresServer(postgres_programs) as server:
        yield server


class Committing:
    """A process that commits until it ends.

    Args:
        place: The ledger's place.
    """

    def __init__(self, place: Path) -> None:
        words = [sys.executable, "-m", plain_commits.__name__, str(place)]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.answered = 0
        self._reading = threading.Thread(target=self._read, args=(self._process.stdout,))
        self._reading.start()

    def _read(self, lines: IO[str]) -> None:
        for line in lines:
            self.answered = int(line)

    def wait_for(self, size: int) -> None:
        """Until so much was answered, or it has ended."""
        deadline = time.monotonic() + _START_SECONDS
        while self.answered < size and self._process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def kill(self) -> int:
        """Kill it; gives the last size that it answered."""
        self._process.kill()
        return self.end()

    def end(self) -> int:
        """Wait until it has ended; gives the last size that it answered."""
        self._process.wait(_START_SECONDS)
        self._reading.join()
        return self.answered


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_process_that_is_killed_while_it_commits_loses_nothing_that_it_answered(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    places = ON_SQLITE if kind == "sqlite" else LedgerPlaces(request.getfixturevalue("postgres_server"))
    place, rng, size = places.new(tmp_path), random.Random(kind), 0
    for _ in range(ROUNDS):
        process = Committing(place)
        process.wait_for(size + rng.randrange(1, 20) * EVENTS)
        time.sleep(rng.uniform(0, 0.01))
        answered = process.kill()
        with closing(open_store(place)) as store:
            found = check(store) * EVENTS

        assert answered > size
        assert answered <= found <= answered + EVENTS
        size = found


def test_a_server_that_is_killed_loses_nothing_that_was_answered(server: PostgresServer, tmp_path: Path) -> None:
    place, rng, size = LedgerPlaces(server).new(tmp_path), random.Random(1), 0
    for _ in range(ROUNDS):
        process = Committing(place)
        process.wait_for(size + rng.randrange(1, 20) * EVENTS)
        time.sleep(rng.uniform(0, 0.01))
        server.kill()
        answered = process.end()
        server.start()
        with closing(open_store(place)) as store:
            found = check(store) * EVENTS

        assert answered > size
        # Its log cannot tell whether the commit that got no answer is there: a start looks.
        assert answered <= found <= answered + EVENTS
        size = found


def test_a_writer_that_was_killed_gives_its_lock_back(server: PostgresServer, tmp_path: Path) -> None:
    place = LedgerPlaces(server).new(tmp_path)
    process = Committing(place)
    process.wait_for(EVENTS)
    with pytest.raises(ConflictError, match="FOLDER_IN_USE"):
        open_store(place)
    answered = process.kill()
    with closing(open_store(place)) as store:
        assert check(store) * EVENTS >= answered


def test_a_destruction_that_a_killed_server_had_answered_is_scrubbed_after_its_start(
    server: PostgresServer, tmp_path: Path
) -> None:
    """Killed between any two of its steps, it goes on with them, and no file is left behind with what stayed then."""
    places = LedgerPlaces(server)
    place, rng = places.new(tmp_path), random.Random(2)
    number = 0
    for turn in range(ROUNDS):
        seed, target = f"killed {turn}", (number * EVENTS) + 3
        with closing(open_store(place)) as store:
            store.commit(commit(number, seed))
            store.commit(erasing(number + 1, target, seed=seed))
            killer = threading.Timer(rng.uniform(0, 0.08), server.kill)
            killer.start()
            store.scrub()
            killer.join()
        server.start()
        with closing(open_store(place)) as store:
            assert store.scrub()
            assert store.size() == (number + 2) * EVENTS
        pieces = [envelope(seed, target)[at : at + 40] for at in (0, 1_500, 2_900)]
        assert places.holding(place, pieces) == []
        number += 2
    with closing(open_store(place)) as store:
        store.commit(erasing(number, *range(number * EVENTS)[:EVENTS], seed="last"))
        for start in range(EVENTS, number * EVENTS, EVENTS):
            number += 1
            store.commit(erasing(number, *range(start, start + EVENTS), seed="last"))
        assert store.scrub()
    every = [
        envelope(f"killed {turn}", at)[:40]
        for turn in range(ROUNDS)
        for at in range(turn * 2 * EVENTS, (turn + 1) * 2 * EVENTS)
    ]
    assert places.holding(place, every) == []
