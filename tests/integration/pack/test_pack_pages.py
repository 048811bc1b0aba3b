"""The page of a pack says plainly what it cannot do, takes the reader's own policy, and can be read by all."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from adapters.compose.packing import check_page
from adapters.pack.page import load_verifier
from contracts.event import decode_event
from contracts.terms import load_terms
from docs.ledger_packs import ALONE, good_pack
from ledger.entry import event_of
from ledger.note import Cosigner, add_lines
from ledger.pack import Linked
from ledger.policy import Policy, Witness, format_policy, parse_policy
from ledger.proof import format_proof, parse_proof
from tests.support.browser import Chromium, Scheme
from tests.support.pack_pages import (
    HOLDS,
    HOLDS_NOT,
    NOT_VERIFIED,
    failed,
    flipped,
    open_other,
    pack_in,
    page_of,
    reasons,
    states,
    verdict,
)

pytestmark = pytest.mark.integration

NO_ED25519: Final = """
  const importKey = crypto.subtle.importKey.bind(crypto.subtle);
  crypto.subtle.importKey = (...rest) => rest[2].name === "Ed25519"
    ? Promise.reject(new DOMException("Algorithm: Unrecognized name", "NotSupportedError")) : importKey(...rest);
"""
SAYS_YES_TO_ALL: Final = "crypto.subtle.verify = async () => true;"
NO_CRYPTO: Final = "Object.defineProperty(crypto, 'subtle', { value: undefined });"


# -- what it cannot do is never a pass


@pytest.mark.parametrize("init", [NO_ED25519, SAYS_YES_TO_ALL, NO_CRYPTO])
def test_a_browser_that_cannot_check_says_not_verified(chromium: Chromium, pack: Path, init: str) -> None:
    with chromium.opened(pack, init=init) as page:
        found = states(page)

        assert verdict(page) == NOT_VERIFIED
        assert found["signature" if init != NO_CRYPTO else "policy"] == "unknown"
        assert "fail" not in found.values()
        assert "this browser" in page.inner_text("#checks ~ .frame")
        assert any("本浏览器" in zh for _, zh in reasons(page))


def test_without_scripts_the_page_says_not_verified(chromium: Chromium, pack: Path) -> None:
    with chromium.opened(pack, scripts=False) as page:
        assert verdict(page) == NOT_VERIFIED
        assert "has not run" in page.inner_text("main")


def test_a_quorum_of_signatures_that_no_browser_checks_is_not_verified(
    chromium: Chromium, pack: Path, tmp_path: Path
) -> None:
    """ML-DSA-44: our own reader says that it holds, the page that it has not checked."""
    cosigner = Cosigner("late.witness.example", MLDSA44PrivateKey.from_seed_bytes(bytes(32)))
    whole = pack_in(pack)
    policy = Policy(parse_policy(whole.policy).logs, (Witness("late", cosigner.verifier),), (), "late")
    proof = parse_proof(whole.receipt)
    text = proof.checkpoint.rpartition(b"\n\n")[0] + b"\n"
    note = add_lines(proof.checkpoint, [cosigner.line(text, seconds=1_772_416_860)])
    changed = replace(
        whole,
        policy=format_policy(policy),
        receipt=format_proof(replace(proof, checkpoint=note)),
        checkpoints=(Linked(note),),
    )
    file = page_of(changed, tmp_path)

    check_page(file.read_bytes(), policy)
    with chromium.opened(file) as page:
        assert verdict(page) == NOT_VERIFIED
        assert (states(page)["witnesses"], states(page)["chain"]) == ("unknown", "unknown")
        assert "ML-DSA-44 signatures are not checked in a browser" in page.inner_text("main")


# -- whose keys


def test_a_policy_of_the_readers_own_takes_the_place_of_the_one_in_the_file(
    chromium: Chromium, pack: Path, policy: Path, tmp_path: Path
) -> None:
    strange = tmp_path / "policy"
    strange.write_bytes(ALONE)
    with chromium.opened(pack) as page:
        assert "Compare those keys" in page.inner_text("[role=status]")

        open_other(page, strange, into="#own-policy")
        assert verdict(page) == HOLDS_NOT
        assert failed(page) == ["signature"]

        open_other(page, policy, into="#own-policy")
        assert verdict(page) == HOLDS
        assert "under your own policy" in page.inner_text("[role=status]")


def test_a_policy_can_be_pasted_and_taken_back(chromium: Chromium, pack: Path) -> None:
    with chromium.opened(pack) as page:
        states(page)
        page.fill("#pasted", "trust everybody\n")
        page.get_by_role("button", name=re.compile("under this policy")).click()
        page.wait_for_selector("[data-check=policy][data-state=fail]")
        assert verdict(page) == HOLDS_NOT

        page.get_by_role("button", name=re.compile("Back to the policy")).click()
        page.wait_for_selector("[data-check=policy][data-state=pass]")
        assert verdict(page) == HOLDS


def test_fingerprints_are_those_that_the_program_prints(chromium: Chromium, pack: Path, policy: Path) -> None:
    known = parse_policy(policy.read_bytes())
    with chromium.opened(pack) as page:
        states(page)
        text = page.inner_text("main").replace(" ", "")

    for key in known.verifiers:
        assert key.fingerprint in text
        assert key.fingerprint.startswith(key.key_id.hex())


def test_a_page_from_a_trusted_source_checks_the_pack_of_another(
    chromium: Chromium, pack: Path, tmp_path: Path
) -> None:
    """So nobody has to believe the verifier that came with a pack; all packs of a release have the same."""
    other = page_of(good_pack(), tmp_path)
    forged = tmp_path / "forged.html"
    forged.write_bytes(other.read_bytes().replace(b"does NOT hold", b"holds, surely"))
    with chromium.opened(pack) as page:
        open_other(page, forged)
        assert verdict(page) == HOLDS
        assert states(page)["ends"] == "pass"

        forged.write_bytes(b"<html>no pack</html>")
        open_other(page, forged)
        assert failed(page) == ["form"]
    script = load_verifier().script.encode()
    assert script in other.read_bytes()
    assert script in pack.read_bytes()


# -- for everybody


@pytest.mark.parametrize("width", [320])
def test_no_window_makes_the_page_scroll_sideways(chromium: Chromium, pack: Path, width: int) -> None:
    with chromium.opened(pack, width=width) as page:
        states(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize(("scheme", "is_changed"), [("light", False), ("dark", True)])
def test_every_text_has_the_contrast_that_wcag_asks(
    chromium: Chromium, pack: Path, tmp_path: Path, scheme: Scheme, is_changed: bool
) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1; measured on the page as it is drawn."""
    whole = pack_in(pack)
    file = page_of(replace(whole, policy=flipped(whole.policy, 60)), tmp_path) if is_changed else pack
    with chromium.opened(file, scheme=scheme) as page:
        states(page)
        low = page.evaluate(CONTRAST)

    assert low == []


