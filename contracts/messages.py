"""What a code says to people, in English and Chinese: `Message`, `message_of`, `language_of`.

One catalogue for the gRPC refusal, the CLI and the pages: `contracts/codes.csv` holds the English sentence and advice,
`contracts/messages.csv` the titles and the Chinese words of the same codes. What differs from case to case (values,
limits, ids) stands in the error's own message, which is not translated.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from contracts.codes import CODES

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
"""Every language of the catalogue; the first is the default."""


class Message(NamedTuple):
    """A code in the words of one language.

    Attributes:
        title: A few words.
        sentence: What it means, a whole sentence.
        advice: What to do, a whole sentence.
    """

    title: str
    sentence: str
    advice: str


_UNKNOWN: Final[Mapping[Language, Message]] = {
    "en": Message("Unknown code", "Something is not as it has to be.", "Ask the operator what this code means."),
    "zh": Message("未知代码", "出现了不应有的情况。", "请向运维人员询问该代码的含义。"),
}


@cache
def load_messages() -> Mapping[tuple[str, Language], Message]:
    """Read the catalogue once, by code and language.

    Raises:
        ValueError: A row stands twice or names no code: this is a defect of the release, not of data.
    """
    text = files("contracts").joinpath("messages.csv").read_text(encoding="utf-8")
    found: dict[tuple[str, Language], Message] = {}
    for row in csv.DictReader(text.splitlines()):
        code = CODES.get(row["code"])
        if code is None or (code.code, "en") in found:
            raise ValueError(f"messages.csv: {row['code']} stands twice or is no code")
        found[code.code, "en"] = Message(row["title"], code.sentence, code.advice)
        found[code.code, "zh"] = Message(row["title_zh"], row["sentence_zh"], row["advice_zh"])
    return MappingProxyType(found)


def message_of(code: str, language: Language = "en") -> Message:
    """What a code says; a code that a newer peer sends and this release does not know has words of its own."""
    return load_messages().get((code, language)) or _UNKNOWN[language]


def language_of(text: str | None) -> Language:
    """The language that a setting or a locale names: `zh`, `zh_CN.UTF-8`, `zh-Hans` are Chinese, all else English."""
    return "zh" if text is not None and text.lower().startswith("zh") else "en"
