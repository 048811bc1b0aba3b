"""The ledger's own key is replaced under a running exchange: who follows crosses over, and a kill leaves it whole.

ADR 0057. Real programs; regions learn of the new key by themselves, one of them while it was away the whole time.
"""

import asyncio
import json
import os
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.auditing import run_audit
from adapters.keys.key_file import make_folder, write_key
from adapters.store.export_layout import CHECKPOINT, LOG_KEYS, POLICY
from adapters.store.opening import LEDGER_FILE, open_store
from contracts.event import decode_event
from contracts.ids import Hash, TreeSize
from contracts.schema import load_registry
from hub.log_key_chain import verify_chain
from ledger.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from ledger.note import split_note
from ledger.policy import parse_policy
from tests.support.fault_rig import FaultRig
from tests.support.matters import notification
from tests.support.programs import die_at
from tests.support.world import World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

RUNNER = CliRunner()


def run(*words: str | Path, code: int = 0) -> Any:
    done = RUNNER.invoke(app, [*(str(word) for word in words), "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.output.splitlines()[-1])


def rotate(folder: Path, verb: str) -> Any:
    return run("ledger", "rotate-key", verb, "--data", folder)


def key_files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "hub" / "keys").glob("log*"))


def last_note(folder: Path) -> bytes:
    with closing(open_store(folder / "hub" / LEDGER_FILE, read_only=True)) as store:
        return store.checkpoint() or b""


def step(rig: FaultRig, verb: str) -> Any:
    """Stop the hub, take a step, start the hub again."""
    rig.programs["hub"].stop()
    told = rotate(rig.folder, verb)
    rig.programs["hub"].start()
    return told


def submit(rig: FaultRig) -> bytes:
    """Submit matters; gives the id of the newest event."""
    asyncio.run(rig.submit([notification(rig.world, "44", "45") for _ in range(2)]))
    return decode_event(max(rig.acknowledged, key=lambda event: rig.acknowledged[event])).event_id


def test_submitters_inboxes_audits_receipts_and_exports_cross_to_the_new_key(tmp_path: Path) -> None:
    out, proofs = tmp_path / "export", {name: tmp_path / f"{name}.tlog-proof" for name in ("before", "both", "after")}

    def keep(name: str, event_id: bytes) -> None:
        run("receipt", "get", event_id.hex(), "--data", rig.folder, "--out", proofs[name])

    with FaultRig(tmp_path / "data", regions=("44", "45")) as rig:
        vkey = rig.world.verifier.vkey
        rig.start_all()
        keep("before", submit(rig))
        rig.programs["region-44"].kill()
        run("ledger", "export", "--data", rig.folder, "--out", out)
        step(rig, "prepare")
        keep("both", submit(rig))
        run("ledger", "export", "--data", rig.folder, "--out", out)
        both = parse_policy((out / POLICY).read_bytes()).logs
        assert run_audit(str(out)).problem is None
        keys = step(rig, "switch")["keys"]
        keep("after", submit(rig))
        rig.settle()
        dropped = rotate(rig.folder, "retire")["dropped"]
        delivered = rig.check()

    assert delivered == 3 * 2 * 2
    assert [len(split_note(proof.read_bytes().partition(b"\n\n")[2])[1]) for proof in proofs.values()] == [1, 2, 1]
    assert [one.verifier.vkey for one in both] == [row["vkey"] for row in keys]
    assert (len(dropped), key_files(rig.folder)) == (1, ["log.key"])

    run("ledger", "export", "--data", rig.folder, "--out", out)
    (new,) = parse_policy((out / POLICY).read_bytes()).logs
    for source, known in ((rig.folder, vkey), (out, new.verifier.vkey), (out / "log", vkey)):
        assert run_audit(str(source), vkey=known, jobs=1).problem is None
    assert run_audit(str(out), vkey=vkey, hashes_only=True).problem is None
    assert run("ledger", "fsck", "--data", rig.folder, "--export", out)["damages"] == 0
    complete = run("audit", rig.folder, "--recipient", "45-node")
    assert complete["point"] == "45-node"

    chain = tmp_path / "ledger.log-keys"
    run("ledger", "keys", "--data", rig.folder, "--out", chain)
    assert chain.read_bytes() == (out / LOG_KEYS).read_bytes()
    for known in (vkey, new.verifier.vkey):
        for proof in proofs.values():
            run("receipt", "verify", proof, "--vkey", known, "--log-keys", chain)
    run("receipt", "verify", proofs["before"], "--vkey", vkey)
    assert run("receipt", "verify", proofs["after"], "--vkey", vkey, code=1)["error"]["code"] == "SIGNATURE_INVALID"

    # Who has stolen the old key after all goes on with a ledger of his own, and nobody follows.
    keys_of_all = verify_chain(chain.read_bytes(), rig.world.verifier, load_registry())
    size = parse_checkpoint(last_note(rig.folder), keys_of_all).size
    forged = sign_checkpoint(
        Checkpoint(rig.world.verifier.name, TreeSize(size + 1), Hash(bytes(range(32)))), rig.world.log_signer
    )
    (out / CHECKPOINT).write_bytes(forged)
    problem = run_audit(str(out), vkey=vkey, jobs=1).problem
    assert problem is not None
    assert (problem.code, problem.place) == ("LOG_KEY_RETIRED", CHECKPOINT)


