"""Editions of the contracts: `Edition`, `Contracts`, `load_contracts`.

An edition is the set of procedures, schemas, rules, regional values and calendars under which matters begin and end.
Its files are those of the folder `contracts` for the founding edition; a later edition N has a folder
`contracts/editions/N` that holds only what differs, and a file there stands in place of the file of the same path in
the edition before. A released file is never edited. What an edition is can be said in one hash, that of its manifest:
one line a file.

Rules kept here: a procedure's file says the edition in which it was written; a schema keeps its name and its form for
ever (`contracts.compatibility`): an event whose body changes gets a new type. Which edition is in force is no matter of
the release but of the ledger (`hub.editions`).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, Final

from contracts.avro import Codec
from contracts.calendar import package_text
from contracts.compatibility import check_compatible
from contracts.deadline import Limits
from contracts.errors import ContractError
from contracts.ids import Hash
from contracts.procedure import load_procedures, parse_procedure
from contracts.procedure_check import Known, known_of, load_known
from contracts.procedure_types import Procedure
from contracts.schema import SchemaRegistry, load_registry

FOUNDING: Final = 1
"""The edition under which every ledger begins."""

_FOLDERS: Final = ("avro", "procedures", "rules")
_KINDS: Final = (".avsc", ".toml", ".csv", ".txt")
_HEAD: Final = "pprd-edition/v1"


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of the contracts.

    Attributes:
        number: From 1.
        manifest: `pprd-edition/v1`, the number, then hash and path of every file, by path.
        manifest_hash: SHA-256 of the manifest: what the ledger adopts.
        procedures: By id.
        limits: Its time limits, regional values and calendars.
    """

    number: int
    manifest: str
    manifest_hash: Hash
    procedures: Mapping[str, Procedure]
    limits: Limits


@dataclass(frozen=True, slots=True)
class Contracts:
    """All editions that this release knows.

    Attributes:
        editions: By number.
        procedures: By (id, edition).
        registry: Schemas of all editions.
    """

    editions: Mapping[int, Edition]
    procedures: Mapping[tuple[str, int], Procedure]
    registry: SchemaRegistry

    @property
    def hashes(self) -> Mapping[int, Hash]:
        """Manifest hash of each edition."""
        return MappingProxyType({number: edition.manifest_hash for number, edition in self.editions.items()})


@cache
def load_contracts() -> Contracts:
    """Read and check all packaged editions once.

    Raises:
        ContractError: EDITION_INVALID, SCHEMA_BREAKING, or what a file of an edition is refused with.
    """
    folder = files("contracts").joinpath("editions")
    named = sorted((int(f.name), f) for f in folder.iterdir() if f.name.isdecimal()) if folder.is_dir() else []
    if [number for number, _ in named] != list(range(FOUNDING + 1, FOUNDING + 1 + len(named))):
        raise ContractError("EDITION_INVALID", "the folders of later editions are numbered without a gap")
    return read_contracts([folder for _, folder in named])


def read_contracts(later: Sequence[Traversable]) -> Contracts:
    """Read the founding edition and those that follow it.

    Args:
        later: The folder of each later edition, in order.

    Raises:
        ContractError: As `load_contracts`.
    """
    texts = dict(_texts(files("contracts")))
    founding = {name: p for (name, _), p in load_procedures().items()}
    editions = {FOUNDING: _edition(FOUNDING, texts, founding, load_known().limits)}
    registry = load_registry()
    if later:
        schemas = _schemas(texts)
        for number, folder in enumerate(later, start=FOUNDING + 1):
            own = dict(_texts(folder))
            texts = _next(number, texts, own)
            schemas |= _schemas(texts)
            known = known_of(texts, SchemaRegistry.of(schemas))
            procedures = _procedures(number, texts, own, known)
            editions[number] = _edition(number, texts, procedures, known.limits)
        registry = SchemaRegistry.of(schemas)
    rows = {(name, n): p for n, edition in editions.items() for name, p in edition.procedures.items()}
    return Contracts(MappingProxyType(editions), MappingProxyType(rows), registry)


def _edition(number: int, texts: Mapping[str, str], procedures: Mapping[str, Procedure], limits: Limits) -> Edition:
    manifest = manifest_of(number, texts)
    digest = Hash(hashlib.sha256(manifest.encode()).digest())
    return Edition(number, manifest, digest, MappingProxyType(dict(procedures)), limits)


def manifest_of(number: int, texts: Mapping[str, str]) -> str:
    """The manifest of an edition: its number, then hash and path of every file, the calendar package's days among them.

    Args:
        number: Of the edition.
        texts: Its files by path.
    """
    said = {**texts, "rules/calendar/chinesecalendar": package_text()}
    lines = [f"{hashlib.sha256(text.encode()).hexdigest()} {path}" for path, text in sorted(said.items())]
    return "\n".join((_HEAD, str(number), *lines)) + "\n"


def _next(number: int, before: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The files of an edition: its own in place of those before."""
    if not any(before.get(path) != text for path, text in own.items()):
        raise ContractError("EDITION_INVALID", f"edition {number} changes nothing")
    for path, text in own.items():
        if path.startswith("avro/") and path in before:
            _check_schema(number, path, json.loads(before[path]), json.loads(text))
    return {**before, **own}


def _check_schema(number: int, path: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """A released schema may get other words for people; one that reads or writes other bytes is another schema."""
    check_compatible(old, new)
    if Codec.of(old).fingerprint != Codec.of(new).fingerprint:
        raise ContractError(
            "SCHEMA_BREAKING",
            f"edition {number}: {path}: a released schema keeps its form; give the event a new type",
            field=path,
        )


def _procedures(number: int, texts: Mapping[str, str], own: Mapping[str, str], known: Known) -> Mapping[str, Procedure]:
    found: dict[str, Procedure] = {}
    for path, text in sorted(texts.items()):
        if not path.startswith("procedures/"):
            continue
        procedure = parse_procedure(path.removeprefix("procedures/"), text, known)
        if (procedure.edition == number) != (path in own) or procedure.edition > number or procedure.id in found:
            raise ContractError(
                "EDITION_INVALID", f"edition {number}: {path}: says {procedure.id} {procedure.edition}, or stands twice"
            )
        found[procedure.id] = replace(procedure, edition=number)
    return found


def _schemas(texts: Mapping[str, str]) -> dict[str, Any]:
    rows = texts.items()
    return {path.removeprefix("avro/"): json.loads(text) for path, text in rows if path.startswith("avro/")}


def _texts(root: Traversable) -> Iterator[tuple[str, str]]:
    """Every file of an edition with its path below the folder."""
    for name in _FOLDERS:
        folder = root.joinpath(name)
        if folder.is_dir():
            yield from _below(folder, f"{name}/")


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_KINDS):
            yield f"{prefix}{entry.name}", entry.read_text(encoding="utf-8")
