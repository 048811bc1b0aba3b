"""What holds for every test: under PPRD_REQUIRE_ALL nothing may be skipped.

A test that cannot run on a machine says why and skips; where CI runs, the machine is complete, so there a skip (or an
expected failure) is a failure. Every test keeps the clock, the ids and the folders it uses to itself (`tmp_path`).
"""

import os
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings

# No test judges time: on a busy machine a slow example is no defect.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

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
