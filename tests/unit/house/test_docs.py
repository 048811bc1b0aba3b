"""The pages say what the code says: codes, words, tables, links."""

import ast
import re
from pathlib import Path

import pytest

from adapters.logs import KEYS
from contracts.codes import CODES
from contracts.office_type import OfficeType
from docs.codes import PAGE, render

_LINE = re.compile(r"[a-z_]+\.[a-z_]+")
_LEVELS = {"debug", "info", "warning", "error", "exception"}


def _glossary(project: Path) -> set[str]:
    return set(re.findall(r"`([^`]+)`", (project / "docs" / "glossary.md").read_text(encoding="utf-8")))


def _pages(project: Path) -> list[Path]:
    return [
        project / "README.md",
        *sorted((project / "docs").rglob("*.md")),
        *sorted((project / "changes").glob("*.md")),
    ]


def test_the_page_of_codes_is_what_the_contracts_say() -> None:
    """Who adds a code says `make docs`."""
    assert PAGE.read_text(encoding="utf-8") == render(CODES)


def test_every_code_is_on_the_page_once() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [code for code in CODES if page.count(f"| `{code}` |") != 1] == []


def test_every_type_of_office_is_in_the_glossary(project: Path) -> None:
    assert [kind.value for kind in OfficeType if kind.value not in _glossary(project)] == []


def test_every_key_of_the_log_is_in_the_glossary(project: Path) -> None:
    """STYLE: keys from the glossary."""
    assert sorted(KEYS - _glossary(project)) == []


def test_every_line_of_the_log_keeps_to_the_keys(project: Path) -> None:
    """What a call would have refused at run time is found before: `log.info("noun.verbed", key=...)`."""
    wrong = []
    for path in sorted((project / "adapters").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _LEVELS):
                continue
            match call.args:
                case [ast.Constant(value=str(said)), *_] if _LINE.fullmatch(said):
                    names = {keyword.arg for keyword in call.keywords if keyword.arg is not None} - {"exc_info"}
                    wrong += [f"{path.relative_to(project)}:{call.lineno} {name}" for name in sorted(names - KEYS)]

    assert wrong == []


def test_every_table_of_the_ledger_is_explained(project: Path) -> None:
    page = (project / "docs" / "architecture.md").read_text(encoding="utf-8")
    source = (project / "adapters" / "store" / "ledger_tables.py").read_text(encoding="utf-8")
    tables = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+)", source))

    assert len(tables) > 5
    assert sorted(table for table in tables if f"`{table}`" not in page) == []


def test_every_link_leads_somewhere(project: Path) -> None:
    broken = [
        f"{page.relative_to(project)}: {target}"
        for page in _pages(project)
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []


def test_every_word_of_make_that_a_page_names_exists(project: Path) -> None:
    words = set(re.findall(r"^([a-z]+):", (project / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        word
        for page in _pages(project)
        for word in re.findall(r"(?:`|^    )make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert {"demo", "test", "docs"} <= named
    assert named <= words


@pytest.mark.parametrize("part", ["Context.", "Options.", "Decision.", "Consequences.", "How we would notice"])
def test_every_decision_has_its_five_parts(project: Path, part: str) -> None:
    """One page: context, options, decision, consequences, how we would notice that it was wrong."""
    decisions = sorted((project / "docs" / "adr").glob("[0-9]*.md"))

    assert len(decisions) >= 9
    assert [page.name for page in decisions if f"**{part}" not in page.read_text(encoding="utf-8")] == []


def test_every_decision_has_a_number_of_its_own(project: Path) -> None:
    numbers = [path.name[:4] for path in (project / "docs" / "adr").glob("*.md")]

    assert len(numbers) > 20
    assert sorted(numbers) == sorted(set(numbers))
