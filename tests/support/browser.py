"""The Chromium of this machine, headless and without a network: the pages of evidence packs are tried in it.

    with browsing() as browser:
        page = browser.open(tmp_path / "pack.html")

Pure of pytest. Playwright only drives it: the browser is the system's.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Browser, Page, sync_playwright

from adapters.pack.page import joined
from adapters.pack.words import words_of
from contracts.edition import load_contracts

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # One process draws all tabs: each new one costs more than the page.
    "--renderer-process-limit=1",
)
VERDICT: Final = "body[data-verdict]"
_WAIT_MS: Final = 20_000
_REFUSALS: Final = """
  async ([body, rows]) => {
    const v = globalThis.verifier, found = [];
    const job = Object.getPrototypeOf(async () => {}).constructor("v", "row", body);
    for (const row of rows) {
      try { await job(v, row); found.push(""); }
      catch (error) { if (!(error instanceof v.Refusal)) throw error; found.push(error.message || "?"); }
    }
    return found;
  }
"""
Scheme = Literal["light", "dark"]


def chromium_path() -> str | None:
    """Where the browser is; None if this machine has none."""
    return next((path for name in NAMES if (path := shutil.which(name)) is not None), None)


class Chromium:
    """A browser that runs.

    Args:
        browser: As Playwright gives it.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    @contextmanager
    def opened(
        self,
        file: Path,
        *,
        scheme: Scheme = "light",
        width: int = 1000,
        init: str | None = None,
        scripts: bool = True,
    ) -> Iterator[Page]:
        """A file in a tab of its own that has no network; faults of the page's scripts are raised at the end.

        Args:
            file: Any file.
            scheme: What the reader prefers.
            width: Of the window, pixels.
            init: A script that runs before the page's own.
            scripts: Whether the page's scripts run.
        """
        context = self._browser.new_context(
            color_scheme=scheme,
            viewport={"width": width, "height": 900},
            offline=True,
            accept_downloads=True,
            java_script_enabled=scripts,
        )
        faults: list[str] = []
        try:
            context.set_default_timeout(_WAIT_MS)
            if init is not None:
                context.add_init_script(init)
            page = context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.goto(file.resolve().as_uri())
            yield page
        finally:
            context.close()
        if faults:
            raise AssertionError(f"the page failed: {faults}")


class JsVerifier:
    """The verifier's functions in a tab, to be called with values; bytes go in as base64.

    Args:
        page: A tab that has loaded `harness`.
    """

    def __init__(self, page: Page) -> None:
        self._page = page

    def call(self, expression: str, argument: object = None) -> Any:
        """Value of a JavaScript function `(argument) => ...`, its promise awaited."""
        return self._page.evaluate(expression, argument)

    def refusals(self, body: str, rows: list[Any]) -> list[str]:
        """For each row why it is refused, "" if it is not; any other fault of the verifier is raised.

        Args:
            body: JavaScript that sees the functions as `v` and a row as `row`.
            rows: Plain values.
        """
        return list(self._page.evaluate(_REFUSALS, [body, rows]))


@contextmanager
def browsing() -> Iterator[Chromium]:
    """Run the browser of this machine; with a new folder for its user, that goes away with it."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium_path(), headless=True, args=list(FLAGS))
        try:
            yield Chromium(browser)
        finally:
            browser.close()


def harness(*names: str) -> str:
    """A page whose script offers functions of the verifier as `verifier`, with what it knows as `verifier.words`."""
    words = json.dumps(words_of(load_contracts())).replace("<", "\\u003c")
    script = joined(f"globalThis.verifier = {{ words: {words}, {', '.join(names)} }};")
    return f"<!doctype html><meta charset=utf-8><title>harness</title><script>{script}</script>"
