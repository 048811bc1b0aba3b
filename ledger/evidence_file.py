"""Evidence files: what somebody keeps of a ledger that lied, as a text that a third party checks without a network.

    pprd-evidence/v1\\n
    claim <CLAIM>\\n                                          see `ledger.claim`
    log <verifier key>\\n                                     whose signatures the checkpoints bear
    checkpoint <base64 of the signed note>\\n                 0 to 4, counted from 0
    entry <checkpoint> <index> <base64> <base64 hash>...\\n   0 to 8: an entry and its inclusion path
    leaf <checkpoint> <index> <base64> <base64 hash>...\\n    0 to 1,025: a leaf hash and its inclusion path
    shown <name> <base64>\\n                                  0 to 8: what was shown without a signature

The lines stand in this order and each content has one form. Only headers, hashes and notes go into a file: never a
payload, sealed or not. Nothing is believed here but the form; what the parts prove is said by `ledger.claim`.

Source: docs/spec/evidence-file.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ledger.compact import HASH_BYTES, sha256
from ledger.note import MAX_NOTE_BYTES, NoteVerifier
from ledger.note_text import parse_base64
from ledger.placed import Placed, base64_text, check_form, malformed, parse_placed
from ledger.tiles import MAX_ENTRY_BYTES

EVIDENCE_HEADER: Final = "pprd-evidence/v1"
MAX_EVIDENCE_BYTES: Final = 1 << 20
"""Longest evidence file."""
MAX_CHECKPOINTS: Final = 4
MAX_PARTS: Final = 8
MAX_LEAVES: Final = 1_025
"""Leaf hashes of one file: those of the longest run of a receipt, a batch entry and its events."""
MAX_SHOWN_BYTES: Final = 4_096
"""Longest thing that was shown; longer ones are named by their hash."""
_is_name = re.compile("[a-z][a-z0-9-]{0,31}", re.ASCII).fullmatch
_is_claim = re.compile("[A-Z][A-Z_]{0,27}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Shown:
    """Something that was shown and that nobody signed.

    Attributes:
        name: What it is; the claim says which names it knows.
        content: Its bytes, at most 4,096.
    """

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """The content of an evidence file; nothing in it is checked but its form.

    Attributes:
        claim: What it is said to show, a name of `ledger.claim`.
        log: The key that is said to have signed the checkpoints; whoever judges compares it with the one he knows.
        checkpoints: Signed notes, with all their signatures.
        entries: Entries under them.
        leaves: Leaf hashes under them.
        shown: What nobody signed.
    """

    claim: str
    log: NoteVerifier
    checkpoints: tuple[bytes, ...] = ()
    entries: tuple[Placed, ...] = ()
    leaves: tuple[Placed, ...] = ()
    shown: tuple[Shown, ...] = ()


def format_evidence(evidence: EvidenceFile) -> bytes:
    """Write an evidence file.

    Raises:
        ContractError: EVIDENCE_MALFORMED, a part is out of its range.
    """
    _check(evidence)
    lines = [EVIDENCE_HEADER, f"claim {evidence.claim}", f"log {evidence.log.vkey}"]
    lines += [f"checkpoint {base64_text(note)}" for note in evidence.checkpoints]
    lines += [f"entry {part.words()}" for part in evidence.entries]
    lines += [f"leaf {part.words()}" for part in evidence.leaves]
    lines += [f"shown {part.name} {base64_text(part.content)}" for part in evidence.shown]
    return "\n".join([*lines, ""]).encode("ascii")


def evidence_name(whose: str, claim: str, data: bytes) -> str:
    """Name of a file: who made it, its claim, how its SHA-256 begins. It names a role or a region and nobody else."""
    return f"{whose}-{claim}-{sha256(data).digest()[:6].hex()}.pprd-evidence"


def parse_evidence(data: bytes) -> EvidenceFile:
    """Read the form of an evidence file; there is one form of each.

    Raises:
        ContractError: EVIDENCE_MALFORMED, or NOTE_MALFORMED or KEY_UNSAFE for the key or a piece of base64.
    """
    if len(data) > MAX_EVIDENCE_BYTES:
        raise malformed(f"an evidence file has at most {MAX_EVIDENCE_BYTES} bytes, not {len(data)}")
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError as err:
        raise malformed(f"byte {err.start} is not ASCII") from err
    if lines.pop() or len(lines) < 3 or lines[0] != EVIDENCE_HEADER:
        raise malformed(f"an evidence file begins with {EVIDENCE_HEADER}, a claim and a log, and ends in a newline")
    if not lines[1].startswith("claim ") or not lines[2].startswith("log "):
        raise malformed("the second line names the claim, the third the log")
    evidence = _read(lines[1].removeprefix("claim "), NoteVerifier.parse(lines[2].removeprefix("log ")), lines[3:])
    if format_evidence(evidence) != data:
        raise malformed("the parts do not stand in their order")
    return evidence


def _read(claim: str, log: NoteVerifier, lines: list[str]) -> EvidenceFile:
    checkpoints: list[bytes] = []
    entries: list[Placed] = []
    leaves: list[Placed] = []
    shown: list[Shown] = []
    for line in lines:
        match line.split(" "):
            case ["checkpoint", note]:
                checkpoints.append(parse_base64(note))
            case ["entry", *words] if len(words) >= 3:
                entries.append(parse_placed(words))
            case ["leaf", *words] if len(words) >= 3:
                leaves.append(parse_placed(words))
            case ["shown", name, content]:
                shown.append(Shown(name, parse_base64(content)))
            case _:
                raise malformed(f"{line[:20]!r} begins no part of an evidence file")
    return EvidenceFile(claim, log, tuple(checkpoints), tuple(entries), tuple(leaves), tuple(shown))


def _check(evidence: EvidenceFile) -> None:
    if not _is_claim(evidence.claim):
        raise malformed(f"{evidence.claim[:40]!r} is not the name of a claim")
    if len(evidence.checkpoints) > MAX_CHECKPOINTS or any(len(note) > MAX_NOTE_BYTES for note in evidence.checkpoints):
        raise malformed(f"at most {MAX_CHECKPOINTS} checkpoints of {MAX_NOTE_BYTES} bytes")
    if max(len(evidence.entries), len(evidence.shown)) > MAX_PARTS or len(evidence.leaves) > MAX_LEAVES:
        raise malformed(f"at most {MAX_PARTS} parts of a kind, of leaves {MAX_LEAVES}")
    for part in (*evidence.entries, *evidence.leaves):
        check_form(part, len(evidence.checkpoints))
    if any(len(part.content) > MAX_ENTRY_BYTES for part in evidence.entries):
        raise malformed(f"an entry has at most {MAX_ENTRY_BYTES} bytes")
    if any(len(part.content) != HASH_BYTES for part in evidence.leaves):
        raise malformed(f"a leaf hash has {HASH_BYTES} bytes")
    for item in evidence.shown:
        if not _is_name(item.name) or len(item.content) > MAX_SHOWN_BYTES:
            raise malformed(f"what was shown has a name and at most {MAX_SHOWN_BYTES} bytes")