CONTRAST: Final = """
() => {
  const numbers = (color) => color.match(/[0-9.]+/g).map(Number);
  const light = (color) => {
    const linear = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = numbers(color).slice(0, 3).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const isClear = (color) => numbers(color)[3] === 0;
  const backOf = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const back = getComputedStyle(at).backgroundColor;
      if (!isClear(back)) return back;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const hasText = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!hasText || !node.getClientRects().length) continue;
    const [a, b] = [light(getComputedStyle(node).color), light(backOf(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push([node.tagName, node.className, node.textContent.slice(0, 40), ratio.toFixed(2)]);
  }
  return found;
}
"""


TOLD: Final = {
    "table": "one.caption && one.querySelector('th[scope=col]')",
    "input, textarea": "one.labels.length === 1",
    "button, a, summary": "one.textContent.trim()",
    "section": "document.getElementById(one.getAttribute('aria-labelledby'))",
    "body *": r"""[...one.childNodes].every((child) => child.nodeType !== 3 || !/[\u4e00-\u9fff]/.test(child.data))
      || one.closest("[lang=zh-Hans]")""",
}


def test_the_page_is_told_to_those_who_do_not_see_it(chromium: Chromium, pack: Path) -> None:
    """WCAG 2.2: 1.1.1, 1.3.1, 1.4.1, 2.4.2, 3.1, 4.1.2, 4.1.3."""
    with chromium.opened(pack) as page:
        states(page)

        assert page.title().startswith("The evidence holds")
        assert page.get_attribute("html", "lang") == "en"
        assert page.locator("[role=status][aria-live=polite]").count() == 1
        assert page.locator("h1").count() == 1
        for what, rule in TOLD.items():
            assert page.eval_on_selector_all(what, f"all => all.every((one) => {rule})"), (what, rule)
        for row in page.locator("[data-check]").all():
            assert "passed" in row.inner_text()


def test_symbols_are_told_in_both_languages(chromium: Chromium, pack: Path) -> None:
    with chromium.opened(pack) as page:
        states(page)
        shown = page.inner_text("section[aria-labelledby=record]").replace("\n", " ")

    header = decode_event(event_of(parse_proof(pack_in(pack).receipt).extra or b"") or b"")
    zh = load_terms().rows["symbol", "data_class", header.data_class]
    assert f"{header.data_class} {zh}" in shown


def test_it_prints_without_what_only_a_screen_has(chromium: Chromium, pack: Path) -> None:
    with chromium.opened(pack, scheme="dark") as page:
        states(page)
        page.emulate_media(media="print", color_scheme="dark")

        assert not page.is_visible("#pasted")
        assert not page.is_visible("#other")
        assert page.is_visible("[role=status]")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate(CONTRAST) == []
        assert page.pdf().startswith(b"%PDF")
