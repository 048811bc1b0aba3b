"""What tests ask of the page of an evidence pack: its verdict, its checks, and pages with another pack in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from playwright.sync_api import Page
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.pack.page import evidence_in, render_page
from ledger.pack import EvidencePack, format_pack, parse_pack
from tests.support.browser import VERDICT

HOLDS: Final = "The evidence holds 证据成立"
HOLDS_NOT: Final = "The evidence does NOT hold 证据不成立"
NOT_VERIFIED: Final = "NOT verified 未核验"


def said(*arguments: object) -> tuple[int, str]:
    """Exit code and words of `pprd receipt`."""
    result = CliRunner().invoke(app, ["receipt", *map(str, arguments)])
    if "Traceback" in result.output:
        raise AssertionError(result.output)
    return result.exit_code, result.output


def states(page: Page) -> Mapping[str, str]:
    """The state of each check, after the page has made them."""
    page.wait_for_selector(VERDICT)
    rows = page.eval_on_selector_all(
        "[data-check]", "rows => rows.map(({ dataset }) => [dataset.check, dataset.state])"
    )
    return dict(rows)


def reasons(page: Page) -> list[tuple[str, str]]:
    """Why each check that did not pass did not, in English and in Chinese."""
    rows = page.eval_on_selector_all(
        "[data-state=fail] td:last-child, [data-state=unknown] td:last-child",
        "cells => cells.map((cell) => [...cell.querySelectorAll('.line')].map((line) => line.innerText))",
    )
    return [(en, zh) for en, zh in rows]


def failed(page: Page) -> list[str]:
    """The checks that failed, in order."""
    return [name for name, state in states(page).items() if state == "fail"]


def verdict(page: Page) -> str:
    """The verdict as a person reads it; of a page whose verifier does not run the one that stands there."""
    return page.inner_text("[role=status] .title")


def open_other(page: Page, file: Path, *, into: str = "#other") -> None:
    """Give a page a file of the reader's: another pack, or with `#own-policy` a policy."""
    page.wait_for_selector(VERDICT)
    page.evaluate("delete document.body.dataset.verdict")
    page.set_input_files(into, file)
    page.wait_for_selector(VERDICT)


def pack_in(file: Path) -> EvidencePack:
    """The pack of a page."""
    return parse_pack(evidence_in(file.read_bytes()))


def page_of(pack: EvidencePack, folder: Path) -> Path:
    """A page with a pack."""
    file = folder / "page.html"
    file.write_bytes(render_page(format_pack(pack)))
    return file


def flipped(data: bytes, at: int) -> bytes:
    """Bytes of which one has another lowest bit."""
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
