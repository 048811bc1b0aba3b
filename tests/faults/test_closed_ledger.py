"""A real hub whose ledger was closed reads on and records nothing; the archive and the next ledger fit together."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.auditing import run_audit
from adapters.grpc.client import ExchangeClient
from contracts.event import decode_event
from hub.audit_payloads import PayloadCount
from hub.submission import SubmittedBatch
from tests.support.fault_rig import SETTLE_SECONDS, FaultRig
from tests.support.matters import notification
from tests.support.programs import die_at

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

RUNNER = CliRunner()


def run(*words: str | Path, code: int = 0) -> Any:
    done = RUNNER.invoke(app, [*(str(word) for word in words), "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.output.splitlines()[-1])


def test_a_closed_ledger_is_read_archived_and_continued(tmp_path: Path) -> None:
    archive, after = tmp_path / "archive", tmp_path / "after"
    with FaultRig(tmp_path / "data", regions=()) as rig:
        folder, world = rig.folder, rig.world
        vkey = world.verifier.vkey
        close = ("ledger", "close", "--data", folder, "--successor", "ledger.test.example/next")
        hub = rig.programs["hub"]
        hub.start()
        made = notification(world, "44", "45")
        asyncio.run(rig.submit([made]))
        hub.stop()
        batches = world.batches["44"]
        refused = run(*close, code=3)["error"]
        not_closed = run("ledger", "export", "--data", folder, "--out", archive, "--archive", code=3)["error"]
        closed = closed_in_spite_of_a_kill(close)

        hub.start()
        answers = asyncio.run(asked_of(rig, batches.batch(notification(world, "44", "45")[:1])))
        hub.stop()
        run("ledger", "export", "--data", folder, "--out", archive, "--archive")
    begin = ("init", "--data", after, "--origin", "ledger.test.example/next", "--sandbox", "--continues", archive)
    other = run(*begin[:4], "ledger.test.example/other", *begin[5:], code=3)
    run(*begin, "--continues-vkey", vkey)
    told = run("audit", after, "--predecessor", archive, "--predecessor-vkey", vkey)
    unchecked = run("audit", after)
    (archive / "policy").write_text("quorum none\n")
    damaged = run("audit", after, "--predecessor", archive, code=1)

    assert (refused["code"], not_closed["code"]) == ("LEDGER_NOT_DRAINED", "LEDGER_NOT_CLOSED")
    assert answers == {"refusal": "LEDGER_CLOSED", "size": closed["size"], "events": len(made)}
    report = run_audit(str(folder), vkey=vkey)
    assert report.problem is None
    assert report.payloads == PayloadCount(held=0, erased=1, restricted=0)
    assert run_audit(str(archive / "log"), vkey=vkey).size == closed["size"]
    assert other["error"]["code"] == "PREDECESSOR_OTHER"
    end = {"origin": closed["origin"], "size": closed["size"], "root": closed["root"]}
    assert told["predecessor"] == end | {"checked": True}
    assert unchecked["predecessor"] == end | {"checked": False}
    assert damaged["problem"]["code"] == "PREDECESSOR_INVALID"


def closed_in_spite_of_a_kill(close: tuple[str | Path, ...]) -> Mapping[str, Any]:
    """Kill the verb before and after the commit that ends the ledger, then close it; a repeat tells the same."""
    how = ("--open-matters", "carry", "--content", "destroy")
    for moment in ("before:hub-commit:2", "after:hub-commit:2"):
        child = os.fork()
        if child == 0:
            die_at(moment)
            run(*close, *how)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    closed: Mapping[str, Any] = run(*close, *how)
    again = run(*close, *how)
    assert {**again, "destroyed": closed["destroyed"]} == closed
    return closed


async def asked_of(rig: FaultRig, batch: SubmittedBatch) -> Mapping[str, Any]:
    """What a closed ledger's hub answers."""
    client = ExchangeClient(rig.hub_address)
    await client.connect(timeout_seconds=SETTLE_SECONDS)
    async with client:
        reply = await client.submit_one(batch)
        note = await client.checkpoint()
        proofs = [await client.receipt(decode_event(event).event_id) for event in rig.acknowledged]
    assert reply.answer.refusal is not None
    return {
        "refusal": reply.answer.refusal.code,
        "size": int(note.splitlines()[1]),
        "events": len(proofs),
    }
