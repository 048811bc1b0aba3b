"""Which editions of the contracts a ledger has adopted, and under which a new matter may begin: `Editions`.

Part of the directory and changed by its events alone. A matter goes on under the edition that it began under, for as
long as it lasts; a new one begins under an edition that is adopted, has come into effect and is not retired. Several
may be in force at once. The founding edition is in force from the genesis record on; its adoption names its manifest.

Not here: what an edition says (`contracts.edition`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from contracts.edition import FOUNDING
from contracts.errors import ConflictError, ContractError, FatalError, RuleError
from contracts.event import Header
from contracts.ids import Hash
from contracts.instant import day_start_ms


@dataclass(frozen=True, slots=True)
class Term:
    """When new matters may begin under an edition.

    Attributes:
        manifest_hash: What was adopted; None for a founding edition whose adoption is not recorded.
        from_ms: First instant.
        to_ms: First instant at which no longer; None until it is retired.
        stream_id: The stream of its events; None where there is none yet.
    """

    manifest_hash: Hash | None
    from_ms: int
    to_ms: int | None
    stream_id: bytes | None

    def is_in_force(self, at_ms: int) -> bool:
        """Whether a new matter may begin at an instant."""
        return self.from_ms <= at_ms and (self.to_ms is None or at_ms < self.to_ms)


class Editions:
    """The adopted editions of one ledger. Mutable; the directory's."""

    __slots__ = ("_terms",)

    def __init__(self) -> None:
        self._terms: dict[int, Term] = {FOUNDING: Term(None, 0, None, None)}

    def term(self, edition: int) -> Term | None:
        """The term of an edition; None if it was never adopted."""
        return self._terms.get(edition)

    def terms(self) -> Mapping[int, Term]:
        """All adopted editions, retired ones too."""
        return dict(self._terms)

    def newest(self, at_ms: int, known: Iterable[int]) -> int:
        """The newest edition in force that somebody knows: the one under which he begins a matter.

        Args:
            at_ms: Instant of the beginning.
            known: Editions that his release holds.

        Raises:
            RuleError: EDITION_UNKNOWN: he knows none of those in force.
        """
        in_force = [number for number, term in self._terms.items() if term.is_in_force(at_ms)]
        usable = [number for number in in_force if number in known]
        if not usable:
            told = ", ".join(map(str, sorted(in_force)))
            raise RuleError("EDITION_UNKNOWN", f"in force is {told}, which is not known here", field="edition")
        return max(usable)

    def check_new(self, edition: int, at_ms: int) -> None:
        """Check that a new matter may begin under an edition.

        Raises:
            RuleError: EDITION_NOT_IN_FORCE.
        """
        term = self._terms.get(edition)
        if term is None or not term.is_in_force(at_ms):
            in_force = ", ".join(str(number) for number, one in sorted(self._terms.items()) if one.is_in_force(at_ms))
            raise RuleError("EDITION_NOT_IN_FORCE", f"edition {edition}; in force is {in_force}", field="edition")

    def check_adopted(self, known: Mapping[int, Hash]) -> None:
        """Check at start-up that the contracts of this release are those that the ledger has adopted.

        Raises:
            FatalError: EDITION_MISMATCH, naming the edition and both hashes.
        """
        for number, term in self._terms.items():
            if term.manifest_hash is not None and known.get(number) != term.manifest_hash:
                mine = known[number].hex() if number in known else "nothing"
                raise FatalError(
                    "EDITION_MISMATCH", f"edition {number}: adopted {term.manifest_hash.hex()}, here is {mine}"
                )

    def adopt(self, header: Header, body: Mapping[str, Any]) -> None:
        """Take an edition up.

        Raises:
            ContractError: BODY_FIELD: the day is none.
            ConflictError: DIRECTORY_TAKEN: it is adopted already.
        """
        number = int(body["edition"])
        term = self._terms.get(number)
        if term is not None and term.stream_id is not None:
            raise ConflictError("DIRECTORY_TAKEN", f"edition {number} is adopted already")
        from_ms = _day_ms(body["effective_on"], "effective_on") if number != FOUNDING else 0
        self._terms[number] = Term(Hash(body["manifest_hash"]), from_ms, None, header.stream_id)

    def retire(self, header: Header, body: Mapping[str, Any]) -> None:
        """Let no new matter begin under an edition from a day on.

        Raises:
            ContractError: BODY_FIELD: the day is none.
            ConflictError: DIRECTORY_STREAM.
            RuleError: EDITION_NOT_IN_FORCE: it is not adopted, or retired already; EDITION_NEEDED.
        """
        number = int(body["edition"])
        term = self._terms.get(number)
        if term is None or term.stream_id is None or term.to_ms is not None:
            raise RuleError("EDITION_NOT_IN_FORCE", f"edition {number} is not adopted or retired", field="edition")
        if term.stream_id != header.stream_id:
            raise ConflictError("DIRECTORY_STREAM", "this edition has another stream", field="stream_id")
        to_ms = _day_ms(body["retired_on"], "retired_on")
        if not any(one.is_in_force(to_ms) and one.to_ms is None for n, one in self._terms.items() if n != number):
            raise RuleError("EDITION_NEEDED", f"no other edition is in force on {body['retired_on']}", field="edition")
        self._terms[number] = replace(term, to_ms=to_ms)


def check_known(body: Mapping[str, Any], known: Mapping[int, Hash]) -> None:
    """Check that what is to be adopted is an edition of this release, byte for byte.

    Args:
        body: Of an event of the directory; one that names no manifest is passed by.
        known: Manifest hash of each edition of this release.

    Raises:
        RuleError: EDITION_UNKNOWN.
    """
    wanted = body.get("manifest_hash")
    if wanted is None:
        return
    mine = known.get(int(body["edition"]))
    if mine != wanted:
        told = "is not known here" if mine is None else f"has the manifest {mine.hex()} here"
        raise RuleError("EDITION_UNKNOWN", f"edition {body['edition']} {told}", field="manifest_hash")


def _day_ms(day: str, field: str) -> int:
    try:
        return day_start_ms(date.fromisoformat(day))
    except ValueError as error:
        raise ContractError("BODY_FIELD", f"{field} is no date", field=field) from error
