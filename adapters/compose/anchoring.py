"""Anchors a ledger under a second algorithm, or checks an anchor: each entry is read once, in flat memory.

Both can be interrupted: the state lies beside the anchor file and the next run goes on from it. Two hashes a set bit of
the size are all that it holds.

Source: ADR 0057.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any, Final, NamedTuple

from adapters.compose.audit_sources import opened_source
from adapters.compose.key_locks import key_lock
from adapters.compose.parts import SystemClock
from adapters.compose.sources import SYSTEM, Trust
from adapters.keys.folder import make_anchor_keys, read_anchor_keys
from contracts.errors import ContractError, EvidenceError, UnavailableError
from contracts.ids import Hash, LeafIndex
from contracts.schema import load_registry
from hub.audit_notes import log_keys, parse_kept
from hub.audit_source import Source
from ledger.anchor import MAX_ANCHOR_BYTES, Anchor, AnchorTree, format_anchor, parse_anchor
from ledger.checkpoint import Checkpoint
from ledger.compact import CompactRange, hash_leaf

KEEP_SECONDS: Final = 10.0
_AT_ONCE: Final = 1_024
Progress = Callable[[int, int], None]


class Anchored(NamedTuple):
    """An anchor whose roots were derived from entries.

    Attributes:
        anchor: With every signature that it bears.
        resumed_at: Entries that an interrupted run had taken before.
    """

    anchor: Anchor
    resumed_at: int


def anchor_ledger(
    source_text: str,
    out: Path,
    *,
    algorithm: str,
    name: str,
    keys: Path,
    vkey: str | None = None,
    trust: Trust = SYSTEM,
    progress: Progress | None = None,
) -> Anchored:
    """Anchor the newest checkpoint of a source, or sign an anchor that is there already.

    Args:
        source_text: What an audit takes: a data folder, an export, an address.
        out: The anchor file; one that is there is checked against the entries and gets two signatures more.
        algorithm: Under which.
        name: Of the signer.
        keys: Folder of the signer's keys, Ed25519 and ML-DSA-44; made if there is none.
        vkey: The log's verifier key as the signer knows it; None trusts the source's own.
        trust: Whom the reader believes.
        progress: Told how many of how many entries are done.

    Raises:
        EvidenceError: ANCHOR_INVALID: the entries do not lead to the signed root, or to what the file says.
        ContractError: ANCHOR_MALFORMED.
        UnavailableError: The source or a file cannot be read or written.
    """
    there = parse_anchor(_read(out)) if out.exists() else None
    if there is not None:
        algorithm = there.algorithm
        there.verify_signatures()
    with ExitStack() as stack:
        source = stack.enter_context(opened_source(source_text, trust=trust)).source
        checkpoint, note = _signed(source, vkey, there)
        trees, resumed_at = _derive(source, checkpoint, algorithm, out, progress)
    anchor = there or Anchor(algorithm, trees.anchored.root(), checkpoint, note)
    anchor.verify_roots(root=trees.known.root(), anchored=trees.anchored.root())
    if not (keys / "anchor.key").exists():
        make_anchor_keys(keys, key_lock())
    seconds = SystemClock().now_ms() // 1000
    for key in read_anchor_keys(keys, key_lock()):
        anchor = anchor.signed(name, key, seconds)
    _replace(out, format_anchor(anchor))
    _part(out).unlink(missing_ok=True)
    return Anchored(anchor, resumed_at)


def verify_anchor(
    file: Path,
    source_text: str,
    *,
    vkey: str | None = None,
    trust: Trust = SYSTEM,
    progress: Progress | None = None,
) -> Anchored:
    """Derive both roots of an anchor again from the entries of a source.

    Args:
        file: The anchor file.
        source_text: As of `anchor_ledger`; it may have grown.
        vkey: As of `anchor_ledger`.
        trust: As of `anchor_ledger`.
        progress: As of `anchor_ledger`.

    Raises:
        EvidenceError: ANCHOR_INVALID, SIGNATURE_INVALID, CHECKPOINT_INVALID.
        ContractError: ANCHOR_MALFORMED.
        UnavailableError: The source or the file cannot be read.
    """
    anchor = parse_anchor(_read(file))
    anchor.verify_signatures()
    with ExitStack() as stack:
        source = stack.enter_context(opened_source(source_text, trust=trust)).source
        _signed(source, vkey, anchor)
        trees, resumed_at = _derive(source, anchor.checkpoint, anchor.algorithm, file, progress)
    anchor.verify_roots(root=trees.known.root(), anchored=trees.anchored.root())
    _part(file).unlink(missing_ok=True)
    return Anchored(anchor, resumed_at)


def read_anchor(file: Path) -> Anchor:
    """Read an anchor and check its signers' signatures, without the entries.

    Raises:
        EvidenceError: SIGNATURE_INVALID.
        ContractError: ANCHOR_MALFORMED, NOTE_MALFORMED.
        UnavailableError: It cannot be read.
    """
    anchor = parse_anchor(_read(file))
    anchor.verify_signatures()
    return anchor


def _signed(source: Source, vkey: str | None, anchor: Anchor | None) -> tuple[Checkpoint, bytes]:
    """The checkpoint that is anchored, its log's signatures checked."""
    keys = log_keys(source, vkey or source.log_key(), load_registry)
    kept = source.checkpoint()
    newest = parse_kept(kept, keys)
    if anchor is None:
        return newest, kept.data
    if anchor.checkpoint.origin != newest.origin or anchor.checkpoint.size > newest.size:
        told = f"size {anchor.checkpoint.size} of {anchor.checkpoint.origin} is not in this source"
        raise EvidenceError("ANCHOR_INVALID", told)
    return parse_kept(kept._replace(place="anchor", data=anchor.note), keys), anchor.note


