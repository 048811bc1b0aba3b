"""An audit that was killed goes on from the state that it kept, and says what it would have said; else it refuses."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from adapters.cli.audit import audit_command
from adapters.cli.export import export_command
from adapters.compose.auditing import run_audit
from contracts.errors import ConflictError, ContractError, UnavailableError
from tests.support.kept_ledger import KeptLedger, forge

pytestmark = pytest.mark.sqlite_file

KILLED = """
import os, signal, sys
from pathlib import Path
import hub.audit_pass
from adapters.compose.auditing import run_audit
hub.audit_pass._STEP = 10
# Who starts the tests in the background has this one ignored, and processes inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)
source, state, at, how = sys.argv[1:]
def progress(done, size):
    if done >= int(at):
        os.kill(os.getpid(), int(how))
run_audit(source, resume=Path(state), keep_every_seconds=0, progress=progress)
"""


def interrupt(source: Path, state: Path, *, at: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Audit in a process that is killed at about an entry."""
    command = [sys.executable, "-c", KILLED, str(source), str(state), str(at), str(int(how))]
    done = subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
    assert done.returncode != 0
    assert state.exists()


def size_of(state: Path) -> int:
    """Entries of which a state is."""
    return int(json.loads(state.read_bytes().split(b"\n", 2)[1])["size"])


def place(kept: KeptLedger, part: float) -> int:
    """About that part of the way through the commits of a ledger, in entries."""
    (commits,) = kept.one("SELECT count(*) FROM checkpoints")
    return int(kept.one("SELECT size FROM checkpoints ORDER BY size LIMIT 1 OFFSET ?", int(commits * part))[0])


@pytest.fixture(scope="module")
def interrupted(honest: KeptLedger, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The state of an audit of the honest folder that was killed in the middle."""
    state = tmp_path_factory.mktemp("interrupted") / "state"
    interrupt(honest.folder, state, at=place(honest, 0.7))
    assert place(honest, 0.5) < size_of(state) < place(honest, 0.9)
    return state.read_bytes()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_audit_goes_on_and_gives_the_same_report(
    honest: KeptLedger, tmp_path: Path, how: signal.Signals
) -> None:
    state = tmp_path / "state"
    interrupt(honest.folder, state, at=place(honest, 0.7), how=how)
    assert size_of(state) > place(honest, 0.5)

    report = run_audit(str(honest.folder), resume=state)

    assert report == run_audit(str(honest.folder), jobs=1)
    assert not state.exists()


def test_an_audit_of_an_export_goes_on_too(honest: KeptLedger, honest_export: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    interrupt(honest_export, state, at=place(honest, 0.7))
    assert size_of(state) > place(honest, 0.5)

    assert run_audit(str(honest_export), resume=state) == run_audit(str(honest_export), jobs=1)


def test_an_audit_can_be_interrupted_again_and_again(honest: KeptLedger, tmp_path: Path) -> None:
    state = tmp_path / "state"
    sizes = []
    for part in (0.3, 0.6, 0.8):
        interrupt(honest.folder, state, at=place(honest, part))
        sizes.append(size_of(state))

    assert sizes == sorted(set(sizes))
    assert run_audit(str(honest.folder), resume=state) == run_audit(str(honest.folder), jobs=1)


def test_a_fault_behind_the_place_of_the_interruption_is_named_as_ever(
    kept: KeptLedger, tmp_path: Path, interrupted: bytes
) -> None:
    state = tmp_path / "state"
    state.write_bytes(interrupted)
    kept.change("UPDATE heads SET n=n+1 WHERE point='45-node'")

    assert run_audit(str(kept.folder), resume=state) == run_audit(str(kept.folder), jobs=1)


def test_entries_after_the_place_are_read_anew(kept: KeptLedger, tmp_path: Path, interrupted: bytes) -> None:
    state = tmp_path / "state"
    state.write_bytes(interrupted)
    index = size_of(state) + 5
    kept.change("UPDATE stored_events SET state=zeroblob(40) WHERE rowid=?", index + 1)

    problem = run_audit(str(kept.folder), resume=state).problem

    assert problem is not None
    assert (problem.index, problem.code) == (index, "TILE_INVALID")


@pytest.mark.parametrize("at", [0, 30, 100, 700, -1])
def test_a_damaged_state_is_refused_and_left_as_it_is(
    honest: KeptLedger, tmp_path: Path, interrupted: bytes, at: int
) -> None:
    state = tmp_path / "state"
    data = bytearray(interrupted)
    data[at] ^= 1
    state.write_bytes(data)

    with pytest.raises(ContractError) as refused:
        run_audit(str(honest.folder), resume=state)

    assert refused.value.code == "AUDIT_STATE_DAMAGED"
    assert state.read_bytes() == data


@pytest.mark.parametrize("content", [b"", b"pprd-audit-state/1 ", b"something else entirely" * 99])
def test_a_file_that_is_no_state_is_refused(honest: KeptLedger, tmp_path: Path, content: bytes) -> None:
    state = tmp_path / "state"
    state.write_bytes(content)

    with pytest.raises(ContractError) as refused:
        run_audit(str(honest.folder), resume=state)

    assert refused.value.code == "AUDIT_STATE_DAMAGED"


def test_the_state_of_another_ledger_is_refused(
    honest: KeptLedger, honest_export: Path, tmp_path: Path, interrupted: bytes
) -> None:
    """Of the same origin and key with other entries, a shorter one, and another kind of source."""
    state = tmp_path / "state"
    state.write_bytes(interrupted)
    entries = honest.entries()
    swapped = forge(honest, tmp_path / "swapped", [*entries[:60], *reversed(entries[60:62]), *entries[62:]])
    shorter = forge(honest, tmp_path / "shorter", entries[:40])

    for source in (swapped.folder, shorter.folder, honest_export):
        with pytest.raises(ConflictError) as refused:
            run_audit(str(source), resume=state)
        assert refused.value.code == "AUDIT_STATE_FOREIGN"
    assert run_audit(str(honest.folder), resume=state).problem is None


def test_a_place_that_cannot_be_written_is_told(honest: KeptLedger, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as refused:
        run_audit(str(honest.folder), resume=tmp_path / "nowhere" / "state", keep_every_seconds=0)

    assert refused.value.code == "AUDIT_STATE_UNREACHABLE"


def test_a_refused_state_ends_the_command_with_a_sentence(honest: KeptLedger, tmp_path: Path) -> None:
    app = Typer()
    app.command("audit")(audit_command)
    app.command("export")(export_command)
    (tmp_path / "state").write_bytes(b"nothing")

    result = CliRunner().invoke(app, ["audit", str(honest.folder), "--resume", str(tmp_path / "state")])

    assert result.exit_code == 3
    assert "AUDIT_STATE_DAMAGED" in result.output
    assert "Traceback" not in result.output
