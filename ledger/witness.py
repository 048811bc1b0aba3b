"""The call by which a ledger asks a witness to cosign: its body, and what the witness demands of it.

    POST <prefix>/add-checkpoint
    old <size>\\n                     what the witness cosigned last, as the asker believes
    <base64 hash>\\n                  0 to 63 lines: the consistency proof from there
    \\n
    <checkpoint with the log's signature>

`open_request` asks who speaks, `check_growth` whether the ledger only grew. Between the two stands the memory of the
witness; that it is read, compared and replaced in one durable step is the affair of who keeps it (`adapters.store`).
What `check_growth` refuses bears a good signature of the log: it is evidence and is kept.

Source: LEDGER, section 8; C2SP tlog-witness.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from contracts.errors import AccessError, ConflictError, ContractError, EvidenceError
from contracts.ids import Hash, TreeSize
from ledger.checkpoint import Checkpoint, parse_checkpoint_text
from ledger.compact import EMPTY_ROOT, HASH_BYTES
from ledger.evidence_file import EvidenceFile
from ledger.exhibit import of_heads
from ledger.note import MAX_NOTE_BYTES, NoteVerifier, SignatureLine, parse_note, split_note
from ledger.note_text import malformed, parse_base64, parse_decimal
from ledger.tree import MAX_PATH, verify_consistency

_HASH_LINE: Final = 45
MAX_BODY_BYTES: Final = len("old ") + 20 + MAX_PATH * _HASH_LINE + 1 + MAX_NOTE_BYTES
"""Longest body: a size, 63 hashes, an empty line and a note."""


class AddCheckpoint(NamedTuple):
    """What is asked; nothing in it is checked but its form.

    Attributes:
        old_size: What the witness cosigned last, as the asker believes.
        path: Consistency proof from `old_size` to the checkpoint, at most 63 hashes.
        checkpoint: The signed note.
    """

    old_size: TreeSize
    path: tuple[Hash, ...]
    checkpoint: bytes


class Known(NamedTuple):
    """What a witness remembers of a ledger.

    Attributes:
        size: That it cosigned last; 0 before the first.
        root: Of that size.
    """

    size: TreeSize
    root: Hash


NOTHING_KNOWN: Final = Known(TreeSize(0), EMPTY_ROOT)
"""A ledger of which the witness has cosigned nothing yet."""


class Opened(NamedTuple):
    """A request that a known log signed.

    Attributes:
        request: As asked.
        text: Text of its checkpoint, to be cosigned.
        checkpoint: What the text says.
        log_lines: The log's own signature lines, one for each of its keys that are known here.
        log: The log's key; of several one that has signed.
    """

    request: AddCheckpoint
    text: bytes
    checkpoint: Checkpoint
    log_lines: bytes
    log: NoteVerifier


class MovedError(ConflictError):
    """The witness has cosigned another size than the asker believes.

    Attributes:
        size: What it has cosigned last.
        told: What the request says.
    """

    def __init__(self, size: TreeSize, told: int) -> None:
        super().__init__("WITNESS_MOVED", f"the last cosigned size is {size}, the request says {told}", field="old")
        self.size = size
        self.told = told

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error cross a process border whole."""
        return MovedError, (self.size, self.told)


def format_request(request: AddCheckpoint) -> bytes:
    """Write the body of a request."""
    lines = [f"old {request.old_size}", *(base64.b64encode(item).decode() for item in request.path), "", ""]
    return "\n".join(lines).encode() + request.checkpoint


def parse_request(body: bytes) -> AddCheckpoint:
    """Read the form of a request.

    Raises:
        ContractError: WITNESS_REQUEST_MALFORMED.
    """
    if len(body) > MAX_BODY_BYTES:
        raise _malformed(f"a request has at most {MAX_BODY_BYTES} bytes, not {len(body)}")
    head, blank, note = body.partition(b"\n\n")
    # What is longer than 63 hashes is not even cut into lines.
    if not blank or not head.startswith(b"old ") or len(head) > MAX_BODY_BYTES - MAX_NOTE_BYTES:
        raise _malformed("a request is a line `old <size>`, at most 63 hashes, an empty line and a checkpoint")
    try:
        first, *lines = head.decode("ascii").split("\n")
        old_size = TreeSize(parse_decimal(first.removeprefix("old ")))
        path = tuple(Hash(parse_base64(line)) for line in lines)
    except UnicodeDecodeError as err:
        raise _malformed(f"byte {err.start} is not ASCII") from err
    except ContractError as err:
        raise _malformed(err.message) from err
    if len(path) > MAX_PATH or any(len(item) != HASH_BYTES for item in path):
        raise _malformed(f"a proof has at most {MAX_PATH} hashes of {HASH_BYTES} bytes")
    return AddCheckpoint(old_size, path, note)


