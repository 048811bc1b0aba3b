"""A second edition for tests: one procedure written anew and one limit changed, in a folder as a release would hold it.

In edition 2 the new county has three days to answer instead of five, and a correction transfer's content is kept for 40
days. Pure of pytest.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from contracts.edition import Contracts, read_contracts

ANSWER = "R-COR-3,new county checks and answers in writing,CALENDAR_DAY,{days},"


def write_edition(folder: Path, changes: dict[str, tuple[tuple[str, str], ...]]) -> Path:
    """Write the files of a later edition: packaged ones in which places are changed.

    Args:
        folder: Where to.
        changes: For each file, by its path below `contracts`, what is put in place of what.
    """
    for path, places in changes.items():
        text = files("contracts").joinpath(path).read_text(encoding="utf-8")
        for old, new in places:
            if old not in text:
                raise AssertionError(f"{path} holds no {old!r}")
            text = text.replace(old, new, 1)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def two_editions(folder: Path) -> Contracts:
    """The packaged edition and the second one of tests."""
    changes = {
        "procedures/correction_transfer.toml": (("edition = 1", "edition = 2"), ("key_days = 30", "key_days = 40")),
        "rules/deadlines.csv": ((ANSWER.format(days=5), ANSWER.format(days=3)),),
    }
    return read_contracts([write_edition(folder, changes)])
