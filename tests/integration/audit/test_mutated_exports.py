"""Every mutation of an export, by the commands that people use: exit 1, the file's name, a reason (issue: bad input).

Each kind of file meets each mutation, in `pprd audit`, in `pprd ledger fsck` and in `pprd receipt verify`; and the
second reader of `docs/spec` finds what the audit finds. The export is damaged in place and restored.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer import Typer
from typer.testing import CliRunner

from adapters.cli.audit import audit_command
from adapters.cli.checks import fsck_command
from adapters.cli.receipts import verify_command
from adapters.compose.auditing import audit_in_two, run_export
from docs.spec.reference.audit import Contracts, audit
from docs.spec.reference.unproved import UnprovedError
from tests.support.divided_audit import reader_here
from tests.support.kept_ledger import KeptLedger
from tests.support.small_ledger import make_small_ledger

app = Typer()
"""The three commands; the whole program has so many that it takes longer to begin than to audit."""
for name, command in (("audit", audit_command), ("fsck", fsck_command), ("verify", verify_command)):
    app.command(name)(command)

ROOT = Path(__file__).resolve().parents[3]
KINDS = {
    "checkpoint": "log/checkpoint",
    "log keys": "log/log-keys",
    "full tile": "log/tile/0/000",
    "partial tile": "log/tile/0/001.p/*",
    "upper tile": "log/tile/1/000.p/*",
    "full bundle": "log/tile/entries/000",
    "partial bundle": "log/tile/entries/001.p/*",
    "policy": "policy",
    "manifest": "manifest",
    "history": "history/*1.checkpoint",
    "receipt": "receipts/*.tlog-proof",
}


class Damaged:
    """Files of a folder, changed in place and restored."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        return sorted(str(file.relative_to(self.folder)) for file in self.folder.rglob("*") if file.is_file())

    def of_kind(self, kind: str) -> str:
        return str(sorted(self.folder.glob(KINDS[kind]))[-1].relative_to(self.folder))

    @contextmanager
    def changed(self, *names: str) -> Iterator[list[Path]]:
        """The files, for whoever changes them; afterwards they are as they were."""
        files = [self.folder / name for name in names]
        kept = [file.read_bytes() if file.is_file() else None for file in files]
        before = set(self.folder.rglob("*"))
        try:
            yield files
        finally:
            for left in sorted(set(self.folder.rglob("*")) - before, reverse=True):
                left.rmdir() if left.is_dir() else left.unlink()
            for file, data in zip(files, kept, strict=True):
                if data is not None:
                    if file.is_dir():
                        file.rmdir()
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(data)


def flipped(at: float) -> Callable[[bytes], bytes]:
    """Change the lowest bit of the byte that stands so far into a file."""

    def flip(data: bytes) -> bytes:
        place = min(len(data) - 1, int(len(data) * at))
        return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]

    return flip


