"""The verifier of the page is one script, the same in every pack, and nothing of a pack can become part of it."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.pack.page import MODULES, evidence_in, load_verifier, render_page
from adapters.pack.words import words_of
from contracts.edition import load_contracts
from contracts.errors import ContractError
from contracts.schema import load_registry
from docs.ledger_packs import good_pack
from ledger.pack import format_pack

PAGE = files("adapters.pack").joinpath("page")


def source(name: str) -> str:
    return PAGE.joinpath(f"{name}.js").read_text(encoding="utf-8")


def test_every_module_is_joined_behind_those_that_it_uses() -> None:
    used = {name: re.findall(r'from "\./([a-z]+)\.js";', source(name)) for name in MODULES}

    assert {f"{name}.js" for name in MODULES} == {one.name for one in PAGE.iterdir() if one.name.endswith(".js")}
    assert [(a, b) for a, names in used.items() for b in names if MODULES.index(b) >= MODULES.index(a)] == []


def test_every_imported_name_is_exported_where_it_is_taken_from() -> None:
    """The joined script has no imports, so nothing else would notice."""
    wrong = []
    for name in MODULES:
        for names, module in re.findall(r'^import \{([^}]*)\} from "\./([a-z]+)\.js";', source(name), re.MULTILINE):
            for one in filter(None, (part.strip() for part in names.split(","))):
                if not re.search(rf"^export (?:async )?(?:function|const|class) {one}\b", source(module), re.MULTILINE):
                    wrong.append((name, one))
                if len(re.findall(rf"\b{one}\b", source(name))) < 2:
                    wrong.append((name, f"{one} is not used"))
    assert wrong == []


def test_no_name_stands_in_two_modules() -> None:
    names = [
        name
        for module in MODULES
        for name in re.findall(
            r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", source(module), re.MULTILINE
        )
    ]

    assert len(names) > 100
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


def test_nothing_is_made_from_text_and_nothing_is_asked_of_a_network() -> None:
    text = "".join(map(source, MODULES))

    for name in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch("):
        assert name not in text
    for name in ("XMLHttpRequest", "WebSocket", "import(", "localStorage", "sessionStorage", "indexedDB", "cookie"):
        assert name not in text


def test_the_page_allows_exactly_its_own_script_and_style() -> None:
    page = render_page(format_pack(good_pack())).decode("ascii")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    allowed = re.findall(r"'sha256-([^']+)'", page[: page.index("<style>")])

    assert allowed == [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in (script, style)]
    assert hashlib.sha256(script.encode()).hexdigest() == load_verifier().fingerprint
    assert "<!--" not in script
    assert "default-src 'none'" in page


@given(st.binary(max_size=200))
def test_any_evidence_comes_out_of_the_page_as_it_went_in(evidence: bytes) -> None:
    page = render_page(evidence)

    assert evidence_in(page) == evidence
    assert load_verifier().script.encode() in page


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"<!doctype html>",
        b'<script type="text/plain" id="evidence">AA==</script>' * 2,
        b'<script type="text/plain" id="evidence">AA</script>',
        b'<script type="text/plain" id="evidence">AA== </script>',
        b'<script type="text/plain" id="evidence">\xff</script>',
    ],
)
def test_a_page_without_exactly_one_evidence_is_refused(page: bytes) -> None:
    with pytest.raises(ContractError):
        evidence_in(page)


def test_every_event_can_be_read_by_the_page() -> None:
    """Who adds a schema of a body does nothing: the page gets it."""
    known = words_of(load_contracts())["schemas"]
    bodies = [codec for name, codec in load_registry().codecs.items() if name.endswith("Body")]

    assert len(bodies) > 100
    assert [codec.name for codec in bodies if codec.fingerprint.hex() not in known] == []
