"""Plays every lie of the drill and judges what was kept: exactly as a third party does who has the ledger's key."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from adapters.drill.answer_lies import ANSWER_LIES
from adapters.drill.delivery_lies import DELIVERY_LIES
from adapters.drill.entry_lies import ENTRY_LIES
from adapters.drill.head_lies import HEAD_LIES
from adapters.drill.lie import Lie, Noticed
from adapters.drill.rig import Rig
from adapters.drill.stage import Stage, set_stage
from contracts.errors import ExchangeError
from contracts.schema import SchemaRegistry, load_registry
from ledger.claim import Finding, verify_evidence
from ledger.evidence_file import parse_evidence

LIES: Final[tuple[Lie, ...]] = (*HEAD_LIES, *ANSWER_LIES, *DELIVERY_LIES, *ENTRY_LIES)
"""Every lie that is told."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one role made of one lie.

    Attributes:
        lie: Its name.
        role: Who.
        when: When it is noticed.
        code: Of the alarm; empty if nothing was noticed.
        expected: The claim that must be shown; None where nothing that anybody signed shows it.
        claims: The claims of the files that were kept and that a third party accepts.
        is_conclusive: Whether the expected claim leaves no honest explanation; None where there is none.
        files: What was kept.
    """

    lie: str
    role: str
    when: str
    code: str
    expected: str | None
    claims: tuple[str, ...]
    is_conclusive: bool | None
    files: tuple[bytes, ...]

    @property
    def is_caught(self) -> bool:
        """Whether it was noticed, with the evidence that there can be."""
        return bool(self.code) and (self.expected is None or self.expected in self.claims)

    @property
    def proves(self) -> str:
        """What a third party learns, in a few words."""
        if self.expected is None:
            return "not transferable: nobody has signed it"
        return "conclusive" if self.is_conclusive else "the ledger owes an answer"

    def to_json(self) -> dict[str, Any]:
        """Plain values for machines."""
        return {
            "lie": self.lie,
            "role": self.role,
            "when": self.when,
            "code": self.code,
            "expected": self.expected,
            "claims": list(self.claims),
            "conclusive": self.is_conclusive,
            "caught": self.is_caught,
        }


@dataclass(frozen=True, slots=True)
class Drilled:
    """A drill that was played.

    Attributes:
        rows: One for every lie and role.
        vkey: The key of its ledger, under which the files are judged.
        seconds: How long it took.
    """

    rows: tuple[Row, ...]
    vkey: str
    seconds: float

    @property
    def missed(self) -> int:
        """How many rows were not caught."""
        return sum(not row.is_caught for row in self.rows)


async def drill(lies: Sequence[Lie] = LIES, *, told: Callable[[int, str], None] = lambda done, name: None) -> Drilled:
    """Play lies, one after another, in a folder that is thrown away.

    Args:
        lies: Which.
        told: Called before each lie with how many are played, and its name.

    Raises:
        ExchangeError: The drill itself could not be played: DRILL_FAILED, or a fault of this machine.
    """
    began, registry = time.monotonic(), load_registry()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="pprd-drill-") as root:
        stage = await set_stage(Path(root) / "stage")
        rig = Rig(stage, Path(root))
        for done, lie in enumerate(lies):
            told(done, lie.name)
            noticed = await lie.play(rig)
            rows += [_row(lie, role, noticed.get(role, Noticed("")), stage, registry) for role in lie.expected]
    return Drilled(tuple(rows), stage.log.vkey, time.monotonic() - began)


def _row(lie: Lie, role: str, noticed: Noticed, stage: Stage, registry: SchemaRegistry) -> Row:
    expected = lie.expected[role]
    findings = [finding for file in noticed.files if (finding := judge(file, stage, registry)) is not None]
    shown = next((finding for finding in findings if finding.claim == expected), None)
    claims = tuple(dict.fromkeys(finding.claim for finding in findings))
    conclusive = None if shown is None else shown.is_conclusive
    return Row(lie.name, role, lie.when, noticed.code, expected, claims, conclusive, noticed.files)


def judge(file: bytes, stage: Stage, registry: SchemaRegistry) -> Finding | None:
    """What a third party finds in a file, from its bytes and the ledger's key alone; None if it shows nothing."""
    try:
        return verify_evidence(
            parse_evidence(file), log=stage.log, read_body=lambda body: registry.decode_body(body)[1]
        )
    except ExchangeError:
        return None


def run_drill(told: Callable[[int, str], None]) -> Drilled:
    """`drill` for a program."""
    return asyncio.run(drill(told=told))
