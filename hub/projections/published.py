"""From counts to what is published: `safe_table`, `parts_of`, `drafts_of` (DOMAIN 8.3).

A table is made once, when its month has closed, and never at request time. It lists every row and column that there can
be, so that what is missing tells nothing; the counts alone decide what is shown, so an auditor who counts again makes
the same table.

    table_hash = SHA-256("pprd-table/v1\n\0" || text), text = lines `name month below`, rows, columns, then one line a
                 shown cell in order of row and column: `row column n`
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from contracts.deadline import Kind, load_rules
from contracts.division import Divisions
from contracts.ids import REGIONS, EventId, Hash, StreamId, uuid7
from contracts.instant import day_start_ms
from contracts.statistic import OUTCOMES, Statistic
from hub.admission import Rules
from hub.own_batch import HubDraft
from hub.projections.disclosure import Key, SafeTable, protect

LABEL: Final = b"pprd-table/v1\n\0"
PART_CELLS: Final = 150
"""Shown cells of one event, at most: with the longest names they stay below the size of an event."""


def safe_table(statistic: Statistic, counts: Mapping[Key, int], rules: Rules) -> SafeTable:
    """What may be shown of a table.

    Args:
        statistic: Which table.
        counts: Its cells that are not zero.
        rules: The contracts, for everything that a row or a column may be.
    """
    rows = _keys(statistic, statistic.row, {row for row, _ in counts}, rules)
    columns = _keys(statistic, statistic.column, {column for _, column in counts}, rules)
    return protect(counts, rows, columns, statistic.below)


def _keys(statistic: Statistic, axis: str, counted: Iterable[str], rules: Rules) -> tuple[str, ...]:
    match axis:
        case "OPENER_REGION" | "OTHER_REGION":
            known: Iterable[str] = REGIONS
        case "OPENER_PREFECTURE" | "OTHER_PREFECTURE":
            known = _prefectures(rules.divisions)
        case "EVENT":
            known = _events(statistic, rules)
        case "RULE":
            known = (rule.id for rule in load_rules().values() if rule.kind is Kind.DUTY)
        case _:
            known = OUTCOMES
    return tuple(sorted({*known, *counted}))


def _prefectures(divisions: Divisions) -> Iterator[str]:
    """Four digits of every prefecture, and of each region for sides whose county is not known."""
    yield from (f"{region}00" for region in REGIONS)
    yield from (row.code[:4] for row in divisions if row.level == 2 and not row.is_pseudo)


def _events(statistic: Statistic, rules: Rules) -> Iterator[str]:
    for procedure in rules.procedures.values():
        if procedure.kind in statistic.kinds and statistic.events is not None:
            yield from (event for event in procedure.events if statistic.events.meets(event))


def table_hash(name: str, month: str, table: SafeTable) -> Hash:
    """The hash of a whole table."""
    lines = [f"{name} {month} {table.below}", " ".join(table.rows), " ".join(table.columns)]
    lines += [f"{row} {column} {n}" for (row, column), n in sorted(table.shown.items())]
    return Hash(hashlib.sha256(LABEL + "\n".join(lines).encode()).digest())


def parts_of(name: str, month: str, table: SafeTable) -> list[dict[str, Any]]:
    """The bodies of the events that publish a table, at least one."""
    cells = [{"row": row, "column": column, "n": n} for (row, column), n in sorted(table.shown.items())]
    starts = range(0, max(1, len(cells)), PART_CELLS)
    found = table_hash(name, month, table)
    return [
        {
            "table": name,
            "month": month,
            "below": table.below,
            "part": number,
            "parts": len(starts),
            "cells": cells[start : start + PART_CELLS],
            "table_hash": found,
        }
        for number, start in enumerate(starts, 1)
    ]


def drafts_of(bodies: Iterable[Mapping[str, Any]]) -> list[HubDraft]:
    """The events of a table's parts; their ids follow from table, month and part, so that none is recorded twice."""
    drafts = []
    for body in bodies:
        id_ = part_id(body["table"], body["month"], body["part"])
        drafts.append(
            HubDraft("StatisticsPublished", "STATISTICS", body, stream_id=StreamId(id_), event_id=EventId(id_))
        )
    return drafts


def part_id(name: str, month: str, part: int) -> bytes:
    """The id of the event, and of the stream, of one part of a table."""
    words = f"pprd-statistics/v1\0{name}\0{month}\0{part}".encode()
    first_day = date(int(month[:4]), int(month[5:]), 1)
    return uuid7(unix_ms=max(0, day_start_ms(first_day)), entropy=hashlib.sha256(words).digest()[:10])
