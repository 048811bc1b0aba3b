"""Writes `docs/codes.md` from `contracts/codes.csv`: `make docs`, or `python -m docs.codes`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from contracts.codes import CODES, Code
from contracts.messages import message_of

PAGE: Final = Path(__file__).with_name("codes.md")
"""The page that is written."""

_FAMILIES: Final = {
    "contract": "What arrived is malformed: it is refused for good. Correct it.",
    "access": "Who asked may not: it is refused and audited. Somebody else has to ask, or a right has to be given.",
    "rule": "A rule says no: the refusal tells which one. Change what the rule speaks of.",
    "conflict": "Somebody was first: load the present state and try again.",
    "evidence": "A proof does not hold: stop using this peer and raise the alarm.",
    "unavailable": "The outside is away or slow: wait, then send the same again.",
    "fatal": "Our own state is unknown: the program stops, and start-up loads and verifies.",
}

_HEAD: Final = """# Codes

Made from `contracts/codes.csv` and `contracts/messages.csv` by `make docs`; do not edit.

Every refusal and every error has a code that never changes its meaning. The family says what to do, the sentence what
went wrong, the advice how to go on. Beside the code an answer names the field and the rule, where one is to blame.
"""


def render(codes: Mapping[str, Code]) -> str:
    """Render the page.

    Args:
        codes: All codes by name.

    Returns:
        Markdown: one table a family, codes in order of the alphabet.
    """
    parts = [_HEAD]
    for family, meaning in _FAMILIES.items():
        rows = sorted(code.code for code in codes.values() if code.family == family)
        table = "".join(map(_row, rows))
        head = f"| code | title 标题 | what went wrong | what to do | 含义 | 处理办法 |\n|{' --- |' * 6}\n"
        parts.append(f"## {family}\n\n{meaning}\n\n{head}{table}")
    return "\n".join(parts)


def _row(code: str) -> str:
    english, chinese = message_of(code), message_of(code, "zh")
    return (
        f"| `{code}` | {english.title} {chinese.title} | {english.sentence} | {english.advice} | {chinese.sentence}"
        f" | {chinese.advice} |\n"
    )


if __name__ == "__main__":
    PAGE.write_text(render(CODES), encoding="utf-8")
