"""One browser a file of tests; where there is none the tests say so and skip, and CI has one.

While it runs Playwright holds an event loop in this thread, so it ends with its file: no test with a loop of its own
may stand in a file that has the browser.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.store.opening import open_store
from ledger.checkpoint import checkpoint_size
from ledger.note import Cosigner
from ledger.policy import Group, Log, Policy, Witness, format_policy
from tests.support.browser import Chromium, JsVerifier, browsing, chromium_path, harness
from tests.support.kept_ledger import KeptLedger
from tests.support.matters import notification
from tests.support.world import World

SECONDS: Final = 1_772_416_860
WITNESSES: Final = {
    name: Cosigner(f"{name}.witness.example", Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))
    for number, name in enumerate(("court", "university"), 60)
}

FUNCTIONS = (
    "fromBase64",
    "fromUtf8",
    "fromHex",
    "toHex",
    "toBytes",
    "parseVkey",
    "parsePolicy",
    "parseProof",
    "parsePack",
    "splitNote",
    "readNote",
    "readSigned",
    "readCosigners",
    "readCheckpointText",
    "readEntry",
    "readEvent",
    "readSingle",
    "readTbs",
    "hashLeaf",
    "hashNode",
    "verifyInclusion",
    "verifyConsistency",
    "verifyEd25519",
    "verifyPack",
    "Refusal",
    "Unable",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """The browser of this machine."""
    if chromium_path() is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def js(chromium: Chromium, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JsVerifier]:
    """The functions of the verifier."""
    file = tmp_path_factory.mktemp("harness") / "harness.html"
    file.write_text(harness(*FUNCTIONS), encoding="utf-8")
    with chromium.opened(file) as page:
        yield JsVerifier(page)


@pytest.fixture(scope="session")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> KeptLedger:
    """A ledger whose checkpoints over one event, and whose last one, two witnesses have cosigned."""
    folder, world = tmp_path_factory.mktemp("witnessed") / "data", World()
    (folder / "hub").mkdir(parents=True)
    sent = notification(world, "44", "45")
    ledger = KeptLedger(world, folder, sent[1])
    with closing(open_store(ledger.file)) as store:
        application = world.found(store)
        for made in sent:
            application.submit([world.batches[made.region].batch([made])])
        index = store.recorded([ledger.sent.header.event_id])[ledger.sent.header.event_id]
        first = store.checkpoint_covering(index)
        last = store.checkpoint()
        for note in (first, last):
            if note is None:
                raise AssertionError("the ledger has no checkpoint")
            text, size = note.rpartition(b"\n\n")[0] + b"\n", checkpoint_size(note)
            lines = {name: one.line(text, seconds=SECONDS) for name, one in WITNESSES.items()}
            store.add_cosignatures(size, lines)
            store.mark_witnessed(size, SECONDS * 1000)
    return ledger


@pytest.fixture(scope="session")
def policy(witnessed: KeptLedger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both witnesses must have signed."""
    members = tuple(Witness(name, one.verifier) for name, one in WITNESSES.items())
    made = Policy((Log(witnessed.world.verifier),), members, (Group("both", 2, tuple(WITNESSES)),), "both")
    file = tmp_path_factory.mktemp("policy") / "policy"
    file.write_bytes(format_policy(made))
    return file


@pytest.fixture(scope="session")
def pack(witnessed: KeptLedger, policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evidence pack of an event with a sealed payload."""
    out = tmp_path_factory.mktemp("pack") / "pack.html"
    event_id = str(UUID(bytes=witnessed.sent.header.event_id))
    made = CliRunner().invoke(
        app, ["receipt", "pack", event_id, "--data", str(witnessed.folder), "--policy", str(policy), "--out", str(out)]
    )
    assert made.exit_code == 0, made.output
    return out
