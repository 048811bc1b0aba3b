"""Writes `docs/privacy.md`, for a data-protection officer: `make docs`, or `python -m docs.privacy`.

What is processed, for what, on which basis, who gets it, how long it is kept: all of it is read from the contracts, so
that the page is what the programs do. The words around the tables stand here.
"""

import csv
import json
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from contracts.disclosure import load_disclosure
from contracts.opening import load_opening_rules
from contracts.procedure import load_procedures
from contracts.procedure_types import HOLDERS
from contracts.profile import COMMON_FIELDS

PAGE: Final = Path(__file__).with_name("privacy.md")
"""The page that is written."""

_CORE: Final = "identity"

_HEAD: Final = """# Privacy, for a data-protection officer

Made from the contracts by `make docs`; do not edit.

The exchange carries records between offices that have a duty to act on them. It holds no register of persons: nobody
can look for a person in it, by any attribute, and nothing in it links two records of one person (ADR 0007). The
operator of the exchange is a processor: he holds sealed content without a key to it.

- **Clear text** tells codes, states, dates, counties and opaque ids. The complete list of its fields is the event
  header (`contracts/avro/event_header.avsc`) and the bodies (`contracts/avro/body`); a check refuses a field that
  could hold free text, an identity, or what DOMAIN 11 rules out.
- **Content** is sealed by profile to the offices named below and to the office that made it, and to nobody else. It
  is opened for an open task only, with purpose and reason, by an officer whose role allows the profile; the opening
  is in the ledger before a byte leaves. `pprd audit --disclosure` compares who was given what with the table below.
- **Without a task** content is opened in an emergency or of a sealed record, once, after two other offices approved it
  in the ledger (ADR 0054), and by a holder for a copy that was granted to the person (ADR 0066); below stands who may
  ask and how long it holds. An audit names every other one.
- **Minors.** Whether content is about a minor is told inside the sealed part only. It is shown when a responsible
  person of the office, other than the reader, has approved.
- **Hong Kong and Macao** get no personal content unless a cross-boundary basis is registered, signed by the region
  and the hub.
- **Assessments.** Each mandate names its impact assessment and the day of it (`pprd directory`).
- **Destruction.** Keys and ciphertext are destroyed by order and by the clock, at the hub and at every gateway. Each
  confirms it with a signed event, and who has not is listed (`pprd erasures missing`). What that means on a disk and in
  a backup, and what it cannot promise, stands in [a page of its own](privacy-storage.md).
- **What remains** of risk stands in the [threat model](threat-model.md#residual-risks).
"""


def render() -> str:
    """The page."""
    return f"{_HEAD}\n{_purposes()}\n{_contents()}\n{_clearances()}\n{_retention()}"


def _purposes() -> str:
    text = files("contracts").joinpath("rules/legal_bases.csv").read_text(encoding="utf-8")
    rows = [(row["purpose"], row["legal_basis"], row["text"]) for row in csv.DictReader(text.splitlines())]
    return "## Purposes and legal bases\n\n" + _table(("purpose", "basis", "text"), sorted(rows))


def _contents() -> str:
    rows: list[tuple[str, ...]] = []
    given: dict[str, list[str]] = {}
    for one in (row for rows_ in load_disclosure().values() for row in rows_):
        types = " or ".join(sorted(one.office_types)) or "every office that holds the record"
        given.setdefault(one.profile, []).append(f"{one.event}: {types}")
    for entry in sorted(files("contracts").joinpath("avro/profiles").iterdir(), key=lambda path: path.name):
        if entry.name.endswith(".avsc"):
            profile = entry.name.removesuffix(".avsc").upper().replace("_", "-")
            rows.append((profile, _fields(json.loads(entry.read_text(encoding="utf-8"))), "; ".join(given[profile])))
    return "## What content goes to whom\n\n" + _table(
        ("profile", "fields, nothing else", "of which event, to whom"), rows
    )


def _clearances() -> str:
    rows: list[tuple[str, ...]] = []
    procedures = {procedure.id: procedure for procedure in load_procedures().values()}
    for reason, rule in load_opening_rules().clearances.items():
        procedure = procedures[rule.procedure]
        asks = {office for row in procedure.transitions if row.source is None for office in row.by.offices}
        approves = {office for row in procedure.transitions if row.by.side == HOLDERS for office in row.by.offices}
        started = dict.fromkeys(start.rule for row in procedure.transitions for start in row.starts)
        limits = [procedure.limits.rule(name) for name in started]
        told = "; ".join(f"{one.what}: {one.amount} {one.unit.value} ({one.id})" for one in limits)
        offices = "the same" if asks == approves else ", ".join(sorted(approves))
        bases = ", ".join(procedure.legal_bases)
        row = (", ".join(sorted(asks)), f"two others of: {offices}")
        if rule.offices:
            row = (
                "each holder that the request asks for a copy, of that record",
                "the decision that grants the request",
            )
        rows.append((reason, bases, *row, told))
    return "## Openings without an open task\n\n" + _table(
        ("reason", "basis", "who may ask", "who has to approve", "time"), rows
    )


def _fields(schema: dict[str, Any]) -> str:
    names = [field["name"] for field in schema["fields"] if field["name"] not in COMMON_FIELDS]
    return ", ".join("identity core" if name == _CORE else name for name in names)


def _retention() -> str:
    rows = [
        (
            procedure.id,
            f"{procedure.retention.key_days} days after {', '.join(procedure.retention.since)}",
            f"{procedure.retention.skeleton_years} years",
        )
        for procedure in load_procedures().values()
        if procedure.kind != "hub"
    ]
    return "## How long\n\n" + _table(("procedure", "key of the content destroyed", "record of the acts kept"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
