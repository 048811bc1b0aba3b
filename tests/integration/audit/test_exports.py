"""An export is whole, grows with its ledger, goes on after an interruption, and is nobody else's (LEDGER 3)."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adapters.compose.auditing import run_audit, run_export
from adapters.store import tiles_export
from adapters.store.opening import open_store
from contracts.errors import ConflictError, UnavailableError
from ledger.checkpoint import checkpoint_size, parse_checkpoint
from ledger.entry import EventEntry, decode_entry
from ledger.policy import parse_policy
from ledger.proof import parse_proof, verify_proof
from ledger.tiles import entries_path, tile_path, tiles_of
from tests.support.kept_ledger import KeptLedger, make_ledger
from tests.support.matters import residence


def files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def grow(kept: KeptLedger, count: int) -> None:
    """Let the hub go on."""
    world = kept.world
    with closing(open_store(kept.file)) as store:
        application = world.load(store)
        many = [residence(world, "43") for _ in range(count)]
        for step in range(3):
            for at in range(0, count, 100):
                part = many[at : at + 100]
                answer = application.submit([world.batches["43"].batch([events[step] for events in part])])[0]
                assert answer.refusal is None


@pytest.fixture
def own(tmp_path: Path) -> KeptLedger:
    """A ledger that this test lets grow."""
    return make_ledger(tmp_path / "own", matters=3)


def test_an_export_holds_exactly_the_tiles_of_its_size(honest: KeptLedger, honest_export: Path) -> None:
    size = len(honest.entries())

    tiles = [name for name in files(honest_export) if name.startswith("log/tile/")]

    bundles = -(-size // 256)
    assert len(tiles) == len(list(tiles_of(size))) + bundles


def test_an_export_names_the_log_and_no_quorum(honest: KeptLedger, honest_export: Path) -> None:
    policy = parse_policy((honest_export / "policy").read_bytes())

    assert [log.verifier for log in policy.logs] == [honest.world.verifier]
    assert policy.quorum == "none"


def test_every_receipt_proves_an_event_and_carries_it(honest: KeptLedger, honest_export: Path) -> None:
    entries = honest.entries()
    receipts = sorted((honest_export / "receipts").iterdir())

    for path in receipts:
        proof = parse_proof(path.read_bytes())
        verify_proof(proof, entries[proof.index], lambda note: parse_checkpoint(note, honest.world.verifier))
        assert proof.extra == entries[proof.index]
        assert isinstance(decode_entry(entries[proof.index]), EventEntry)

    indexes = [int(path.name.partition(".")[0]) for path in receipts]
    assert len(indexes) >= 20
    assert indexes[0] < len(entries) // 10
    assert indexes[-1] > len(entries) * 9 // 10


def test_the_history_is_a_bounded_sample_with_the_first_and_the_last(own: KeptLedger, tmp_path: Path) -> None:
    for _ in range(110):
        grow(own, 1)

    exported = run_export(own.folder, tmp_path / "out")

    sizes = [int(path.name.partition(".")[0]) for path in sorted((tmp_path / "out/history").iterdir())]
    assert exported.checkpoints == len(sizes) == 100
    assert (sizes[0], sizes[-1]) == (1, exported.size)


def test_a_second_export_writes_only_what_is_new(own: KeptLedger, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_export(own.folder, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    grow(own, 200)

    exported = run_export(own.folder, out)

    full = [path for path in before if path.parent.name in {"0", "entries"} and path.exists()]
    assert full
    assert all(path.stat().st_mtime_ns == before[path] for path in full)
    assert exported.tiles > 0
    assert run_audit(str(out)).problem is None
    assert run_audit(str(out)).size == exported.size
    assert not list(out.glob("log/tile/0/000.p/*"))


def test_partial_tiles_of_an_exported_size_stay_until_the_full_one_is_there(own: KeptLedger, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_export(own.folder, out)
    last = len(own.entries()) // 256
    assert len(list(out.glob(f"log/tile/0/{last:03}.p/*"))) == 1

    grow(own, 1)
    run_export(own.folder, out)

    assert len(list(out.glob(f"log/tile/0/{last:03}.p/*"))) == 2
    assert run_audit(str(out)).problem is None


@pytest.mark.parametrize("stop_at", [1, 3, 5, 8, 20])
def test_an_interrupted_export_goes_on(
    own: KeptLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    out = tmp_path / "out"
    put = tiles_export.TilesExport._put
    written = 0

    def stop(self: tiles_export.TilesExport, name: str, data: bytes) -> None:
        nonlocal written
        written += 1
        if written == stop_at:
            (out / "log").mkdir(parents=True, exist_ok=True)
            (out / "log" / ".pprd-half").write_bytes(data[: len(data) // 2])
            raise KeyboardInterrupt
        put(self, name, data)

    with monkeypatch.context() as patched:
        patched.setattr(tiles_export.TilesExport, "_put", stop)
        with pytest.raises(KeyboardInterrupt):
            run_export(own.folder, out)
    assert not (out / "log" / "checkpoint").exists()

    run_export(own.folder, out)

    assert run_audit(str(out)).problem is None


def test_a_folder_of_another_ledger_is_refused(honest_export: Path, own: KeptLedger, out: Path, tmp_path: Path) -> None:
    """Same keys, other entries: the earlier checkpoint is not of this ledger."""
    before = files(out)

    with pytest.raises(ConflictError) as refused:
        run_export(own.folder, out)

    assert refused.value.code == "EXPORT_OCCUPIED"
    assert files(out) == before


def test_a_folder_that_holds_something_else_is_refused(honest: KeptLedger, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("mine")

    with pytest.raises(ConflictError) as refused:
        run_export(honest.folder, tmp_path / "home")

    assert refused.value.code == "EXPORT_OCCUPIED"
    assert list(files(tmp_path / "home")) == ["thesis.txt"]


def test_no_ledger_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as missing:
        run_export(tmp_path, tmp_path / "out")

    assert missing.value.code == "STORE_MISSING"
    assert not (tmp_path / "out").exists()


def test_numbers_are_spread_evenly() -> None:
    assert tiles_export.evenly(0, 5) == []
    assert tiles_export.evenly(3, 5) == [0, 1, 2]
    assert tiles_export.evenly(1000, 5) == [0, 249, 499, 749, 999]


@pytest.mark.parametrize("is_second", [False, True], ids=["first export", "second export"])
def test_wherever_an_export_stops_its_checkpoint_counts_only_what_is_there(
    own: KeptLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_second: bool
) -> None:
    """Stopped after each write and each removal in turn; then it goes on where it was."""
    out = tmp_path / "out"
    if is_second:
        run_export(own.folder, out)
        grow(own, 90)
    steps = 0
    left = 0

    class Stop(BaseException):
        """What a killed process looks like from inside."""

    def counted(original: Callable[..., None]) -> Callable[..., None]:
        def step(*arguments: object, **named: object) -> None:
            nonlocal steps, left
            original(*arguments, **named)
            steps += 1
            left -= 1
            if left == 0:
                raise Stop

        return step

    for name in ("_put", "_remove_replaced"):
        monkeypatch.setattr(tiles_export.TilesExport, name, counted(getattr(tiles_export.TilesExport, name)))
    while True:
        left = 7
        try:
            run_export(own.folder, out)
        except Stop:
            check_promise(out)
            continue
        break

    check_promise(out)
    assert steps > 14
    assert run_audit(str(out)).problem is None


def check_promise(out: Path) -> None:
    """What the checkpoint counts is there."""
    if (out / "log/checkpoint").exists():
        size = checkpoint_size((out / "log/checkpoint").read_bytes())
        for level, index, width in tiles_of(size):
            assert (out / "log" / tile_path(level, index, width)).exists()
        for index in range(-(-size // 256)):
            assert (out / "log" / entries_path(index, min(256, size - index * 256))).exists()


def test_a_killed_export_goes_on(own: KeptLedger, tmp_path: Path) -> None:
    """The process is really killed, at some moment of its own."""
    out = tmp_path / "out"
    command = [sys.executable, "-P", "-m", "adapters.cli.main", "ledger", "export", "--out", str(out)]
    for _ in range(3):
        with subprocess.Popen([*command, "--data", str(own.folder)], stdout=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 60
            while not (out / "log").exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002)
            process.kill()
        check_promise(out)
        grow(own, 40)

    run_export(own.folder, out)

    assert run_audit(str(out)).problem is None
