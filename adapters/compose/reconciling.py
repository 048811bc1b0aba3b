"""What a region holds of the matters between it and another, from its own file, to be compared without content."""

from __future__ import annotations

from pathlib import Path

from adapters.compose.parts import contracts_in_force
from adapters.region.inbox_file import InboxFile, inbox_file
from contracts.event import Header, decode_event, leaf_hash
from contracts.ids import RegionCode
from hub.admission import Rules
from hub.content import effect_of
from hub.directory import Directory
from hub.reconciliation import HeldEvent, Side
from hub.sealed import SealedStreams
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
        rules = contracts_in_force(is_sandbox=True)
        directory = _directory(opened, rules)
        sealed = SealedStreams()
        matters: dict[bytes, list[HeldEvent]] = {}
        parties: dict[bytes, set[str]] = {}
        for index, event in opened.stream_events():
            header = decode_event(event)
            sealed = _after(sealed, header, rules)
            told = _told_regions(header, directory)
            parties.setdefault(header.stream_id, set()).update(told, (header.producer_region,))
            if header.counterpart_region is not None:
                parties[header.stream_id].add(header.counterpart_region)
            held = HeldEvent(header.stream_seq, index, leaf_hash(event), header.producer_region, other in told)
            matters.setdefault(header.stream_id, []).append(held)
        shared = {
            stream_id: tuple(sorted(held))
            for stream_id, held in matters.items()
            if {region, other} <= parties[stream_id] and not sealed.hides(stream_id)
        }
        return Side(region, other, opened.received_through(), shared)


def _told_regions(header: Header, directory: Directory) -> set[str]:
    """Regions of the offices to which an event is sealed."""
    offices = (directory.office(office) for ref in header.sealed for office in ref.recipients)
    return {office.region for office in offices if office is not None}


def _after(sealed: SealedStreams, header: Header, rules: Rules) -> SealedStreams:
    """What is sealed after an event; a sealed matter stands in no list, this one neither (DOMAIN 7.2)."""
    procedure = rules.procedures[header.procedure, header.edition]
    if header.event_type not in procedure.effects:
        return sealed
    effect = effect_of(procedure, header, rules.registry.decode_body(header.body)[1])
    return sealed if effect is None else sealed.after(effect)


def _directory(opened: InboxFile, rules: Rules) -> Directory:
    directory = Directory(rules.divisions)
    for index, event in opened.directory_events():
        directory.apply_event(index, encode_event_entry(event), rules.registry)
    return directory