def open_request(body: bytes, logs: Mapping[str, Sequence[NoteVerifier]]) -> Opened:
    """Read a request and check that a known log signed its checkpoint.

    Args:
        body: As received.
        logs: The keys of the logs that are witnessed, by origin; of several keys one must have signed, as while a log
            replaces its key.

    Raises:
        ContractError: WITNESS_REQUEST_MALFORMED.
        AccessError: LOG_UNKNOWN, nobody here witnesses this ledger; LOG_SIGNATURE_INVALID, the log did not sign.
    """
    request = parse_request(body)
    try:
        checkpoint = parse_checkpoint_text(split_note(request.checkpoint)[0])
    except ContractError as err:
        raise _malformed(err.message) from err
    verifiers = logs.get(checkpoint.origin)
    if not verifiers:
        raise AccessError("LOG_UNKNOWN", "this ledger is not witnessed here", field="origin")
    try:
        note = parse_note(request.checkpoint, verifiers)
    except ContractError as err:
        raise _malformed(err.message) from err
    except EvidenceError as err:
        raise AccessError("LOG_SIGNATURE_INVALID", err.message, field="checkpoint") from err
    lines = parse_lines(request.checkpoint[len(note.text) + 1 :])
    signed = {(item.verifier.name, item.verifier.key_id) for item in note.verified}
    log_lines = b"".join(line for line, read in lines if (read.name, read.key_id) in signed)
    return Opened(request, note.text, checkpoint, log_lines, note.verified[0].verifier)


def check_growth(opened: Opened, known: Known) -> None:
    """Check that a checkpoint continues what a witness knows.

    Args:
        opened: A request that the log signed.
        known: What the witness has cosigned last.

    Raises:
        ContractError: WITNESS_REQUEST_MALFORMED, the old size is above the new one.
        MovedError: WITNESS_MOVED, the old size is not what was cosigned last.
        EvidenceError: CONSISTENCY_INVALID, the proof does not lead from one root to the other.
    """
    old_size, path, _ = opened.request
    checkpoint = opened.checkpoint
    if old_size > checkpoint.size:
        raise _malformed(f"old size {old_size} is above the new size {checkpoint.size}")
    if old_size != known.size:
        raise MovedError(known.size, old_size)
    verify_consistency(size1=old_size, size2=checkpoint.size, path=path, root1=known.root, root2=checkpoint.root)


def contradiction(opened: Opened, known: Known, note: bytes) -> EvidenceFile | None:
    """Give the evidence that a refused request is, with what the witness has cosigned last.

    A request about another size than the last one may have been on its way when a newer one came, and shows nothing;
    another root of the same size does.

    Args:
        opened: What the log signed and `check_growth` refused.
        known: What the witness has cosigned last.
        note: Its note.
    """
    is_next = opened.request.old_size == known.size < opened.checkpoint.size
    if known.size == 0 or not (is_next or opened.checkpoint.size == known.size):
        return None
    return of_heads(opened.log, note, opened.text + b"\n" + opened.log_lines, opened.request.path if is_next else None)


def parse_lines(body: bytes) -> tuple[tuple[bytes, SignatureLine], ...]:
    """Read a witness's answer: one or more signature lines.

    Returns:
        Each line as it may be appended to the checkpoint, and what it says.

    Raises:
        ContractError: NOTE_MALFORMED, something else than lines of signatures.
    """
    text, lines = split_note(b"\n\n" + body)
    if text != b"\n":
        raise malformed("an answer holds lines of signatures and nothing else")
    return tuple((line + b"\n", read) for line, read in zip(body.split(b"\n")[:-1], lines, strict=True))


def _malformed(message: str) -> ContractError:
    return ContractError("WITNESS_REQUEST_MALFORMED", message)
