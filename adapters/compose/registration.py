"""What a region hands to the hub's operator, and how it enters the directory.

A region keeps its private keys and writes the public side into one TOML file; the operator checks by whom it came and
applies it. The file is read and checked as a whole before anything is recorded.

    region = "44"
    mandates_from = "2020-01-01"          # grants every row of contracts/rules/mandates.csv from this day on
    assessment = "PIA-44-2019-1"          # the impact assessment on which those rest, and its day
    assessed_on = "2019-12-01"
    [[point]]   id, public_key            # X25519, purpose point
    [[office]]  id, type, point, areas, public_key, uscc
    [[key]]     purpose, producer, public_key   # Ed25519: batch, open, receipt or broker
    [[office_key]] office, public_key           # the next key of an office that is registered already
    [[point_key]]  point, public_key            # the next key of a point that is registered already
    [[mandate]] office_type, procedure, event_types, direction, purpose, legal_basis, assessment, assessed_on,
                valid_from, valid_to (optional)

Public keys are written as hex digits. A region begins with a plan, the same file without keys: `points` is a list of
ids, an `[[office]]` may leave out its id. Not here: how it enters the directory (`directory_changes`).
"""

from __future__ import annotations

import json
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from adapters.keys.folder import RegionKeys
from contracts.errors import ContractError
from contracts.ids import OfficeId, PointId, RegionCode, is_office_id, is_point_id
from contracts.suite import public_of

_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_TABLES: Final[Mapping[str, frozenset[str]]] = {
    "point": frozenset({"id", "public_key"}),
    "office": frozenset({"id", "type", "point", "areas", "public_key", "uscc"}),
    "key": frozenset({"purpose", "producer", "public_key"}),
    "office_key": frozenset({"office", "public_key"}),
    "point_key": frozenset({"point", "public_key"}),
    "mandate": frozenset(
        {
            "office_type",
            "procedure",
            "event_types",
            "direction",
            "purpose",
            "legal_basis",
            "assessment",
            "assessed_on",
            "valid_from",
            "valid_to",
        }
    ),
}
_OPTIONAL: Final = frozenset({"valid_to"})
_GRANTING: Final = ("mandates_from", "assessment", "assessed_on")
"""What grants the packaged mandates: all three or none."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The public side of one region.

    Attributes:
        region: Two digits.
        is_new: Whether the region itself is to be registered too.
        points: Rows of `[[point]]`.
        offices: Rows of `[[office]]`.
        keys: Rows of `[[key]]`.
        office_keys: Rows of `[[office_key]]`.
        point_keys: Rows of `[[point_key]]`.
        mandates: Rows of `[[mandate]]`.
        mandates_from: First day of the packaged mandates, or None to grant none of them.
        assessment: Number of the impact assessment on which the packaged mandates rest; given with `mandates_from`.
        assessed_on: Day of the assessment.
    """

    region: str
    is_new: bool = True
    points: Sequence[Mapping[str, Any]] = ()
    offices: Sequence[Mapping[str, Any]] = ()
    keys: Sequence[Mapping[str, Any]] = ()
    office_keys: Sequence[Mapping[str, Any]] = ()
    point_keys: Sequence[Mapping[str, Any]] = ()
    mandates: Sequence[Mapping[str, Any]] = ()
    mandates_from: str | None = None
    assessment: str | None = None
    assessed_on: str | None = None


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """What a region wants to register, before it has keys.

    Attributes:
        region: Two digits.
        points: Its delivery points.
        offices: Rows with id, type, point, areas, uscc.
        mandates_from: As in `Registration`.
        assessment: As in `Registration`.
        assessed_on: As in `Registration`.
    """

    region: RegionCode
    points: tuple[PointId, ...]
    offices: Sequence[Mapping[str, Any]]
    mandates_from: str | None
    assessment: str | None = None
    assessed_on: str | None = None


def read_plan(path: Path, region: RegionCode) -> RegionPlan:
    """Read a region's plan; an office without an id gets a fresh one.

    Raises:
        ContractError: REGISTER_MALFORMED, naming the place.
    """
    value = _read(path, {"points", "office", *_GRANTING})
    _check_granting(path, value)
    points, offices = value.get("points"), value.get("office", [])
    if not isinstance(points, list) or not all(isinstance(p, str) and is_point_id(p) for p in points):
        raise ContractError(
            "REGISTER_MALFORMED", f"{path}: points is no list of ids such as {region}-node", field="points"
        )
    rows = [{"id": fresh_office()} | row if isinstance(row, dict) else row for row in offices]
    _check_table(path, "office", rows, _TABLES["office"] - {"public_key"})
    for row in rows:
        if not is_office_id(row["id"]):
            raise ContractError("REGISTER_MALFORMED", f"{path}: {row['id']!r} is no office id", field="office")
    return RegionPlan(region, tuple(PointId(point) for point in points), rows, *(value.get(name) for name in _GRANTING))


