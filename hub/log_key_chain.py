"""The chain of a ledger's keys as a document: whoever trusts one of them learns of all others, without the hub.

    pprd-log-keys/v1\\n
    <base64 of a proof file>\\n        entry 0, the genesis record
    <base64 of a proof file>\\n        each event that says something of the ledger's key, in the order of the ledger

Each proof file (`ledger.proof`) carries its entry and a checkpoint over it, signed by the keys that the chain up to and
with this entry makes valid there. So every announced key has signed the tree that announces it, beside the key before
it, and whoever trusts either one is led to the other.

Source: ADR 0057; docs/spec/log-keys.md.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from contracts.errors import ContractError, EvidenceError
from hub.log_key_changes import LogKeyChanges
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.entry import GenesisEntry, decode_entry
from ledger.log_keys import LogKeys
from ledger.note import NoteVerifier
from ledger.note_text import parse_base64
from ledger.proof import MAX_PROOF_BYTES, TlogProof, parse_proof, verify_proof

if TYPE_CHECKING:
    from contracts.schema import SchemaRegistry

CHAIN_HEADER: Final = "pprd-log-keys/v1"
MAX_LINKS: Final = 256
"""Most proof files of a chain: a genesis record and 85 whole replacements."""
MAX_CHAIN_BYTES: Final = len(CHAIN_HEADER) + 1 + MAX_LINKS * (4 * (-(-MAX_PROOF_BYTES // 3)) + 1)


def format_chain(proofs: Iterable[bytes]) -> bytes:
    """Write a chain from its proof files."""
    return "\n".join([CHAIN_HEADER, *(base64.b64encode(proof).decode() for proof in proofs), ""]).encode()


def parse_chain(data: bytes) -> tuple[TlogProof, ...]:
    """Read the form of a chain; nothing in it is checked.

    Raises:
        ContractError: LOG_KEYS_MALFORMED, PROOF_MALFORMED or NOTE_MALFORMED.
    """
    if len(data) > MAX_CHAIN_BYTES:
        raise _malformed(f"a chain has at most {MAX_CHAIN_BYTES} bytes, not {len(data)}")
    try:
        header, *lines, end = data.decode("ascii").split("\n")
    except (UnicodeDecodeError, ValueError) as err:
        raise _malformed("a chain is lines of ASCII that end in a newline") from err
    if header != CHAIN_HEADER or end or not 1 <= len(lines) <= MAX_LINKS:
        raise _malformed(f"a chain is a line {CHAIN_HEADER} and 1 to {MAX_LINKS} lines of base64")
    return tuple(parse_proof(parse_base64(line)) for line in lines)


def verify_chain(data: bytes, known: NoteVerifier | Sequence[NoteVerifier], registry: SchemaRegistry) -> LogKeys:
    """Read a chain and check it against a key that the reader trusts.

    Args:
        data: As `format_chain` wrote it.
        known: The key, or several of which one is enough; it may be any one that the ledger has or had.
        registry: Reads the bodies of events.

    Returns:
        Every key of the ledger, as far as the chain goes.

    Raises:
        ContractError: As `parse_chain`, ENTRY_MALFORMED, EVENT_MALFORMED, SCHEMA_UNKNOWN.
        EvidenceError: LOG_KEYS_INVALID: a link does not follow, or the trusted key is none of the chain;
            SIGNATURE_INVALID, CHECKPOINT_INVALID, INCLUSION_INVALID.
    """
    genesis, *links = parse_chain(data)
    first = _genesis_key(genesis)
    changes = LogKeyChanges()
    keys = LogKeys.of(first)
    _check(genesis, keys)
    last = 0
    for link in links:
        if link.index <= last:
            raise _invalid(f"entry {link.index} comes after entry {last}")
        last = link.index
        changes.apply_entry(link.index, link.extra or b"", registry)
        keys = changes.keys(first)
        _check(link, keys)
    trusted = [known] if isinstance(known, NoteVerifier) else known
    if not any(key.verifier in trusted for key in keys.keys):
        raise _invalid(f"the known key is none of those that {keys.origin!r} had")
    return keys


def _genesis_key(proof: TlogProof) -> NoteVerifier:
    entry = decode_entry(proof.extra or b"")
    if not isinstance(entry, GenesisEntry) or proof.index != 0:
        raise _invalid("a chain begins with the genesis record")
    verifier = NoteVerifier.parse(entry.log_key)
    if verifier.name != entry.origin:
        raise _invalid(f"the key of {entry.origin!r} is named {verifier.name!r}")
    return verifier


def _check(proof: TlogProof, keys: LogKeys) -> None:
    def read(note: bytes) -> Checkpoint:
        return parse_checkpoint(note, keys)

    verify_proof(proof, proof.extra or b"", read)


def _malformed(message: str) -> ContractError:
    return ContractError("LOG_KEYS_MALFORMED", message)


def _invalid(message: str) -> EvidenceError:
    return EvidenceError("LOG_KEYS_INVALID", message)
