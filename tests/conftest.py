"""What holds for every test: under PPRD_REQUIRE_ALL nothing may be skipped.

A test that cannot run on a machine says why and skips; where CI runs, the machine is complete, so there a skip (or an
expected failure) is a failure. Every test keeps the clock, the ids and the folders it uses to itself (`tmp_path`).
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.support.ledger_places import LedgerPlaces
    from tests.support.postgres_server import PostgresServer, Programs

# No test judges time: on a busy machine a slow example is no defect.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

# gRPC's handlers around a fork have been seen to hold a child back before it became the program that a test started.
# None of ours speaks gRPC in a child without starting a program.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

IS_ELSEWHERE = os.environ.get("PPRD_TEST_STORE", "sqlite") == "postgres"
"""Every ledger is in a PostgreSQL (`make test-postgres`)."""

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def _may_not_skip(report: Report) -> Report:
    if report.skipped and os.environ.get("PPRD_REQUIRE_ALL") == "1":
        # For a skip this is a triple whose last part is the reason, for an expected failure a traceback.
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "an expected failure"
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} did not run, and PPRD_REQUIRE_ALL=1 says that everything must: {reason}"
        if hasattr(report, "wasxfail"):
            del report.wasxfail
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of one test into a failure."""
    return _may_not_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole file into a failure."""
    return _may_not_skip((yield))


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the tree."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def postgres_programs() -> Programs:
    """Programs of a PostgreSQL; skips where there is none."""
    # Imported here: what this file says of skips holds outside of the tree too (test_skip_guard.py).
    from tests.support.postgres_server import NoServerError, find_programs

    try:
        return find_programs()
    except NoServerError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgres_server(postgres_programs: Programs) -> Iterator[PostgresServer]:
    """A PostgreSQL that runs, one for each process that tests; whoever stops it or kills it starts it again."""
    from tests.support.postgres_server import PostgresServer

    with PostgresServer(postgres_programs) as server:
        yield server


@pytest.fixture(scope="session", autouse=IS_ELSEWHERE)
def ledgers_elsewhere(postgres_server: PostgresServer) -> Iterator[None]:
    """Under PPRD_TEST_STORE=postgres no ledger of this process is a file."""
    from tests.support.ledgers_elsewhere import ledgers_on

    with ledgers_on(postgres_server):
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about the file of a ledger, where none is a file; the run says how many that were."""
    if IS_ELSEWHERE:
        about_files = [item for item in items if item.get_closest_marker("sqlite_file")]
        config.hook.pytest_deselected(items=about_files)
        items[:] = [item for item in items if not item.get_closest_marker("sqlite_file")]


@pytest.fixture(params=["postgres"] if IS_ELSEWHERE else ["sqlite", "postgres"])
def places(request: pytest.FixtureRequest) -> LedgerPlaces:
    """Places of new ledgers on one kind of store; a test that takes this runs on each."""
    from tests.support.ledger_places import ON_SQLITE, LedgerPlaces

    return ON_SQLITE if request.param == "sqlite" else LedgerPlaces(request.getfixturevalue("postgres_server"))


@pytest.fixture
def place(places: LedgerPlaces, tmp_path: Path) -> Path:
    """The place of one new ledger, in `tmp_path`."""
    return places.new(tmp_path)
