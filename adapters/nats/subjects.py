"""Subjects of the broker, DOMAIN 9.1. Names of regions, delivery points and tables stand in them, and nothing else."""

from __future__ import annotations

from typing import Final

from contracts.ids import REGIONS, PointId, RegionCode

LOG_SUBJECT: Final = "pprd.v1.log"
"""Where checkpoints are published."""
DIR_SUBJECT: Final = "pprd.v1.dir"
"""Where the directory's changes are published."""
STT_SUBJECTS: Final = "pprd.v1.stt.*"
"""Where statistics are published, a subject a table."""
COMMON_SUBJECTS: Final = (DIR_SUBJECT, STT_SUBJECTS, LOG_SUBJECT)
"""What every region may hear."""
RCP_SUBJECTS: Final = "pprd.v1.rcp.*"
"""Where regions publish their receipts."""


def rgt_subject(region: RegionCode) -> str:
    """Subject of what is ordered about records that a region's offices hold."""
    return f"pprd.v1.rgt.{region}"


def ntf_subject(point: PointId, *, is_case: bool) -> str:
    """Subject of a delivery point's runs."""
    region, _, token = point.partition("-")
    return f"pprd.v1.ntf.{region}.{'cas' if is_case else 'std'}.{token}"


def point_of_subject(subject: str) -> PointId | None:
    """The delivery point that a subject of runs names, None if it is no such subject.

    A subject of orders names a region: its runs are those of the region's own point.
    """
    parts = subject.split(".")
    if len(parts) == 4 and parts[:3] == ["pprd", "v1", "rgt"] and parts[3] in REGIONS:
        return PointId(f"{parts[3]}-node")
    if len(parts) != 6 or parts[:3] != ["pprd", "v1", "ntf"] or parts[4] not in ("std", "cas"):
        return None
    return PointId(f"{parts[3]}-{parts[5]}")


def rcp_subject(region: RegionCode) -> str:
    """Subject of a region's receipts."""
    return f"pprd.v1.rcp.{region}"


def stt_subject(table: str) -> str:
    """Subject of a table of statistics."""
    return f"pprd.v1.stt.{table.lower().replace('_', '-')}"


def region_of(point: PointId) -> RegionCode:
    """The region of a delivery point."""
    return RegionCode(point[:2])
