"""Each procedure has a page and a picture made from its data, in both languages and complete."""

from itertools import combinations
from xml.etree import ElementTree

import pytest

from contracts.procedure import Procedure, load_procedures
from contracts.terms import load_terms
from docs.diagram import draw, edges_of
from docs.procedures import FOLDER, refused_codes, render

PROCEDURES = list(load_procedures().values())
NAMES = [procedure.id for procedure in PROCEDURES]
SVG = "{http://www.w3.org/2000/svg}"


def test_the_pages_are_what_the_contracts_say() -> None:
    """Who changes a procedure, a rule, a profile or a word says `make docs`."""
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    pages = render()

    assert [name for name, text in pages.items() if found.get(name) != text] == [], "run `make docs`"
    assert found.keys() == pages.keys()


@pytest.mark.parametrize("procedure", PROCEDURES, ids=NAMES)
def test_every_name_of_a_procedure_has_its_chinese_word(procedure: Procedure) -> None:
    """Add the missing rows to contracts/terms.csv: kind, scope (the procedure, or empty), id, zh."""
    assert list(load_terms().missing(procedure)) == []


def test_every_word_is_chinese() -> None:
    assert [
        key for key, word in load_terms().rows.items() if not any("\u4e00" <= sign <= "\u9fff" for sign in word)
    ] == []


@pytest.mark.parametrize("procedure", PROCEDURES, ids=NAMES)
def test_the_picture_shows_every_state_and_every_row(procedure: Procedure) -> None:
    picture = ElementTree.fromstring(draw(procedure, load_terms()))
    texts = [node.text or "" for node in picture.iter(f"{SVG}text")]
    arrows = [node for node in picture.iter(f"{SVG}path") if node.get("class") in ("e", "b")]

    shown = {name for edge in edges_of(procedure) for name in (edge.source, edge.target)} - {"START"}
    assert shown <= set(texts)
    assert len(arrows) == len(edges_of(procedure))
    drawn = {int(number) for text in texts for number in text.split() if number.isdecimal()}
    assert drawn == {row for edge in edges_of(procedure) for row in edge.rows}


@pytest.mark.parametrize("procedure", PROCEDURES, ids=NAMES)
def test_no_state_covers_another_one(procedure: Procedure) -> None:
    picture = ElementTree.fromstring(draw(procedure, load_terms()))
    boxes = [
        tuple(float(node.get(name, "0")) for name in ("x", "y", "width", "height"))
        for node in picture.iter(f"{SVG}rect")
        if node.get("class") in ("s", "f")
    ]

    for (ax, ay, width, height), (bx, by, _, _) in combinations(boxes, 2):
        assert abs(ax - bx) >= width or abs(ay - by) >= height


def test_a_page_tells_codes_that_its_scenarios_were_refused_with() -> None:
    assert "REASONS_MISSING" in refused_codes(load_procedures()["CORRECTION_TRANSFER", 1])
