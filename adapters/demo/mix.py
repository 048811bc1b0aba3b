"""How often each kind of matter is played: the mix of DOMAIN 14, chosen for coverage and no statistic.

A share is per 10,000 streams; a registration and the notice of it are two. What DOMAIN 14 does not count, filings of
leases, lodgings, requests and orders with the matters that they are about, takes its share from the registrations, and
so does whatever the floor adds to a small kind: every story is played a few times, however few matters there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.demo.correction_stories import CORRECTIONS
from adapters.demo.help_stories import CHILDREN, REHABILITATIONS
from adapters.demo.household_stories import HOUSEHOLD_MOVES
from adapters.demo.local_stories import LODGINGS, TENANCIES
from adapters.demo.opening_stories import EMERGENCY_OPENINGS, SEALED_QUERIES
from adapters.demo.permit_stories import PERMITS
from adapters.demo.release_stories import RELEASES
from adapters.demo.residence_stories import NOTICES, REGISTRATIONS, REJECTIONS
from adapters.demo.rights_stories import (
    ERASURE_ORDERS,
    RETENTION_CONFIRMATIONS,
    RIGHTS_REQUESTS,
    SEAL_ORDERS,
    UNSEAL_ORDERS,
)
from adapters.demo.settlement_stories import SETTLEMENTS
from adapters.demo.story import Story
from adapters.demo.work_stories import WORK_PERMITS

SHARE_OF: Final = 10_000
"""Streams that the shares are told of."""
FEW: Final = 1_000
"""Matters below which a story is played at least once, and not three times."""


@dataclass(frozen=True, slots=True)
class MatterKind:
    """Matters of one kind.

    Attributes:
        stories: How they go.
        share: How many of 10,000 streams, without the matters that they are about.
    """

    stories: tuple[Story, ...]
    share: int

    @property
    def matters_each(self) -> int:
        """Matters that one story makes at most: itself, and those that it is about."""
        return max(story.matters for story in self.stories)


KINDS: Final = (
    MatterKind(PERMITS, 1_000),
    MatterKind(WORK_PERMITS, 250),
    MatterKind(SETTLEMENTS, 150),
    MatterKind(HOUSEHOLD_MOVES, 800),
    MatterKind(CORRECTIONS, 150),
    MatterKind(RELEASES, 100),
    MatterKind(REHABILITATIONS, 30),
    MatterKind(CHILDREN, 20),
    MatterKind(TENANCIES, 100),
    MatterKind(LODGINGS, 60),
    MatterKind(RIGHTS_REQUESTS, 60),
    MatterKind(SEAL_ORDERS, 10),
    MatterKind(UNSEAL_ORDERS, 5),
    MatterKind(ERASURE_ORDERS, 20),
    MatterKind(RETENTION_CONFIRMATIONS, 5),
    MatterKind(EMERGENCY_OPENINGS, 5),
    MatterKind(SEALED_QUERIES, 5),
)
"""All kinds but the registrations, which are the rest."""
REJECTED_SHARE: Final = 0.05
"""How many registrations an official rejects."""


def floor_of(matters: int) -> int:
    """How often every story is played at least."""
    return 1 if matters < FEW else 3


def counts_of(matters: int) -> Mapping[MatterKind, int]:
    """How often each kind is played, without the registrations."""
    floor = floor_of(matters)
    return {kind: max(round(matters * kind.share / SHARE_OF), floor * len(kind.stories)) for kind in KINDS}


def matters_of(counts: Mapping[MatterKind, int]) -> int:
    """How many matters that makes."""
    return sum(count * kind.matters_each for kind, count in counts.items())


def fewest_matters() -> int:
    """With fewer matters some story would not be played."""
    pairs = max(len(REGISTRATIONS), len(NOTICES))
    return matters_of({kind: len(kind.stories) for kind in KINDS}) + len(REJECTIONS) + 2 * pairs + 1
