"""Checkpoints: the origin, size and root of a ledger, signed by its key.

    <origin>\\n
    <size, decimal>\\n
    <root, base64>\\n

There are no further lines: what has to be said goes into the ledger as an entry. The name of the log's key is the
origin. A size is believed only from here, never from a message beside it.

Source: LEDGER, section 2; C2SP tlog-checkpoint.
"""

import base64
from dataclasses import dataclass

from contracts.errors import ContractError, EvidenceError
from contracts.ids import Hash, TreeSize
from ledger.compact import EMPTY_ROOT, HASH_BYTES, MAX_TREE_SIZE
from ledger.log_keys import LogKeys, check_signed
from ledger.note import KeyType, NoteSigner, NoteVerifier, parse_note, sign_note, split_note
from ledger.note_text import check_name, parse_base64, parse_decimal


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a ledger.

    Attributes:
        origin: Name of the ledger and of its key.
        size: Entries in it.
        root: Root of the tree over them, 32 bytes.
    """

    origin: str
    size: TreeSize
    root: Hash

    def __post_init__(self) -> None:
        """Refuse what no ledger can be in: ContractError NOTE_MALFORMED."""
        check_name(self.origin)
        if not 0 <= self.size <= MAX_TREE_SIZE:
            raise ContractError("NOTE_MALFORMED", f"size {self.size} is out of range", field="size")
        if len(self.root) != HASH_BYTES or (self.size == 0 and self.root != EMPTY_ROOT):
            raise ContractError("NOTE_MALFORMED", f"{self.root.hex()} is no root of size {self.size}", field="root")

    def text(self) -> bytes:
        """Give the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()


def parse_checkpoint_text(text: bytes) -> Checkpoint:
    """Read the text of a checkpoint; its signatures were checked elsewhere.

    Raises:
        ContractError: NOTE_MALFORMED.
    """
    try:
        lines = text.decode("utf-8").split("\n")
    except UnicodeDecodeError as err:
        raise ContractError("NOTE_MALFORMED", f"byte {err.start} is not UTF-8") from err
    if len(lines) != 4 or lines[3]:
        raise ContractError("NOTE_MALFORMED", f"a checkpoint has three lines, not {len(lines) - 1}")
    return Checkpoint(lines[0], TreeSize(parse_decimal(lines[1])), Hash(parse_base64(lines[2])))


def parse_foreign_text(text: bytes) -> Checkpoint:
    """Read the text of a checkpoint of a log that is not ours: it may have extension lines, which say nothing here.

    Raises:
        ContractError: NOTE_MALFORMED.
    """
    lines = text.split(b"\n")
    if len(lines) < 4 or lines[-1] or not all(lines[3:-1]):
        raise ContractError("NOTE_MALFORMED", f"a checkpoint has three lines and no empty one, not {len(lines) - 1}")
    return parse_checkpoint_text(b"\n".join([*lines[:3], b""]))


def parse_checkpoint(note: bytes, keys: NoteVerifier | LogKeys) -> Checkpoint:
    """Read a checkpoint and check the signatures of its log. Cosignatures are for `ledger.policy`.

    Args:
        note: The exact bytes of the signed note.
        keys: The log's key, of type 0x01, or every key that it had.

    Raises:
        ContractError: NOTE_MALFORMED.
        EvidenceError: SIGNATURE_INVALID; LOG_KEY_RETIRED, a key of the log signed it that signs this size no more;
            CHECKPOINT_INVALID, it is the checkpoint of another log, or one of two keys has not signed.
    """
    if isinstance(keys, LogKeys):
        return _parse_by_size(note, keys)
    if keys.key_type is not KeyType.ED25519:
        raise EvidenceError("CHECKPOINT_INVALID", f"key {keys.name!r} is not a log's")
    checkpoint = parse_checkpoint_text(parse_note(note, [keys]).text)
    _check_origin(checkpoint, keys.name)
    return checkpoint


def _parse_by_size(note: bytes, keys: LogKeys) -> Checkpoint:
    """Which keys must have signed follows from the size that they have signed."""
    if len(keys.keys) == 1:
        return parse_checkpoint(note, keys.first)
    checkpoint = parse_checkpoint_text(split_note(note)[0])
    _check_origin(checkpoint, keys.origin)
    try:
        signed = parse_note(note, keys.at(checkpoint.size)).verified
    except EvidenceError as err:
        retired = {(key.name, key.key_id) for key in keys.retired(checkpoint.size)}
        if any((line.name, line.key_id) in retired for line in split_note(note)[1]):
            raise EvidenceError("LOG_KEY_RETIRED", f"size {checkpoint.size} bears an earlier key only") from err
        raise
    check_signed(checkpoint.size, [item.verifier for item in signed], keys)
    return checkpoint


def _check_origin(checkpoint: Checkpoint, origin: str) -> None:
    if checkpoint.origin != origin:
        raise EvidenceError("CHECKPOINT_INVALID", f"{origin!r} signed a checkpoint of {checkpoint.origin!r}")


def checkpoint_size(note: bytes) -> TreeSize:
    """Read the form of a checkpoint and give its size.

    No signature is checked: only a note of one's own store says the truth.

    Raises:
        ContractError: NOTE_MALFORMED.
    """
    return parse_checkpoint_text(split_note(note)[0]).size


def sign_checkpoint(checkpoint: Checkpoint, *signers: NoteSigner) -> bytes:
    """Give the signed note of a checkpoint.

    Args:
        checkpoint: What is signed.
        signers: The log's key; while it is replaced, both.

    Raises:
        ContractError: NOTE_MALFORMED, a key has another name than the ledger.
    """
    for signer in signers:
        if signer.name != checkpoint.origin:
            raise ContractError("NOTE_MALFORMED", f"key {signer.name!r} does not sign for {checkpoint.origin!r}")
    return sign_note(checkpoint.text(), signers)
