"""CI has a complete machine: a test that does not run there is a failure, never a silence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_SKIPS = """
import pytest

def test_runs():
    assert True

def test_skips_itself():
    pytest.skip("no broker here")

@pytest.mark.xfail(reason="known defect")
def test_is_expected_to_fail():
    assert False
"""

_SKIPS_AS_A_FILE = """
import pytest

pytest.skip("no broker here", allow_module_level=True)
"""


def _run(folder: Path, project: Path, *, require_all: bool) -> subprocess.CompletedProcess[str]:
    shutil.copy(project / "tests" / "conftest.py", folder)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PPRD_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", f"--rootdir={folder}", folder],
        cwd=folder,
        env=environment | ({"PPRD_REQUIRE_ALL": "1"} if require_all else {}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_skip_is_a_skip_on_a_machine_of_somebody(tmp_path: Path, project: Path) -> None:
    """Without PPRD_REQUIRE_ALL a test may say that this machine cannot run it."""
    (tmp_path / "test_some.py").write_text(_SKIPS, encoding="utf-8")

    run = _run(tmp_path, project, require_all=False)

    assert run.returncode == 0, run.stdout
    assert "1 passed, 1 skipped, 1 xfailed" in run.stdout


def test_a_skip_is_a_failure_where_everything_must_run(tmp_path: Path, project: Path) -> None:
    """The reason of the skip stays readable in the failure."""
    (tmp_path / "test_some.py").write_text(_SKIPS, encoding="utf-8")

    run = _run(tmp_path, project, require_all=True)

    assert run.returncode == 1
    assert "2 failed, 1 passed" in run.stdout
    assert "no broker here" in run.stdout


@pytest.mark.parametrize(("require_all", "code"), [(False, 5), (True, 2)])
def test_a_whole_file_that_skips_is_judged_alike(tmp_path: Path, project: Path, require_all: bool, code: int) -> None:
    """5 is pytest's word for no tests, 2 for a collection that failed."""
    (tmp_path / "test_all.py").write_text(_SKIPS_AS_A_FILE, encoding="utf-8")

    run = _run(tmp_path, project, require_all=require_all)

    assert run.returncode == code, run.stdout
