"""A byte that is another is seen, wherever in the file it stands, and the check that is about it says so."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page

from adapters.pack.page import load_verifier
from contracts.ids import Hash
from docs.ledger_packs import good_pack
from ledger.pack import EvidencePack, Linked
from ledger.placed import Placed
from ledger.proof import format_proof, parse_proof
from tests.support.browser import VERDICT, Chromium
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


def receipt(pack: EvidencePack, mark: str, more: int) -> EvidencePack:
    """A byte of the receipt is another: so many behind a mark."""
    return replace(pack, receipt=flipped(pack.receipt, pack.receipt.index(mark.encode()) + len(mark.encode()) + more))


def last(pack: EvidencePack, change: Callable[[Linked], Linked]) -> EvidencePack:
    """The last checkpoint is another."""
    return replace(pack, checkpoints=(*pack.checkpoints[:-1], change(pack.checkpoints[-1])))


def part(placed: Placed | None) -> Placed:
    """A byte of an entry is another."""
    if placed is None:
        raise AssertionError("there is no such entry in the pack")
    return replace(placed, content=flipped(placed.content, 80))


def without_extra(pack: EvidencePack) -> EvidencePack:
    """The receipt carries no entry."""
    return replace(pack, receipt=format_proof(replace(parse_proof(pack.receipt), extra=None)))


def path_of(linked: Linked) -> Linked:
    """A hash between two checkpoints is another."""
    return Linked(linked.note, (Hash(flipped(linked.path[0], 3)), *linked.path[1:]))


ORIGIN: Final = "ledger.test.example/pprd"
REGIONS: Final[Mapping[str, tuple[str, Callable[[EvidencePack], EvidencePack]]]] = {
    "event": ("inclusion", lambda pack: receipt(pack, "extra ", 400)),
    "index": ("inclusion", lambda pack: receipt(pack, "\nindex ", 1)),
    "proof line": ("inclusion", lambda pack: receipt(pack, f"\n\n{ORIGIN}", -len(f"\n\n{ORIGIN}") - 30)),
    "origin": ("signature", lambda pack: receipt(pack, "\n\n", 3)),
    "size": ("signature", lambda pack: receipt(pack, f"\n\n{ORIGIN}\n", 1)),
    "signature": ("signature", lambda pack: receipt(pack, f"\u2014 {ORIGIN} ", 40)),
    "cosignature": ("witnesses", lambda pack: receipt(pack, "\u2014 court.witness.example ", 40)),
    "policy": ("policy", lambda pack: replace(pack, policy=flipped(pack.policy, 60))),
    "consistency proof": ("chain", lambda pack: last(pack, path_of)),
    "later checkpoint": ("chain", lambda pack: last(pack, lambda one: Linked(flipped(one.note, 40), one.path))),
    "genesis entry": ("genesis", lambda pack: replace(pack, genesis=part(pack.genesis))),
    "batch entry": ("batch", lambda pack: replace(pack, batch=part(pack.batch))),
    "key entry": ("key", lambda pack: replace(pack, key=part(pack.key))),
    "extra missing": ("receipt", without_extra),
    "key missing": ("key", lambda pack: replace(pack, key=None)),
}


def test_a_byte_that_is_another_fails_the_check_that_is_about_it(
    chromium: Chromium, pack: Path, tmp_path: Path
) -> None:
    found = {}
    with chromium.opened(pack) as page:
        for region, (_, change) in REGIONS.items():
            open_other(page, page_of(change(pack_in(pack)), tmp_path))
            found[region] = failed(page)[0]

            assert verdict(page) == HOLDS_NOT
            is_read = states(page)["event"] == "pass"
            assert page.get_by_text("do not rely on").count() == (1 if is_read else 0)
            named = page.locator("[role=status] li").all_inner_texts()
            assert len(named) == len(failed(page))
            for en, zh in reasons(page):
                assert re.search("[\u4e00-\u9fff]", zh), en
                assert not re.search("[\u4e00-\u9fff]", en.replace("“", "")), en
                assert "{" not in en + zh
                assert sorted(re.findall(r"\d+", en)) == sorted(re.findall(r"\d+", zh)), "both tell the same numbers"
            assert named[0] in page.inner_text(f"[data-check={found[region]}]").replace("\n", " ")

    assert found == {region: check for region, (check, _) in REGIONS.items()}


SWAPPED: Final[Mapping[str, str]] = {
    "policy": "signature",
    "receipt": "signature",
    "checkpoints": "chain",
    "genesis": "genesis",
    "batch": "batch",
    "key": "key",
}


def test_a_part_of_another_pack_is_refused(chromium: Chromium, pack: Path, tmp_path: Path) -> None:
    other = replace(good_pack(), checkpoints=(Linked(good_pack().checkpoints[1].note), good_pack().checkpoints[2]))
    found = {}
    with chromium.opened(pack) as page:
        for name in SWAPPED:
            open_other(page, page_of(replace(pack_in(pack), **{name: getattr(other, name)}), tmp_path))
            found[name] = failed(page)[0]

            assert verdict(page) == HOLDS_NOT

    assert found == SWAPPED


def test_no_changed_byte_of_the_file_passes_with_another_page(chromium: Chromium, pack: Path, tmp_path: Path) -> None:
    """Skeleton, style, evidence and verifier: the page does not say that it holds, or it shows exactly the same."""
    data = pack.read_bytes()
    regions: dict[str, Sequence[int]] = {
        "skeleton": skeleton(data),
        "style": within(data, b"<style>", b"</style>"),
        "evidence": within(data, b'id="evidence">', b"</script>"),
        "verifier": range(data.index(load_verifier().script.encode()), data.rindex(b"</script>")),
    }
    drawn = random.Random(1)
    file = tmp_path / "changed.html"
    wrong: list[tuple[str, int]] = []
    seen: dict[str, set[str]] = {}
    with chromium.opened(pack) as page:
        true = shown(page)
        for name, region in regions.items():
            for at in drawn.sample(region, 12 if name == "skeleton" else 3):
                file.write_bytes(data[:at] + bytes((data[at] ^ drawn.choice((1, 2, 4, 16)),)) + data[at + 1 :])
                page.goto(file.as_uri())
                found = shown(page)
                seen.setdefault(name, set()).add(found[0])
                if found[0] == HOLDS and found != true:
                    wrong.append((name, at))

    assert wrong == []
    assert seen["evidence"] == {HOLDS_NOT}
    assert seen["style"] == {HOLDS_NOT}
    assert seen["verifier"] == {NOT_VERIFIED}
    assert true[0] == HOLDS


def shown(page: Page) -> tuple[str, ...]:
    """Verdict, title and all text of a page; a verifier that runs is waited for."""
    if page.locator("#verdict").count():
        page.wait_for_selector(VERDICT)
    return (verdict(page), page.title(), page.inner_text("body"))


def skeleton(data: bytes) -> list[int]:
    """Where the bytes stand that are neither style, evidence nor verifier."""
    taken = [within(data, b"<style>", b"</style>"), within(data, b'id="evidence">', b"</script>")]
    script = range(data.index(load_verifier().script.encode()), data.rindex(b"</script>"))
    return [at for at in range(len(data)) if not any(at in region for region in (*taken, script))]


def within(data: bytes, begin: bytes, end: bytes) -> range:
    """Where the bytes between two marks stand."""
    start = data.index(begin) + len(begin)
    return range(start, data.index(end, start))
