"""Every reason that the page of an evidence pack can give is told in both languages, with the same values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

from adapters.pack.page import MODULES

_TAGGED = re.compile(r"(?<![`\w])(?:refuse|unable)`((?:[^`\\]|\\.)*)`")
_ROW = re.compile(r"""^  (?:"([^"]+)"|'([^']+)'): "([^"]+)",$""", re.MULTILINE)


def source(name: str) -> str:
    return files("adapters.pack").joinpath("page", f"{name}.js").read_text(encoding="utf-8")


def key_of(template: str) -> str:
    """A template with its values numbered, as the page looks it up."""
    out, at, count = "", 0, 0
    while at < len(template):
        if not template.startswith("${", at):
            out, at = out + template[at], at + 1
            continue
        depth, at = 1, at + 2
        while depth:
            depth, at = depth + {"{": 1, "}": -1}.get(template[at], 0), at + 1
        out, count = f"{out}{{{count}}}", count + 1
    return out


def given() -> Iterator[str]:
    for name in MODULES:
        for found in _TAGGED.finditer(source(name)):
            yield key_of(found[1])


def test_every_reason_has_its_row_in_chinese_and_every_row_its_reason() -> None:
    rows = {found[1] or found[2]: found[3] for found in _ROW.finditer(source("reasons"))}

    assert source("reasons").count('": "') + source("reasons").count("': \"") == len(rows)
    assert sorted(set(given()) ^ set(rows)) == []
    assert len(rows) > 90
    for en, zh in rows.items():
        assert re.search("[\u4e00-\u9fff]", zh), en
        assert sorted(re.findall(r"\{\d\}", en)) == sorted(re.findall(r"\{\d\}", zh)), en


def test_nothing_is_refused_in_another_way() -> None:
    """A reason that is no tagged template would have no Chinese."""
    others = re.compile(r"(?<!function )\brefuse\(|(?<!function )\bunable\(|new (?:Refusal|Unable)\((?!\.\.\.inBoth)")

    assert [name for name in MODULES if others.search(source(name))] == []
