"""Every code speaks English and Chinese, from one catalogue, to everybody who meets it."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.grpc.codes import ADVICE_KEY, LANGUAGE_KEY, MEANING_KEY, language_asked, metadata_of
from adapters.grpc.messages import refusal_to_proto
from contracts.codes import CODES
from contracts.errors import ConflictError
from contracts.messages import LANGUAGES, Language, language_of, load_messages, message_of
from hub.submission import Refusal

CONFLICT = ConflictError("POSITION_CONFLICT", "stream_seq 1 does not follow")


def test_every_code_has_its_words_in_both_languages() -> None:
    """Who adds a code adds its row to contracts/messages.csv."""
    assert load_messages().keys() == {(code, language) for code in CODES for language in LANGUAGES}
    assert [key for key, message in load_messages().items() if not all(message)] == []


def test_chinese_is_chinese_and_english_is_not() -> None:
    han = re.compile("[\u4e00-\u9fff]")

    wrong = [
        (code, language)
        for (code, language), message in load_messages().items()
        if any((han.search(text) is not None) != (language == "zh") for text in message)
    ]
    assert wrong == []


def test_both_languages_name_the_same_places() -> None:
    """Placeholders, commands in backquotes and names of fields or files stand in both or in none."""
    names = re.compile(r"\{\w+\}|`[^`]+`|--\w+|\b\w+_\w+\b|\bpprd init\b|\bHOST:PORT\b|\b[\w/]+\.py\b")

    differing = [
        code
        for code in CODES
        if set(names.findall(" ".join(message_of(code)))) != set(names.findall(" ".join(message_of(code, "zh"))))
    ]
    assert differing == []


def test_sentences_end_as_sentences_do() -> None:
    ends = {"en": ".", "zh": "。"}

    assert [key for key, m in load_messages().items() if not m.sentence.endswith(ends[key[1]])] == []
    assert [key for key, m in load_messages().items() if not m.advice.endswith(ends[key[1]])] == []


@pytest.mark.parametrize(
    ("text", "language"),
    [("zh", "zh"), ("zh_CN.UTF-8", "zh"), ("zh-Hans", "zh"), ("ZH", "zh"), ("en_GB", "en"), ("C", "en"), (None, "en")],
)
def test_a_setting_or_a_locale_names_the_language(text: str | None, language: Language) -> None:
    assert language_of(text) == language


def test_a_code_that_a_newer_peer_sends_still_speaks() -> None:
    assert all(message_of("FROM_TOMORROW", language).sentence for language in LANGUAGES)


def test_a_refused_event_speaks_the_language_of_the_call() -> None:
    refusal = Refusal.of(CONFLICT)
    english, chinese = refusal_to_proto(refusal), refusal_to_proto(refusal, "zh")

    assert (english.title, english.meaning, english.advice) == message_of("POSITION_CONFLICT")
    assert (chinese.title, chinese.meaning, chinese.advice) == message_of("POSITION_CONFLICT", "zh")
    assert (chinese.code, chinese.sentence) == ("POSITION_CONFLICT", "stream_seq 1 does not follow")


def test_an_ended_call_speaks_the_language_that_it_asked_for() -> None:
    language = language_asked([("user-agent", "x"), (LANGUAGE_KEY, "zh")])
    metadata = dict(metadata_of(CONFLICT, language))

    assert metadata[MEANING_KEY] == message_of("POSITION_CONFLICT", "zh").sentence.encode()
    assert metadata[ADVICE_KEY] == message_of("POSITION_CONFLICT", "zh").advice.encode()
    assert language_asked(None) == "en"


@pytest.mark.parametrize(
    ("options", "environment", "language"),
    [
        ([], {}, "en"),
        (["--lang", "zh"], {}, "zh"),
        ([], {"PPRD_LANG": "zh"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        (["--lang", "en"], {"PPRD_LANG": "zh"}, "en"),
    ],
)
def test_the_program_speaks_the_language_of_its_caller(
    tmp_path: Path, options: list[str], environment: dict[str, str], language: Language
) -> None:
    draft = tmp_path / "draft.toml"
    draft.write_text("no toml", encoding="utf-8")
    nothing = {"PPRD_LANG": "", "LC_ALL": "", "LC_MESSAGES": "", "LANG": ""}

    result = CliRunner().invoke(app, [*options, "procedure", "check", str(draft)], env={**nothing, **environment})

    message = message_of("PROCEDURE_INVALID", language)
    said = "".join(result.output.split())
    assert result.exit_code == 3
    assert "".join(message.sentence.split()) in said
    assert "".join(message.advice.split()) in said