class _Trees:
    """Both running states, and how they are kept."""

    def __init__(self, algorithm: str, state: dict[str, Any] | None = None) -> None:
        self.algorithm = algorithm
        state = state or {"size": 0, "anchored": [], "known": []}
        size = int(state["size"])
        self.anchored = AnchorTree(algorithm, size, [bytes.fromhex(one) for one in state["anchored"]])
        self.known = CompactRange.of(size, [Hash(bytes.fromhex(one)) for one in state["known"]])

    def append(self, entry: bytes) -> None:
        self.anchored.append(entry)
        self.known.append(hash_leaf(entry))

    def state(self) -> dict[str, Any]:
        return {
            "size": self.known.size,
            "anchored": [one.hex() for one in self.anchored.hashes],
            "known": [one.hex() for one in self.known.hashes],
        }


def _derive(
    source: Source, checkpoint: Checkpoint, algorithm: str, file: Path, progress: Progress | None
) -> tuple[_Trees, int]:
    target = {"origin": checkpoint.origin, "target": checkpoint.size, "root": checkpoint.root.hex(), "by": algorithm}
    part = _part(file)
    trees = _resumed(part, target) or _Trees(algorithm)
    begun, due = trees.known.size, monotonic() + KEEP_SECONDS
    for entry in source.entries(LeafIndex(begun), LeafIndex(checkpoint.size)):
        trees.append(entry)
        if not trees.known.size % _AT_ONCE:
            if progress is not None:
                progress(trees.known.size, checkpoint.size)
            if monotonic() >= due:
                _replace(part, json.dumps(target | trees.state()).encode())
                due = monotonic() + KEEP_SECONDS
    if trees.known.size != checkpoint.size:
        raise EvidenceError("ANCHOR_INVALID", f"{trees.known.size} of {checkpoint.size} entries are there")
    return trees, begun


def _resumed(part: Path, target: dict[str, Any]) -> _Trees | None:
    """The state of an interrupted run for the same checkpoint; None if there is none. The roots at the end tell all."""
    try:
        state = json.loads(part.read_bytes())
        return _Trees(target["by"], state) if {key: state[key] for key in target} == target else None
    except (OSError, ValueError, KeyError, TypeError, ContractError, EvidenceError):
        return None


def _part(file: Path) -> Path:
    return file.with_name(f"{file.name}.part")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_ANCHOR_BYTES + 1)
    except OSError as error:
        raise UnavailableError("SOURCE_UNREADABLE", f"{file} cannot be read: {error.strerror}") from error


def _replace(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise UnavailableError("EXPORT_FAILED", f"{error.filename}: {error.strerror}") from error
