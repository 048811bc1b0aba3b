"""The drill itself: every lie of a hub is noticed by whom it must be, with evidence that convinces a third party."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.compose.folder import DataFolder
from adapters.drill.liar import LyingHub, drill_settings
from adapters.drill.lie import Lie, Noticed
from adapters.drill.rig import Rig
from adapters.drill.run import LIES, Row, drill
from adapters.settings import HubSettings
from contracts.errors import AccessError
from docs.drill import PAGE, render
from ledger.claim import CLAIMS
from tests.support.async_tests import runs_in_a_loop

# All lies are played in the set-up of the first test; a slow machine is no hang.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(900), pytest.mark.sqlite_file]

MISSED = Lie("is honest", "never", lambda rig: _nothing(rig), {"auditor": "TWO_ROOTS"})
"""Nobody can notice it: the drill has to say so."""


async def _nothing(rig: Rig) -> dict[str, Noticed]:
    return {"auditor": Noticed("", (b"anything",))}


@pytest.fixture(scope="module")
def rows() -> Sequence[Row]:
    """What came of all lies, played once."""
    drilled = asyncio.run(drill((*LIES, MISSED)))
    assert drilled.missed == 1
    return drilled.rows


@pytest.mark.parametrize(("lie", "role"), [(lie, role) for lie in LIES for role in lie.expected])
def test_a_lie_is_noticed_with_the_evidence_that_there_can_be(rows: Sequence[Row], lie: Lie, role: str) -> None:
    (row,) = [row for row in rows if (row.lie, row.role) == (lie.name, role)]

    assert row.code, "nobody noticed"
    if lie.expected[role] is None:
        assert row.files == ()
    else:
        assert lie.expected[role] in row.claims
    assert row.is_caught


def test_what_nobody_noticed_is_said(rows: Sequence[Row]) -> None:
    (row,) = [row for row in rows if row.lie == MISSED.name]

    assert not row.is_caught
    assert row.to_json()["caught"] is False


def test_every_kind_of_lie_is_told() -> None:
    """Issue 5: forks, rewinds, truncates, reorders, back-dates, withholds, swaps, forges, a revoked key, two people."""
    words = ("fork", "rewind", "truncate", "reorder", "back-date", "withhold", "swap", "forge", "revoked", "two people")

    assert [word for word in words if not any(word in lie.name for lie in LIES)] == []
    assert {claim for lie in LIES for claim in lie.expected.values() if claim is not None} <= set(CLAIMS)


def test_the_page_of_the_drill_is_what_is_played() -> None:
    """Who adds a lie says `make docs`."""
    assert PAGE.read_text(encoding="utf-8") == render(LIES)


@runs_in_a_loop
async def test_the_liar_opens_no_ledger_but_those_of_a_drill(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    settings = HubSettings.load(
        None, data_dir=folder.hub, listen="127.0.0.1:0", origin="ledger.example/pprd", sandbox=True
    )
    folder.write_hub(settings)

    with pytest.raises(AccessError) as error:
        drill_settings(folder)
    with pytest.raises(AccessError):
        await LyingHub(folder).__aenter__()

    assert error.value.code == "DRILL_ONLY"
    assert not folder.hub.exists()


def test_nobody_but_its_own_verb_knows_the_liar(project: Path) -> None:
    """`adapters/cli/drill.py` starts it; no other program has a line that could."""
    users = {
        path.relative_to(project).as_posix()
        for package in ("contracts", "ledger", "hub", "adapters")
        for path in (project / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("adapters.drill")
    }

    assert {user for user in users if not user.startswith("adapters/drill/")} == {"adapters/cli/drill.py"}
