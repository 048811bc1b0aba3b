"""What a region holds of the matters between it and another, from its own file, to be compared without content."""

from __future__ import annotations

from pathlib import Path

from adapters.compose.parts import contracts_in_force
from adapters.region.inbox_file import InboxFile, inbox_file
from contracts.event import Header, decode_event, leaf_hash
from contracts.ids import RegionCode
from hub.directory import Directory
from hub.reconciliation import HeldEvent, Side
from ledger.entry import encode_event_entry


def side_of(file: Path, region: RegionCode, other: RegionCode) -> Side:
    """Read one side.

    Args:
        file: The region's `region.sqlite`.
        region: Whose it is.
        other: The other side.

    Raises:
        UnavailableError: SOURCE_UNREADABLE.
    """
    with inbox_file(file) as opened:
        directory = _directory(opened)
        matters: dict[bytes, list[HeldEvent]] = {}
        parties: dict[bytes, set[str]] = {}
        for index, event in opened.stream_events():
            header = decode_event(event)
            told = _told_regions(header, directory)
            parties.setdefault(header.stream_id, set()).update(told, (header.producer_region,))
            if header.counterpart_region is not None:
                parties[header.stream_id].add(header.counterpart_region)
            held = HeldEvent(header.stream_seq, index, leaf_hash(event), header.producer_region, other in told)
            matters.setdefault(header.stream_id, []).append(held)
        shared = {
            stream_id: tuple(sorted(held))
            for stream_id, held in matters.items()
            if {region, other} <= parties[stream_id]
        }
        return Side(region, other, opened.received_through(), shared)


def _told_regions(header: Header, directory: Directory) -> set[str]:
    """Regions of the offices to which an event is sealed."""
    offices = (directory.office(office) for ref in header.sealed for office in ref.recipients)
    return {office.region for office in offices if office is not None}


def _directory(opened: InboxFile) -> Directory:
    rules = contracts_in_force(is_sandbox=True)
    directory = Directory(rules.divisions)
    for index, event in opened.directory_events():
        directory.apply_event(index, encode_event_entry(event), rules.registry)
    return directory
