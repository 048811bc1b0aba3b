"""What a region's gateway has kept of a ledger that contradicted itself, and the heads that two people compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

from adapters.compose.audit_sources import opened_source
from adapters.compose.folder import DataFolder
from adapters.compose.parts import REGION_FILE
from adapters.compose.sources import Trust
from adapters.region.checkpoints import trusted_note
from adapters.region.database import RegionDatabase
from adapters.region.evidence_store import kept_files
from adapters.region.region_store import RegionStore
from contracts.errors import ContractError, ExchangeError, RuleError, UnavailableError
from contracts.ids import LeafIndex
from ledger.checkpoint import parse_checkpoint
from ledger.claim import verify_evidence
from ledger.compact import CompactRange, hash_leaf
from ledger.evidence_file import EvidenceFile
from ledger.exhibit import of_heads, of_prefix
from ledger.note import NoteVerifier
from ledger.tree import appended_node_reader, prove_consistency, prove_inclusion


def trusted_head(data: Path, region: str) -> bytes:
    """The newest head that a region has proved to go with all others that it was shown, as a signed note.

    Raises:
        UnavailableError: STORE_MISSING.
        RuleError: NOT_FOUND: it trusts none yet.
    """
    with _region_store(data, region) as store:
        note = trusted_note(store)
    if note is None:
        raise RuleError("NOT_FOUND", f"region {region} trusts no head yet")
    return note


def compare_heads(one: bytes, two: bytes, log: NoteVerifier, source: str | None, trust: Trust) -> EvidenceFile | None:
    """Compare the heads that two people were shown.

    Args:
        one: A signed note.
        two: The other one's.
        log: The ledger's key.
        source: What an audit takes; needed where the sizes differ, to prove that one extends the other.
        trust: Of the source.

    Returns:
        The evidence that they are of two histories, or are not shown to be of one; None if they agree.

    Raises:
        ContractError: SETTINGS_INVALID: the sizes differ and no source is named.
        UnavailableError: The source cannot be read.
    """
    known, shown = sorted((one, two), key=lambda note: parse_checkpoint(note, log).size)
    old, new = parse_checkpoint(known, log).size, parse_checkpoint(shown, log).size
    if old == new:
        return of_heads(log, known, shown)
    if source is None:
        raise ContractError("SETTINGS_INVALID", f"say SOURCE: who proves that size {new} extends size {old}?")
    with opened_source(source, trust=trust) as opened:
        entries = islice(opened.source.entries(LeafIndex(0), LeafIndex(new)), new)
        leaves = [hash_leaf(data) for data in entries]
    if len(leaves) != new:
        return of_heads(log, known, shown)
    node = appended_node_reader(CompactRange(), leaves)
    file = of_heads(log, known, shown, prove_consistency(node, old, new))
    if file is None or file.claim == "PREFIX_CHANGED":
        return file
    last = LeafIndex(old - 1)
    stronger = of_prefix(log, known, shown, leaves[last], prove_inclusion(node, last, new))
    try:
        verify_evidence(stronger, log=log, read_body=lambda body: {})
    except ExchangeError:
        return file
    return stronger


def kept_evidence(data: Path, region: str) -> Sequence[tuple[str, bytes]]:
    """Claims and evidence files of a region.

    Raises:
        UnavailableError: STORE_MISSING: the region has no file there.
    """
    with _region_store(data, region) as store:
        return kept_files(store)


@contextmanager
def _region_store(data: Path, region: str) -> Iterator[RegionStore]:
    path = DataFolder(data).region(region) / REGION_FILE
    if not path.exists():
        raise UnavailableError("STORE_MISSING", f"region {region} keeps nothing in {data}")
    with closing(RegionDatabase(path)) as database:
        yield RegionStore(database)
