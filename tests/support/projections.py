"""Projections for tests: kept from a ledger's file page by page, and compared. Pure of pytest."""

from __future__ import annotations

from pathlib import Path

from adapters.store.projection_follower import PAGE, ProjectionFollower, form_of_projections
from adapters.store.projection_store import PROJECTIONS, ProjectionStore
from contracts.hiding import Hiding
from hub.admission import Rules
from hub.ports import LedgerReader


def open_projections(path: Path) -> ProjectionStore:
    """The file, made if it is missing."""
    return ProjectionStore(path, form=form_of_projections())


def follow(
    reader: LedgerReader, store: ProjectionStore, rules: Rules, *, page: int = PAGE, hiding: Hiding | None = None
) -> ProjectionStore:
    """Follow a ledger to its end."""
    follower = ProjectionFollower(reader=reader, store=store, rules=rules, page=page, hiding=hiding)
    while follower.turn():
        pass
    return store


def digests(store: ProjectionStore) -> dict[str, str]:
    """The digest of each projection."""
    return {name: store.projection(name).digest().hex() for name in PROJECTIONS}