def fresh_office() -> str:
    """An office id that was never given: random, so that it tells nothing."""
    return "o" + "".join(secrets.choice(_CROCKFORD) for _ in range(8))


def registration_of(plan: RegionPlan, keys: RegionKeys) -> Registration:
    """The public side of a region with its keys."""
    signing = {"batch": keys.batch, "open": keys.opening, "receipt": keys.receipt, "broker": keys.broker}
    return Registration(
        region=plan.region,
        points=[{"id": p, "public_key": keys.points[p].public_key().public_bytes_raw().hex()} for p in plan.points],
        offices=[{**row, "public_key": public_of(keys.offices[OfficeId(row["id"])]).hex()} for row in plan.offices],
        keys=[
            {
                "purpose": purpose,
                "producer": f"{plan.region}-node",
                "public_key": key.public_key().public_bytes_raw().hex(),
            }
            for purpose, key in signing.items()
        ],
        mandates_from=plan.mandates_from,
        assessment=plan.assessment,
        assessed_on=plan.assessed_on,
    )


def read_registration(path: Path) -> Registration:
    """Read a registration file.

    Raises:
        ContractError: REGISTER_MALFORMED, naming the place.
    """
    value = _read(path, {*_TABLES, "region", "is_new", *_GRANTING})
    _check_granting(path, value)
    if not isinstance(value.get("region"), str):
        raise ContractError("REGISTER_MALFORMED", f"{path}: region is missing", field="region")
    for table, columns in _TABLES.items():
        _check_table(path, table, value.get(table, []), columns)
    return Registration(
        region=value["region"],
        is_new=bool(value.get("is_new", True)),
        points=value.get("point", ()),
        offices=value.get("office", ()),
        keys=value.get("key", ()),
        office_keys=value.get("office_key", ()),
        point_keys=value.get("point_key", ()),
        mandates=value.get("mandate", ()),
        mandates_from=value.get("mandates_from"),
        assessment=value.get("assessment"),
        assessed_on=value.get("assessed_on"),
    )


def _read(path: Path, names: set[str]) -> dict[str, Any]:
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ContractError("REGISTER_MALFORMED", f"{path} cannot be read as TOML: {error}") from error
    if unknown := value.keys() - names:
        raise ContractError("REGISTER_MALFORMED", f"{path}: unknown: {', '.join(sorted(unknown))}")
    return value


def _check_granting(path: Path, value: Mapping[str, Any]) -> None:
    given = [name for name in _GRANTING if isinstance(value.get(name), str)]
    if len(given) not in (0, len(_GRANTING)):
        raise ContractError("REGISTER_MALFORMED", f"{path}: {', '.join(_GRANTING)} are given together", field=given[0])


def _check_table(path: Path, table: str, rows: object, columns: frozenset[str]) -> None:
    if not isinstance(rows, list):
        raise ContractError("REGISTER_MALFORMED", f"{path}: [[{table}]] is no list of tables", field=table)
    for number, row in enumerate(rows):
        wrong = (row.keys() ^ columns) - (_OPTIONAL - row.keys()) if isinstance(row, dict) else columns
        if wrong:
            raise ContractError(
                "REGISTER_MALFORMED",
                f"{path}: [[{table}]] {number}: missing or unknown: {', '.join(sorted(wrong))}",
                field=table,
            )


def write_registration(path: Path, registration: Registration) -> None:
    """Write a registration file."""
    lines = [
        "# The public side of a region, for the hub's operator: `pprd directory apply` records it.",
        f"region = {_toml(registration.region)}",
        f"is_new = {_toml(registration.is_new)}",
    ]
    granting = (registration.mandates_from, registration.assessment, registration.assessed_on)
    lines += [f"{name} = {_toml(value)}" for name, value in zip(_GRANTING, granting, strict=True) if value is not None]
    tables = (
        ("point", registration.points),
        ("office", registration.offices),
        ("key", registration.keys),
        ("office_key", registration.office_keys),
        ("point_key", registration.point_keys),
        ("mandate", registration.mandates),
    )
    for table, rows in tables:
        for row in rows:
            lines += ["", f"[[{table}]]", *(f"{name} = {_toml(value)}" for name, value in row.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _toml(value: Any) -> str:
    """TOML of the few kinds of values that a registration holds; they are written as in JSON."""
    return json.dumps(value, ensure_ascii=False)