CONTENTS: Mapping[str, Callable[[bytes], bytes]] = {
    "first bit": flipped(0),
    "middle bit": flipped(0.5),
    "last bit": flipped(1),
    "one byte short": lambda data: data[:-1],
    "half of it": lambda data: data[: len(data) // 2],
    "emptied": lambda _: b"",
    "longer": lambda data: data + b"\n",
    "twice": lambda data: data * 2,
    "zeros": lambda data: bytes(len(data)),
}


def written(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(change(file.read_bytes()))


def as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


MUTATIONS: Mapping[str, Callable[[Path], object]] = {
    **{name: written(change) for name, change in CONTENTS.items()},
    "deleted": lambda file: file.unlink(),
    "renamed": lambda file: file.rename(file.with_name(f"{file.name}x")),
    "a folder": as_folder,
}


SWAPPED = (
    *pairwise((*KINDS, "checkpoint")),
    *(
        ("full tile", "full bundle"),
        ("policy", "checkpoint"),
        ("checkpoint", "history"),
        ("partial tile", "upper tile"),
    ),
)
"""Each kind with the next one, and the pairs that look alike."""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> KeptLedger:
    """More than one full tile of entries."""
    return make_small_ledger(tmp_path_factory.mktemp("small") / "data", registrations=60)


@pytest.fixture(scope="module")
def export(ledger: KeptLedger, tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    out = tmp_path_factory.mktemp("mutated") / "out"
    run_export(ledger.folder, out)
    return Damaged(out)


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    """What the second reader reads of the contracts."""
    return Contracts.of(ROOT / "contracts")


def run(*arguments: object) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of a command, which never shows a traceback."""
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def check_audits(export: Damaged, contracts: Contracts, names: set[str], what: str) -> None:
    """The audits, whole and of hashes, their halves and the second reader fail and name one of these files, and why."""
    for asked in ((), ("--hashes-only",)):
        code, told = run("audit", export.folder, *asked)
        assert code == 1, what
        problem = told["problem"]
        assert problem["reason"], what
        assert problem["place"] in names or any(name in problem["reason"] for name in names), f"{what}: {problem}"
        assert audit_in_two(str(export.folder), reader=reader_here, hashes_only=bool(asked)) is None, what
    with pytest.raises(UnprovedError) as caught:
        audit(export.folder, contracts)
    assert caught.value.reason, what
    assert caught.value.place in names or "manifest" in str(caught.value), f"{what}: {caught.value}"


def beside(name: str) -> set[str]:
    """The names under which a damaged file may be told: of a bundle and of the tile over it, either may be wrong."""
    if name.startswith("log/tile/entries/"):
        return {name, name.replace("/entries/", "/0/"), f"{name}x"}
    if name.startswith("log/tile/0/"):
        return {name, name.replace("/0/", "/entries/", 1), f"{name}x"}
    return {name, f"{name}x"}


def test_an_undamaged_export_passes_every_command(export: Damaged, ledger: KeptLedger, contracts: Contracts) -> None:
    code, told = run("audit", export.folder)
    found = audit(export.folder, contracts)

    assert (code, told["problem"]) == (0, None)
    assert (told["size"], told["root"]) == (found.size, found.root.hex())
    assert told["events"]["by"] == dict(found.events)
    assert told["refusals"]["by"] == dict(found.refusals)
    assert told["deliveries"]["by"] == {point: n for point, (n, _) in found.heads.items()}
    assert run("fsck", "--data", ledger.folder, "--export", export.folder)[0] == 0
    policy = export.folder / "policy"
    assert run("verify", export.folder / export.of_kind("receipt"), "--policy", policy)[0] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_audit_names_every_mutated_file(export: Damaged, contracts: Contracts, kind: str) -> None:
    name = export.of_kind(kind)
    for mutation, mutate in MUTATIONS.items():
        with export.changed(name) as (file,):
            mutate(file)
            check_audits(export, contracts, beside(name), f"{kind}, {mutation}")


def test_an_audit_names_one_of_two_swapped_files(export: Damaged, contracts: Contracts) -> None:
    for one, other in SWAPPED:
        with export.changed(export.of_kind(one), export.of_kind(other)) as (first, second):
            first_data, second_data = first.read_bytes(), second.read_bytes()
            first.write_bytes(second_data)
            second.write_bytes(first_data)
            names = beside(export.of_kind(one)) | beside(export.of_kind(other))
            check_audits(export, contracts, names, f"{one} and {other} swapped")


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("extra", "policy"),
        ("log/extra", "policy"),
        ("log/tile/0/001", "full tile"),
        ("log/tile/0/002.p/1", "upper tile"),
        ("log/tile/2/000.p/1", "upper tile"),
        ("log/tile/entries/000.p/7", "full bundle"),
        ("log/tile/entries/002.p/1", "partial bundle"),
        ("log/tile/0/001.p/01", "partial tile"),
        ("history/000000000200.checkpoint", "checkpoint"),
        ("history/readme", "policy"),
        ("receipts/000000000001.tlog-proof", "receipt"),
        ("receipts/.hidden", "receipt"),
    ],
)
def test_an_audit_names_an_added_file(export: Damaged, contracts: Contracts, name: str, like: str) -> None:
    data = (export.folder / export.of_kind(like)).read_bytes()
    with export.changed(name) as (file,):
        assert not file.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        check_audits(export, contracts, {name}, f"{name} added")


def test_an_audit_names_a_good_receipt_and_a_good_checkpoint_that_the_manifest_does_not_list(
    export: Damaged, ledger: KeptLedger, contracts: Contracts
) -> None:
    """What is extra is extra, also where it would hold."""
    receipts, history = (sorted((export.folder / folder).iterdir()) for folder in ("receipts", "history"))
    for file in (receipts[3], history[2]):
        name = str(file.relative_to(export.folder))
        with export.changed("manifest") as (manifest,):
            lines = manifest.read_text(encoding="ascii").splitlines(keepends=True)
            manifest.write_text("".join(line for line in lines if name not in line), encoding="ascii")
            check_audits(export, contracts, {name}, f"{name} not listed")


_UNKNOWN = {("log keys", "--foreign"), ("log keys", "bare")}


@pytest.mark.parametrize("mode", ["--foreign", "bare"])
def test_the_other_ways_to_audit_name_every_mutated_file_of_the_log(export: Damaged, mode: str) -> None:
    """As a log that is not ours, and the log without what lies beside it."""
    log = export.folder / "log"
    vkey = (export.folder / "policy").read_text(encoding="ascii").split()[1]
    asked = {"--foreign": (log, mode, "--vkey", vkey), "bare": (log,)}[mode]
    assert run("audit", *asked)[0] == 0
    # Without the manifest nobody can say that a chain of keys is missing; of a log that is not ours it is not read.
    kinds = [kind for kind in KINDS if KINDS[kind].startswith("log/") and (kind, mode) not in _UNKNOWN]
    for name in map(export.of_kind, kinds):
        for mutation in ("middle bit", "half of it", "deleted", "renamed"):
            with export.changed(name) as (file,):
                MUTATIONS[mutation](file)
                code, told = run("audit", *asked)
            problem, names = told["problem"], {one.removeprefix("log/") for one in beside(name)}
            assert code == 1, f"{name}, {mutation}"
            assert problem["reason"], f"{name}, {mutation}"
            assert (problem["place"] or "").removeprefix("log/") in names, f"{name}, {mutation}: {problem}"


def test_fsck_names_every_mutated_file_of_an_export(export: Damaged, ledger: KeptLedger) -> None:
    names = [export.of_kind(kind) for kind in KINDS if kind != "manifest"]
    for mutation, mutate in MUTATIONS.items():
        for damaged in (names, ["manifest"]):
            with export.changed(*damaged) as files:
                for file in files:
                    mutate(file)
                code, told = run("fsck", "--data", ledger.folder, "--export", export.folder)
            found = {one["place"] for one in told["listed"]}
            assert code == 1, mutation
            assert all(one["expected"] != one["found"] for one in told["listed"]), mutation
            assert [name for name in damaged if name not in found] == [], mutation


@pytest.mark.parametrize("kind", ["receipt", "policy"])
def test_no_mutated_receipt_is_believed_and_the_file_is_named(export: Damaged, kind: str) -> None:
    receipt, policy = export.folder / export.of_kind("receipt"), export.folder / "policy"
    other = (receipt if kind == "policy" else policy).read_bytes()
    mutations = {"of the other kind": lambda file: file.write_bytes(other), **MUTATIONS}
    if kind == "policy":
        del mutations["longer"]  # an empty line says nothing in a policy (C2SP tlog-policy)
    for mutation, mutate in mutations.items():
        with export.changed(export.of_kind(kind)) as (file,):
            mutate(file)
            code, told = run("verify", receipt, "--policy", policy)
        assert code == 1, mutation
        assert file.name in told["error"]["detail"], f"{mutation}: {told}"
        assert told["error"]["code"], mutation


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_change_of_any_byte_of_any_file_passes(export: Damaged, contracts: Contracts, data: st.DataObject) -> None:
    """Any file of the export, any place in it: changed, cut out, put in or moved."""
    name = data.draw(st.sampled_from(export.names()))
    kept = (export.folder / name).read_bytes()
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(kept))] * 2)))
    junk = data.draw(st.binary(max_size=40))
    changed = kept[:start] + junk + kept[end:]
    if changed == kept:
        changed = kept + b"x"

    with export.changed(name) as (file,):
        file.write_bytes(changed)
        check_audits(export, contracts, beside(name), f"{name}[{start}:{end}] = {junk!r}")


def test_a_folder_that_is_no_export_ends_with_a_code_and_no_pass(tmp_path: Path, export: Damaged) -> None:
    for missing in ("log", "log/tile", "history", "receipts"):
        out = Path(shutil.copytree(export.folder, tmp_path / missing.replace("/", "-")))
        shutil.rmtree(out / missing)
        code, told = run("audit", out)
        assert code in (1, 4), missing
        assert told.get("problem") or told.get("error"), missing
