"""An evidence file whose checkpoints and paths were checked, as the rules of the claims read it.

Source: docs/spec/evidence-file.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from contracts.errors import ContractError, EvidenceError
from contracts.event import Header, decode_event
from contracts.ids import Hash
from ledger.batch import Batch, decode_tbs
from ledger.checkpoint import Checkpoint
from ledger.entry import BatchEntry, EventEntry, decode_entry
from ledger.evidence_file import EvidenceFile
from ledger.placed import Placed
from ledger.tree import HASH_BYTES

BodyReader = Callable[[bytes], Mapping[str, Any]]
"""Decodes the body of an event."""


class Case(NamedTuple):
    """A checked evidence file.

    Attributes:
        file: The file.
        heads: Its checkpoints, with a good signature each.
        read_body: Decodes bodies.
    """

    file: EvidenceFile
    heads: tuple[Checkpoint, ...]
    read_body: BodyReader

    def two_heads(self) -> tuple[Checkpoint, Checkpoint]:
        """The two checkpoints that a claim takes.

        Raises:
            EvidenceError: CLAIM_UNPROVED: there are more or fewer.
        """
        if len(self.heads) != 2:
            raise unproved(f"the claim takes two checkpoints, not {len(self.heads)}")
        return self.heads[0], self.heads[1]

    def entries(self, *counts: int) -> tuple[Placed, ...]:
        """The entries that a claim takes, in the order of the ledger; raises CLAIM_UNPROVED."""
        placed = self.file.entries
        if len(placed) not in counts or any(a.index >= b.index for a, b in pairwise(placed)):
            raise unproved(f"the claim takes {counts} entries in the order of the ledger, not {len(placed)}")
        return placed

    def shown(self, *names: str) -> tuple[bytes, ...]:
        """What was shown under these names, which have to be all; raises CLAIM_UNPROVED."""
        if not self.shows(*names):
            raise unproved(f"the claim shows {', '.join(names) or 'nothing'}")
        return tuple(item.content for item in self.file.shown)

    def shows(self, *names: str) -> bool:
        """Whether exactly these names are shown."""
        return tuple(item.name for item in self.file.shown) == names

    def body(self, placed: Placed, *event_types: str) -> Mapping[str, Any]:
        """Body of an event of one of some types; raises CLAIM_UNPROVED where the entry is something else."""
        header = header_of(placed)
        if header.event_type not in event_types:
            raise unproved(f"entry {placed.index} is {header.event_type}, not {' or '.join(event_types)}")
        return self.read_body(header.body)


def header_of(placed: Placed) -> Header:
    """Header of an event entry; raises CLAIM_UNPROVED where it is none."""
    entry = decode_entry(placed.content)
    if not isinstance(entry, EventEntry):
        raise unproved(f"entry {placed.index} is no event")
    return decode_event(entry.event)


def batch_of(placed: Placed) -> tuple[BatchEntry, Batch]:
    """A batch entry and its signed header; raises CLAIM_UNPROVED where it is none."""
    entry = decode_entry(placed.content)
    if not isinstance(entry, BatchEntry):
        raise unproved(f"entry {placed.index} is no batch")
    return entry, decode_tbs(entry.tbs)


def split_hashes(data: bytes) -> list[Hash]:
    """Cut joined hashes apart; raises ContractError EVIDENCE_MALFORMED."""
    if len(data) % HASH_BYTES:
        raise ContractError("EVIDENCE_MALFORMED", "the hashes of a proof are cut short")
    return [Hash(data[at : at + HASH_BYTES]) for at in range(0, len(data), HASH_BYTES)]


def counted_hashes(data: bytes) -> tuple[list[Hash], bytes]:
    """Read `u8 count || hashes`; gives them and what follows. Raises ContractError EVIDENCE_MALFORMED."""
    count = data[0] if data else -1
    end = 1 + HASH_BYTES * count
    if count < 0 or len(data) < end:
        raise ContractError("EVIDENCE_MALFORMED", "the hashes of a proof are cut short")
    return split_hashes(data[1:end]), data[end:]


def unproved(message: str) -> EvidenceError:
    """The finding that a file does not show what it claims."""
    return EvidenceError("CLAIM_UNPROVED", message)
