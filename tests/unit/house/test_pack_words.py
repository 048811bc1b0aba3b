"""What an evidence pack shows of an event has a word in both languages."""

from __future__ import annotations

from adapters.pack.words import words_of
from contracts.edition import load_contracts
from contracts.terms import load_terms


def test_every_field_that_the_page_shows_has_a_chinese_word() -> None:
    """Add the missing rows to contracts/terms.csv: field, (empty), name, zh."""
    terms = load_terms().rows
    names = {
        name
        for schema in words_of(load_contracts())["schemas"].values()
        if schema["name"].endswith("Body") or schema["name"] == "EventHeader"
        for name in field_names(schema)
    }

    shown = names - {"profile", "commitment", "ciphertext_hash", "bucket_kib", "recipients"}
    assert sorted(name for name in shown if ("field", "", name) not in terms) == []


def test_every_symbol_that_the_page_shows_has_a_chinese_word() -> None:
    """Add the missing rows to contracts/terms.csv: symbol, field (or empty), name, zh."""
    words = words_of(load_contracts())
    found = {
        (name, symbol)
        for schema in words["schemas"].values()
        if schema["name"].endswith("Body") or schema["name"] == "EventHeader"
        for name, symbol in symbols(schema, "")
    }
    kinds = ("symbol", "reason", "procedure", "event", "purpose", "profile", "office", "actor", "side")
    said = {key for kind in kinds for key in words["terms"][kind]}

    assert len(found) > 200
    missing = [one for one in found if not said & {f"{one[0]}/{one[1]}", f"/{one[1]}"} and one[0] != "class"]
    assert sorted(missing) == []
    used = {f"{name}/{symbol}" for name, symbol in found} | {f"/{symbol}" for _, symbol in found}
    assert sorted(set(words["terms"]["symbol"]) - used) == []


def symbols(schema: object, field: str) -> list[tuple[str, str]]:
    """Field and symbol of all enumerations in a schema."""
    if isinstance(schema, list):
        return [one for part in schema for one in symbols(part, field)]
    if not isinstance(schema, dict):
        return []
    if schema.get("type") == "enum":
        return [(field, symbol) for symbol in schema["symbols"]]
    own = [one for part in schema.get("fields", ()) for one in symbols(part["type"], part["name"])]
    return [*own, *symbols(schema.get("items"), field), *symbols(schema.get("type"), field)]


def field_names(schema: object) -> list[str]:
    """Names of all fields in a schema, those of its parts too."""
    if isinstance(schema, list):
        return [name for part in schema for name in field_names(part)]
    if not isinstance(schema, dict):
        return []
    own = [field["name"] for field in schema.get("fields", ())]
    parts = [*(field["type"] for field in schema.get("fields", ())), schema.get("items"), schema.get("type")]
    return own + [name for part in parts for name in field_names(part)]
