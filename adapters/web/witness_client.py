"""Asking one witness: for its cosignature, and for what it has cosigned last; with the check of what came back."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from adapters.web.fetch import ask
from contracts.errors import EvidenceError, UnavailableError
from contracts.ids import TreeSize
from ledger.note import MAX_NOTE_BYTES, NoteVerifier, add_lines, parse_note
from ledger.note_text import parse_decimal
from ledger.witness import AddCheckpoint, MovedError, format_request, parse_lines

if TYPE_CHECKING:
    import aiohttp

_MAX_ANSWER_BYTES: Final = 16_384


async def add_checkpoint(
    session: aiohttp.ClientSession, url: str, verifier: NoteVerifier, request: AddCheckpoint
) -> bytes:
    """Ask a witness to cosign.

    Args:
        session: Its deadline is that of the call.
        url: Prefix of the witness.
        verifier: The witness's key.
        request: What is asked.

    Returns:
        The witness's line, verified against the checkpoint of the request.

    Raises:
        MovedError: The witness has cosigned another size.
        UnavailableError: SOURCE_UNREADABLE, it did not answer; WITNESS_FAILED, it answered with something else.
        ContractError: NOTE_MALFORMED, its answer is no line.
        EvidenceError: CONSISTENCY_INVALID, the ledger did not only grow, it says; SIGNATURE_INVALID, it did not sign.
    """
    answer = await ask(
        session, "POST", f"{url}/add-checkpoint", body=format_request(request), max_bytes=_MAX_ANSWER_BYTES
    )
    match answer.status:
        case 200:
            return _line(answer.body, verifier, request.checkpoint)
        case 409:
            told = answer.body.decode("ascii", "replace").removesuffix("\n")
            raise MovedError(TreeSize(parse_decimal(told)), request.old_size)
        case 422:
            raise EvidenceError("CONSISTENCY_INVALID", "the witness knows another root, or the proof is wrong")
        case status:
            raise UnavailableError("WITNESS_FAILED", f"the witness answers {status}")


async def last_checkpoint(
    session: aiohttp.ClientSession, url: str, verifier: NoteVerifier, origin: str
) -> bytes | None:
    """Ask a witness which checkpoint of a ledger it has cosigned last.

    Args:
        session: Its deadline is that of the call.
        url: Prefix of the witness.
        verifier: The witness's key.
        origin: Of the ledger.

    Returns:
        The note, whose cosignature was verified; the ledger's own was not. None if it has cosigned nothing of it.

    Raises:
        UnavailableError: SOURCE_UNREADABLE, it did not answer; WITNESS_FAILED, it answered with something else.
        ContractError: NOTE_MALFORMED, its answer is no note.
        EvidenceError: SIGNATURE_INVALID, it did not sign.
    """
    name = hashlib.sha256(origin.encode()).hexdigest()
    answer = await ask(session, "GET", f"{url}/{name}/checkpoint", max_bytes=MAX_NOTE_BYTES)
    match answer.status:
        case 200:
            parse_note(answer.body, [verifier])
            return answer.body
        case 404:
            return None
        case status:
            raise UnavailableError("WITNESS_FAILED", f"the witness answers {status}")


def _line(body: bytes, verifier: NoteVerifier, note: bytes) -> bytes:
    for line, read in parse_lines(body):
        if (read.name, read.key_id) == (verifier.name, verifier.key_id):
            parse_note(add_lines(note, [line]), [verifier])
            return line
    raise EvidenceError("SIGNATURE_INVALID", "the answer holds no line of the witness's key")
