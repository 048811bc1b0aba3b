"""A witness cosigns what only grew, once, durably, and keeps what contradicts itself (LEDGER 8)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.compose.witness_program import WITNESS_FILE, WitnessProgram, known_logs
from adapters.settings import WitnessSettings
from adapters.store.witness_store import WitnessStore
from contracts.errors import ContractError
from contracts.ids import Hash, TreeSize
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.claim import verify_evidence
from ledger.evidence_file import parse_evidence
from ledger.note import NoteSigner, NoteVerifier, add_lines, parse_note, split_note
from ledger.tree import CompactRange, appended_node_reader, hash_leaf, prove_consistency
from ledger.witness import MAX_BODY_BYTES, AddCheckpoint, format_request, parse_lines
from tests.support.async_tests import runs_in_a_loop
from tests.support.witnesses import Installed, install, running

pytestmark = pytest.mark.integration

LOG = NoteSigner("log.example/a", Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1"))
OTHER = NoteSigner("log.example/b", Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\2"))
LEAVES = [hash_leaf(b"%d" % number) for number in range(40)]
FORK = [*LEAVES[:5], *(hash_leaf(b"fork %d" % number) for number in range(35))]


def head(size: int, leaves: list[Hash] = LEAVES, signer: NoteSigner = LOG) -> bytes:
    state = CompactRange()
    state.extend(leaves[:size])
    return sign_checkpoint(Checkpoint(signer.name, TreeSize(size), state.root()), signer)


def asked(old: int, new: int, leaves: list[Hash] = LEAVES, signer: NoteSigner = LOG) -> bytes:
    path = prove_consistency(appended_node_reader(CompactRange(), leaves[:new]), old, new) if new and old <= new else []
    return format_request(AddCheckpoint(TreeSize(old), tuple(path), head(new, leaves, signer)))


@pytest.fixture(params=[False, True], ids=["Ed25519", "ML-DSA-44"])
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Installed:
    return install(tmp_path, "44-w", [LOG.verifier], is_ml_dsa=request.param)


@asynccontextmanager
async def session_of(installed: Installed) -> AsyncIterator[aiohttp.ClientSession]:
    async with running(installed) as url, aiohttp.ClientSession(url) as session:
        yield session


async def add(session: aiohttp.ClientSession, body: bytes) -> tuple[int, bytes, str]:
    async with session.post("/add-checkpoint", data=body) as answer:
        return answer.status, await answer.read(), answer.content_type


def kept(installed: Installed) -> list[tuple[str, bytes]]:
    with WitnessStore(installed.settings.data_dir / WITNESS_FILE) as store:
        return [(row.code, row.body) for row in store.evidence()]


@runs_in_a_loop
async def test_a_ledger_that_grows_is_cosigned_and_remembered(installed: Installed) -> None:
    verifier = installed.signers.grown.verifier
    origin_hash = hashlib.sha256(LOG.name.encode()).hexdigest()
    async with session_of(installed) as session:
        async with session.get(f"/{origin_hash}/checkpoint") as answer:
            assert answer.status == 404
        for old, new in ((0, 7), (7, 8), (8, 8), (8, 40)):
            status, body, content_type = await add(session, asked(old, new))
            assert (status, content_type) == (200, "text/plain"), (old, new, body)
            ((line, _),) = parse_lines(body)
            note = parse_note(add_lines(head(new), [line]), [LOG.verifier, verifier])
            assert note.verified[1].seconds is not None
    async with session_of(installed) as session:
        async with session.get(f"/{origin_hash}/checkpoint") as answer:
            last = await answer.read()
        status, body, content_type = await add(session, asked(8, 40))

    assert len(parse_note(last, [LOG.verifier, verifier]).verified) == 2
    assert split_note(last)[0] == split_note(head(40))[0]
    assert (status, body, content_type) == (409, b"40\n", "text/x.tlog.size")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (asked(0, 9, signer=OTHER), 404, None),
        (asked(5, 9).replace(b"\n9\n", b"\n8\n"), 403, None),
        (head(9), 400, None),
        (b"", 400, None),
        (b"old 5\n" + 64 * (b"A" * 43 + b"=\n") + b"\n" + head(9), 400, None),
        (b"x" * (MAX_BODY_BYTES + 1), 400, None),
        (asked(10, 9), 400, "WITNESS_REQUEST_MALFORMED"),
        (asked(4, 9), 409, "WITNESS_MOVED"),
        (asked(0, 9), 409, "WITNESS_MOVED"),
        (asked(5, 9).replace(b"old 5\n", b"old 5\n" + b"A" * 43 + b"=\n"), 422, "CONSISTENCY_INVALID"),
        (asked(5, 9, FORK[:4] + FORK[10:]), 422, "CONSISTENCY_INVALID"),
        (asked(5, 5, FORK[20:]), 422, "CONSISTENCY_INVALID"),
    ],
)
@runs_in_a_loop
async def test_a_refusal_has_its_status_and_is_kept_if_the_log_signed_it(
    tmp_path: Path, body: bytes, status: int, code: str | None
) -> None:
    installed = install(tmp_path, "44-w", [LOG.verifier])
    async with session_of(installed) as session:
        assert (await add(session, asked(0, 5)))[0] == 200

        found, answer, content_type = await add(session, body)
        again, _, _ = await add(session, body)
        after, _, _ = await add(session, asked(5, 9))

    assert (found, again) == (status, status)
    if status == 409:
        assert (answer, content_type) == (b"5\n", "text/x.tlog.size")
    assert kept(installed) == ([] if code is None else [(code, body)])
    assert after == 200, "a refusal changes nothing"


@pytest.mark.parametrize(
    ("body", "claim"),
    [
        (asked(5, 9, FORK[:4] + FORK[10:]), "PREFIX_CHANGED"),
        (asked(5, 5, FORK[20:]), "TWO_ROOTS"),
        (asked(4, 5, FORK[20:]), "TWO_ROOTS"),
        (asked(5, 9).replace(b"old 5\n", b"old 5\n" + b"A" * 43 + b"=\n"), "GROWTH_UNPROVED"),
        (asked(4, 9), None),
    ],
)
@runs_in_a_loop
async def test_what_contradicts_is_kept_as_a_file_that_others_can_check(
    tmp_path: Path, body: bytes, claim: str | None
) -> None:
    """The last one may have been on its way: another size that was not cosigned last says nothing."""
    installed = install(tmp_path, "44-w", [LOG.verifier])
    async with session_of(installed) as session:
        assert (await add(session, asked(0, 5)))[0] == 200
        await add(session, body)
    with WitnessStore(installed.settings.data_dir / WITNESS_FILE) as store:
        files = store.files()

    assert [name for name, _ in files] == ([] if claim is None else [claim])
    for _, data in files:
        assert verify_evidence(parse_evidence(data), log=LOG.verifier, read_body=lambda body: {}).claim == claim


@runs_in_a_loop
async def test_a_proof_from_size_0_is_refused(tmp_path: Path) -> None:
    installed = install(tmp_path, "44-w", [LOG.verifier])
    body = asked(0, 9).replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n")
    async with session_of(installed) as session:
        assert (await add(session, body))[0] == 422
        assert (await add(session, asked(0, 9)))[0] == 200


@runs_in_a_loop
async def test_of_two_histories_that_race_exactly_one_is_cosigned(installed: Installed) -> None:
    """LEDGER 8: check and store are one durable step."""
    async with session_of(installed) as session:
        assert (await add(session, asked(0, 5)))[0] == 200
        bodies = [asked(5, size, leaves) for size in (9, 12, 33) for leaves in (LEAVES, FORK)] * 3

        answers = await asyncio.gather(*(add(session, body) for body in bodies))

    statuses = [status for status, _, _ in answers]
    cosigned = {bodies[at] for at, status in enumerate(statuses) if status == 200}
    assert len(cosigned) == 1
    assert statuses.count(200) == 1, "the same request again starts from another size"
    assert set(statuses) == {200, 409}
    assert {code for code, _ in kept(installed)} == {"WITNESS_MOVED"}


@runs_in_a_loop
async def test_what_was_cosigned_is_on_disk_before_the_answer(tmp_path: Path) -> None:
    installed = install(tmp_path, "44-w", [LOG.verifier])
    async with session_of(installed) as session:
        assert (await add(session, asked(0, 5)))[0] == 200
        # A second reader of the file, as after a crash of the program.
        copy = tmp_path / "copy.sqlite"
        for suffix in ("", "-wal"):
            source = installed.settings.data_dir / (WITNESS_FILE + suffix)
            copy.with_name(copy.name + suffix).write_bytes(source.read_bytes())
        with WitnessStore(copy) as store:
            assert store.last(hashlib.sha256(LOG.name.encode()).digest()) is not None


def test_who_runs_a_ledger_is_no_witness_for_it(tmp_path: Path) -> None:
    installed = install(tmp_path, "44-w", [LOG.verifier, OTHER.verifier])
    settings = WitnessSettings.model_validate(installed.settings.model_dump() | {"operates": (OTHER.name,)})

    assert set(known_logs(installed.settings)) == {LOG.name, OTHER.name}
    with pytest.raises(ContractError, match="SETTINGS_INVALID"):
        known_logs(settings)


@runs_in_a_loop
async def test_a_witness_folder_has_one_program(installed: Installed) -> None:
    async with running(installed):
        with pytest.raises(Exception, match="FOLDER_IN_USE"):
            async with WitnessProgram(installed.settings):
                pass


def test_both_keys_of_a_witness_are_read_back(installed: Installed) -> None:
    for signer in (installed.signers.grown, installed.signers.validated):
        assert NoteVerifier.parse(signer.verifier.vkey) == signer.verifier
    assert installed.signers.validated.name == f"{installed.signers.grown.name}/validated"