def test_a_step_that_is_killed_at_any_moment_is_whole_when_it_is_taken_again(tmp_path: Path) -> None:
    """Before and after the commit, before and after the key files move; the hub can start in between."""
    world = World()
    folder = tmp_path
    make_folder(folder / "hub" / "keys")
    write_key(folder / "hub" / "keys" / "log.key", world.log_signer.private_key)
    write_key(folder / "hub" / "keys" / "hub-events.key", world.hub_key)
    with closing(open_store(folder / "hub" / LEDGER_FILE)) as store:
        world.found(store)
    (folder / "hub.toml").write_text(
        f'data_dir = "{folder / "hub"}"\norigin = "{world.verifier.name}"\nlisten = "127.0.0.1:0"\nsandbox = true\n'
    )

    def killed(verb: str, moment: str) -> list[tuple[int, int | None]]:
        child = os.fork()
        if child == 0:
            die_at(moment)
            run("ledger", "rotate-key", verb, "--data", folder)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        # What a kill left behind is what a start of the hub finds: it must load, and sign with the right keys.
        return [(row["since"], row["until"]) for row in rotate(folder, "status")["keys"]]

    assert killed("prepare", "after:log-key-made") == [(0, None)]
    assert killed("prepare", "before:hub-commit") == [(0, None)]
    prepared = killed("prepare", "after:hub-commit")
    since = prepared[1][0]
    assert prepared == [(0, None), (since, None)]
    assert rotate(folder, "prepare")["index"] is None
    assert key_files(folder) == ["log.key", "log.next.key"]

    assert killed("switch", "before:hub-commit") == prepared
    switched = [(0, since + 1), (since, None)]
    assert killed("switch", "after:hub-commit") == switched
    assert killed("switch", "after:log-key-files") == switched
    assert len(key_files(folder)) == 2
    refused = run("ledger", "rotate-key", "switch", "--data", folder, code=3)
    assert refused["error"]["code"] == "LOG_KEY_NOT_ANNOUNCED"
    assert run_audit(str(folder), vkey=world.verifier.vkey, jobs=1).problem is None

    rotate(folder, "prepare")
    withdrawn = rotate(folder, "withdraw")["keys"]
    assert withdrawn[2]["until"] is not None
    assert len(key_files(folder)) == 2
    rotate(folder, "retire")
    assert key_files(folder) == ["log.key"]
    assert run_audit(str(folder), vkey=world.verifier.vkey, jobs=1).problem is None
