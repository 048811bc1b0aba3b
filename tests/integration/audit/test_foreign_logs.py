"""A log that is not ours is audited by its tree and its signatures, and the result says what it left out (LEDGER 3).

The log of these tests is written by code of the test alone, straight from the text of C2SP: none of ours makes it.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.foreign_auditing import run_foreign_audit
from adapters.compose.publishing import LedgerProgram
from adapters.settings import PublishSettings
from tests.support.async_tests import runs_in_a_loop
from tests.support.kept_ledger import KeptLedger

ORIGIN = "sum.golang.example/other"
SIZE = 600


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:]))


def entry(number: int) -> bytes:
    """Lines of text, of many lengths: nothing like our entries."""
    return b"github.example/module%d v1.0.%d h1:" % (number, number) + b"x" * (number * 37 % 900) + b"\n"


def key(seed: int, name: str, key_type: int) -> tuple[Ed25519PrivateKey, str, bytes]:
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    typed = bytes([key_type]) + private.public_key().public_bytes_raw()
    key_id = sha256(name.encode() + b"\n" + typed)[:4]
    return private, f"{name}+{key_id.hex()}+{base64.b64encode(typed).decode()}", key_id


LOG_KEY, LOG_VKEY, LOG_ID = key(7, ORIGIN, 1)
WITNESS_KEY, WITNESS_VKEY, WITNESS_ID = key(8, "w.example", 4)


def write_log(out: Path, *, extension: bytes = b"") -> Path:
    """A tile log as C2SP tlog-tiles describes it."""
    level = [sha256(b"\0" + entry(number)) for number in range(SIZE)]
    text = f"{ORIGIN}\n{SIZE}\n{base64.b64encode(root(level)).decode()}\n".encode() + extension
    number = 0
    while level:
        for start in range(0, len(level), 256):
            tile = level[start : start + 256]
            write(out, f"tile/{number}/{start // 256:03}", len(tile), b"".join(tile))
        full = [level[start : start + 256] for start in range(0, len(level) // 256 * 256, 256)]
        number, level = number + 1, [root(tile) for tile in full]
    for start in range(0, SIZE, 256):
        part = [entry(at) for at in range(start, min(SIZE, start + 256))]
        bundle = b"".join(len(one).to_bytes(2, "big") + one for one in part)
        write(out, f"tile/entries/{start // 256:03}", len(part), bundle)
    line = f"\u2014 {ORIGIN} {base64.b64encode(LOG_ID + LOG_KEY.sign(text)).decode()}\n"
    seconds = 1_700_000_000
    signed = WITNESS_KEY.sign(f"cosignature/v1\ntime {seconds}\n".encode() + text)
    cosigned = base64.b64encode(WITNESS_ID + seconds.to_bytes(8, "big") + signed).decode()
    (out / "checkpoint").write_bytes(text + b"\n" + line.encode() + f"\u2014 w.example {cosigned}\n".encode())
    return out


def write(out: Path, name: str, width: int, data: bytes) -> None:
    path = out / (name if width == 256 else f"{name}.p/{width}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_log(tmp_path / "log")


def policy(quorum: str = "w") -> bytes:
    return f"log {LOG_VKEY}\nwitness w {WITNESS_VKEY}\nquorum {quorum}\n".encode()


def test_a_foreign_log_holds_by_key_and_by_policy(log: Path) -> None:
    by_key = run_foreign_audit(str(log), vkey=LOG_VKEY)
    by_policy = run_foreign_audit(str(log), policy=policy())

    for report in (by_key, by_policy):
        assert report.problem is None
        assert (report.origin, report.size, report.entries) == (ORIGIN, SIZE, SIZE)
    assert (by_key.cosigners, by_policy.cosigners) == ((), ("w",))


def test_extension_lines_are_other_peoples_affair(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", extension=b"first extension\nsecond\n")

    assert run_foreign_audit(str(log), policy=policy()).problem is None


@runs_in_a_loop
async def test_a_foreign_log_holds_over_http(log: Path) -> None:
    async with LedgerProgram(PublishSettings.load(None, source=log, listen="127.0.0.1:0")) as program:
        report = await asyncio.to_thread(run_foreign_audit, f"http://{program.address}", vkey=LOG_VKEY)

    assert report.problem is None
    assert report.size == SIZE


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


DAMAGES: dict[str, tuple[str, Callable[[bytes], bytes | None], set[str]]] = {
    "another entry": ("tile/entries/000", lambda data: flip(data, 3), {"log/tile/0/000", "log/tile/entries/000"}),
    "a shorter bundle": ("tile/entries/001", lambda data: data[:-1], {"log/tile/entries/001"}),
    "a missing bundle": ("tile/entries/002.p/88", lambda data: None, {"log/tile/entries/002.p/88"}),
    "another hash": ("tile/0/001", lambda data: flip(data, 40), {"log/tile/0/001"}),
    "another upper hash": ("tile/1/000.p/2", lambda data: flip(data, 40), {"log/tile/1/000.p/2"}),
    "a longer tile": ("tile/0/002.p/88", lambda data: data + bytes(32), {"log/tile/0/002.p/88"}),
    "a missing tile": ("tile/0/000", lambda data: None, {"log/tile/0/000"}),
    "another size": ("checkpoint", lambda data: data.replace(b"\n600\n", b"\n599\n"), {"log/checkpoint"}),
    "no checkpoint": ("checkpoint", lambda data: None, {"log/checkpoint"}),
    "no witness": ("checkpoint", lambda data: data[: data.rindex("\u2014".encode())], {"log/checkpoint"}),
    "a forged witness": ("checkpoint", lambda data: data[:-10] + b"AAAAAAAA=\n"[-10:], {"log/checkpoint"}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_known_damage_is_named_with_its_file(log: Path, damage: str) -> None:
    name, change, places = DAMAGES[damage]
    changed = change((log / name).read_bytes())
    if changed is None:
        (log / name).unlink()
    else:
        (log / name).write_bytes(changed)

    problem = run_foreign_audit(str(log), policy=policy()).problem

    assert problem is not None
    assert problem.place in places
    assert problem.reason


def test_a_root_that_the_log_signed_over_other_entries_is_found(log: Path) -> None:
    """Tiles and entries fit each other; the signed root is of something else."""
    text = f"{ORIGIN}\n{SIZE}\n{base64.b64encode(bytes(32)).decode()}\n".encode()
    line = f"\u2014 {ORIGIN} {base64.b64encode(LOG_ID + LOG_KEY.sign(text)).decode()}\n".encode()
    (log / "checkpoint").write_bytes(text + b"\n" + line)

    problem = run_foreign_audit(str(log), vkey=LOG_VKEY).problem

    assert problem is not None
    assert problem.code == "LEDGER_UNEXPLAINED"


def said(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["audit", *map(str, arguments)])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def test_the_verb_says_that_it_left_something_out(log: Path, tmp_path: Path) -> None:
    code, text = said(log, "--foreign", "--vkey", LOG_VKEY)
    assert code == 0
    assert "not looked at: batches" in text
    (tmp_path / "policy").write_bytes(policy())
    code, text = said(log, "--foreign", "--policy", tmp_path / "policy", "--json")
    assert code == 0
    answer = json.loads(text)
    assert (answer["foreign"], answer["unexplained"], answer["cosigners"]) == (True, 0, ["w"])
    (log / "tile/0/000").unlink()
    code, text = said(log, "--foreign", "--vkey", LOG_VKEY)
    assert code == 1
    assert "tile/0/000" in text


def test_a_foreign_log_is_never_taken_for_one_of_ours(log: Path, honest: KeptLedger, honest_export: Path) -> None:
    """Without the word the audit is that of a ledger of ours, and a key from the source itself is not enough."""
    assert said(log, "--vkey", LOG_VKEY)[0] == 1
    assert said(log, "--foreign")[0] == 3
    # The other way round less is looked at, and said so.
    code, text = said(honest_export, "--foreign", "--vkey", honest.world.verifier.vkey)
    assert code == 0
    assert "not looked at" in text


def test_an_audit_of_ours_holds_the_checkpoint_to_a_policy(
    honest: KeptLedger, honest_export: Path, tmp_path: Path
) -> None:
    vkey = honest.world.verifier.vkey
    file = tmp_path / "policy"
    file.write_text(f"log {vkey}\nquorum none\n")
    assert said(honest_export, "--policy", file)[0] == 0

    file.write_text(f"log {vkey}\nwitness w {WITNESS_VKEY}\nquorum w\n")
    code, text = said(honest_export, "--policy", file)

    assert code == 1
    assert "CHECKPOINT_INVALID" in text
