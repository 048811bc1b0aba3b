"""What `pprd audit --projections` found, for people and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.cli.errors import out

if TYPE_CHECKING:
    from adapters.compose.projection_auditing import ProjectionReport


def projections_json(found: ProjectionReport) -> dict[str, Any]:
    """Plain values for machines. Names stay; new ones may come."""
    problem = found.problem
    return {
        "digests": found.digests,
        "skipped": found.skipped,
        "tables": found.tables,
        "problem": None
        if problem is None
        else {"code": problem.code, "entry": problem.index, "reason": problem.reason},
    }


def show_projections(found: ProjectionReport) -> None:
    """Write how what was published of the projections compares with what follows."""
    told = f"Published: digests of {found.digests} months, {found.tables} parts of statistics"
    if found.skipped:
        told += f"; {found.skipped} digests of other tables were left out"
    if found.problem is None:
        out.print(f"{told}: all as counted again", style="bold green", markup=False)
    else:
        out.print(f"{told}: {found.problem}", style="bold red", markup=False, soft_wrap=True)
