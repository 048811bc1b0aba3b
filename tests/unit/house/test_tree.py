"""What is in the tree runs on any machine: no address of an index, no path, nothing that is out of date."""

import re
import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest

_LOCKS = ("runtime.txt", "demo.txt", "dev.txt")
_MACHINE = re.compile(
    rb"(?:^|[^a-z.])/(?:" + rb"|".join((b"work", b"farm", b"root", b"home")) + rb")/"
    rb"|--(?:extra-)?index-" + rb"url|--find-" + rb"links|--trusted-" + rb"host|^(?:deb|deb-src) ",
    re.MULTILINE,
)


def _pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


def _tracked(project: Path) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=project, capture_output=True, check=True).stdout
    return [project / name for name in listed.decode().split("\0") if name]


@pytest.mark.parametrize("name", _LOCKS)
def test_a_lock_holds_versions_and_hashes_and_nothing_of_a_machine(project: Path, name: str) -> None:
    """pip is told where to look by the machine it runs on, and what to accept by us."""
    text = (project / "requirements" / name).read_text(encoding="utf-8")
    requirements = re.split(r"\n+(?=[a-z])", re.sub(r"\n *#.*", "", text).strip())

    for requirement in requirements:
        assert re.fullmatch(
            r"[a-z0-9._-]+==[0-9a-z.]+(?: ; [^\\]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+", requirement
        ), requirement[:200]
    assert not re.search(r"https?:/|file:/|(?:^|[\s'\"])/", text)


@pytest.mark.parametrize(("shorter", "longer"), [("runtime.txt", "demo.txt"), ("demo.txt", "dev.txt")])
def test_what_is_tested_is_what_runs(project: Path, shorter: str, longer: str) -> None:
    """Each longer lock has the versions of the shorter one."""
    few, many = _pins(project / "requirements" / shorter), _pins(project / "requirements" / longer)

    assert len(few) > 20
    assert few.items() <= many.items()


def test_every_requirement_of_the_project_is_locked(project: Path) -> None:
    """Who adds a requirement says `make lock`."""
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    wanted = set(re.findall(r'^  "([a-zA-Z0-9_-]+)[><=]=', text, re.MULTILINE))

    assert len(wanted) > 20
    assert wanted <= _pins(project / "requirements" / "dev.txt").keys()


def test_no_tracked_file_names_a_place_of_a_machine(project: Path) -> None:
    """A clone in an empty folder on another machine has to work."""
    found = {
        str(path.relative_to(project)): match.group().strip()
        for path in _tracked(project)
        if path.is_file() and b"\0" not in (content := path.read_bytes())
        if (match := _MACHINE.search(content))
    }

    assert found == {}


def test_no_file_that_tools_leave_behind_is_tracked(project: Path) -> None:
    left = {"var", "build", "dist", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}

    assert [path for path in _tracked(project) if left & set(path.relative_to(project).parts)] == []


def test_the_generated_code_is_what_the_wire_says(project: Path, tmp_path: Path) -> None:
    """`make proto` gives the committed bytes, so that no tool is needed to run and none can be forgotten."""
    make = shutil.which("make")
    assert make is not None
    subprocess.run(
        [make, "proto", f"PROTO_OUT={tmp_path}", f"BIN={sysconfig.get_path('scripts')}", "-o", ".venv/.ready"],
        cwd=project,
        capture_output=True,
        check=True,
    )
    committed = project / "adapters" / "_generated"

    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*_pb2*.py*")}
    kept = {path.relative_to(committed): path.read_bytes() for path in committed.rglob("*_pb2*.py*")}
    kept = {path: content for path, content in kept.items() if "__pycache__" not in path.parts}

    assert len(made) >= 6
    assert made == kept


def test_every_kind_of_data_file_goes_into_the_distribution(project: Path) -> None:
    """A file that is read at run time and is not packaged is missed only where it was installed."""
    patterns = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    packaged = {pattern.removeprefix("*") for pattern in patterns["tool"]["setuptools"]["package-data"]["*"]}
    packages = {project / name for name in ("contracts", "ledger", "hub", "adapters")}

    found = {path.suffix for path in _tracked(project) if packages & set(path.parents)}

    assert found - {".py", ".pyi"} <= packaged
