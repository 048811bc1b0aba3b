"""Where a matter stands after each of its events, read from the procedures as data (`docs/spec/replay.md`).

Only what deliveries follow from: state, sides, offices, who holds content, and what later rows ask for. An event in the
ledger was admitted, so nothing is decided here a second time; deadlines and guards are left out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from docs.spec.reference.directory import Directory, Office
from docs.spec.reference.unproved import UnprovedError, expect

Header = Mapping[str, Any]
Body = Mapping[str, Any]
Row = Mapping[str, Any]


class Party(NamedTuple):
    """An office that stands for a side."""

    side: str
    kind: str
    office: str


class Matter(NamedTuple):
    """One stream. Of `regions` and `counties` the keys are sides."""

    procedure: str
    edition: int
    state: str
    next_seq: int
    head: bytes
    parties: tuple[Party, ...]
    regions: Mapping[str, str]
    counties: Mapping[str, str]
    holders: tuple[str, ...]
    facts: Mapping[str, Any]

    def bound(self, side: str, kind: str) -> str | None:
        """The office of a kind that stands for a side."""
        return next((one.office for one in self.parties if (one.side, one.kind) == (side, kind)), None)


class Procedures:
    """All procedures by id and edition, as their files say.

    Args:
        folder: `contracts/procedures`.
    """

    def __init__(self, folder: Path) -> None:
        self._files: dict[tuple[str, int], dict[str, Any]] = {}
        for file in sorted(folder.glob("*.toml")):
            found = tomllib.loads(file.read_text(encoding="utf-8"))
            self._files[found["procedure"]["id"], found["procedure"]["edition"]] = found

    def of(self, header: Header) -> dict[str, Any]:
        """The procedure that a header names.

        Raises:
            UnprovedError: There is none.
        """
        found = self._files.get((header["procedure"], header["edition"]))
        if found is None:
            raise UnprovedError(f"no procedure {header['procedure']} {header['edition']}")
        return found

    def row(self, header: Header, body: Body, state: str | None, directory: Directory) -> Row:
        """The row of the procedure that an event takes: by event and state, then by `when`, then by the type of office.

        Raises:
            UnprovedError: There is none: the event does not follow.
        """
        rows = [
            row
            for row in self.of(header)["transition"]
            if row["event"] == header["event_type"]
            and ((state or "START") in row["from"] or (state is None and not row["from"]))
            and meets(row.get("when"), body)
        ]
        expect(bool(rows), f"{header['event_type']} is not possible from {state or 'the start'}")
        if header["producer_region"] == "00":
            return next((row for row in rows if "actor" in row["by"]), rows[0])
        office = directory.offices.get(header["producer_office"])
        kind = "" if office is None else office.kind
        return next((row for row in rows if kind in row["by"].get("office", ())), rows[0])


def meets(when: Mapping[str, Any] | None, body: Body) -> bool:
    """Whether a body has a value that a condition asks for: `equals` one, or `one_of` several."""
    if when is None:
        return True
    values = when["one_of"] if "one_of" in when else [when["equals"]]
    return body.get(when["field"]) in values


def check_place(matter: Matter | None, header: Header) -> None:
    """Check that an event follows the last one of its stream.

    Raises:
        UnprovedError: It does not.
    """
    place = (0, bytes(32)) if matter is None else (matter.next_seq, matter.head)
    expect((header["stream_seq"], header["prev_hash"]) == place, "the event does not follow the last one of its stream")
    if matter is not None:
        same = (matter.procedure, matter.edition) == (header["procedure"], header["edition"])
        expect(same, "the event is of another procedure than its matter")


def after(
    matter: Matter | None,
    procedure: Mapping[str, Any],
    row: Row,
    header: Header,
    body: Body,
    leaf: bytes,
    directory: Directory,
) -> Matter:
    """The matter after an event that takes a row."""
    state = None if matter is None else matter.state
    parties, regions, counties = _bind(matter, procedure, row, header, directory)
    holders = dict.fromkeys(matter.holders if matter is not None else ())
    for ref in header["sealed"]:
        holders.update(dict.fromkeys(ref["recipients"]))
    facts = dict(matter.facts) if matter is not None else {}
    for text in row.get("remember", ()):
        field, _, fact = text.partition(" as ")
        facts[fact or field] = body[field]
    target = state if row["to"] == "SAME" else row["to"]
    if "confirms" in row:
        left = _without(facts.get(row["confirms"]["of"]) or (), header["producer_office"], directory)
        facts[row["confirms"]["of"]] = left
        target = target if left else row["confirms"]["done"]
    return Matter(
        header["procedure"],
        header["edition"],
        str(target),
        header["stream_seq"] + 1,
        leaf,
        parties,
        regions,
        counties,
        tuple(holders),
        facts,
    )


def stands_for(directory: Directory, bound: str, office: str) -> bool:
    """Whether an office is a bound one, or acts for it since that closed."""
    acting = directory.acting(bound)
    return bound == office or (acting is not None and acting.office == office)


def _without(awaited: Iterable[str], office: str, directory: Directory) -> list[str]:
    """The offices that are waited for, without the one that has acted."""
    names = list(awaited)
    done = office if office in names else next((one for one in names if stands_for(directory, one, office)), office)
    return [one for one in names if one != done]


# -- who stands for which side

_Binding = tuple[tuple[Party, ...], Mapping[str, str], Mapping[str, str]]


def _bind(
    matter: Matter | None, procedure: Mapping[str, Any], row: Row, header: Header, directory: Directory
) -> _Binding:
    side = row["by"].get("side")
    if matter is None:
        if side is None:
            return (), {procedure["procedure"]["sides"][0]: "00"}, {}
        office = _office(directory, header["producer_office"])
        county = {} if office.county is None else {side: office.county}
        binding: _Binding = (Party(side, office.kind, office.office),), {side: office.region}, county
    else:
        binding = matter.parties, matter.regions, matter.counties
        if side not in (None, "ANY", "HOLDERS"):
            binding = _bind_actor(binding, side, row["by"], _office(directory, header["producer_office"]))
    if header["counterpart_region"] is None or side != procedure["procedure"]["sides"][0]:
        return binding
    return _bind_other(binding, procedure["procedure"]["counterpart"], header, directory)


def _bind_actor(binding: _Binding, side: str, by: Mapping[str, Any], office: Office) -> _Binding:
    """Who acts for a side stands for it from now on, among offices of its kind; or alone, where a row takes over."""
    parties, regions, counties = binding
    takes_over = by.get("takes_over", False)
    new = Party(side, office.kind, office.office)
    if not takes_over and any((one.side, one.office) == (side, office.office) for one in parties):
        return binding
    if takes_over or (side not in counties and not by.get("any_county", False)):
        counties = _with(counties, side, office.county)
    if takes_over:
        return (new, *(one for one in parties if one.side != side)), regions, counties
    return (*(one for one in parties if (one.side, one.kind) != (side, office.kind)), new), regions, counties


def _bind_other(binding: _Binding, counterpart: Mapping[str, Any], header: Header, directory: Directory) -> _Binding:
    """The side that starts names the other one; a region that replaces another one takes its offices with it."""
    parties, regions, counties = binding
    side = counterpart["side"]
    if regions.get(side, header["counterpart_region"]) != header["counterpart_region"]:
        parties, counties = tuple(one for one in parties if one.side != side), _with(counties, side, None)
    regions = _with(regions, side, header["counterpart_region"])
    if header["counterpart_office"] is None:
        return parties, regions, counties
    office = _office(directory, header["counterpart_office"])
    new = Party(side, office.kind, office.office)
    if new in parties:
        return parties, regions, counties
    is_elsewhere = counties.get(side) != office.county
    others = (one for one in parties if one.side != side or not (is_elsewhere or one.kind == office.kind))
    return (*others, new), regions, _with(counties, side, office.county)


def _with(pairs: Mapping[str, str], key: str, value: str | None) -> Mapping[str, str]:
    others = {name: one for name, one in pairs.items() if name != key}
    return others if value is None else others | {key: value}


def _office(directory: Directory, name: str) -> Office:
    office = directory.offices.get(name)
    if office is None:
        raise UnprovedError(f"no office {name} is registered")
    return office
