"""Editions as folders: what a later one takes over, what it may not break, and the one hash that says what it is."""

from pathlib import Path

import pytest

from contracts.deadline import founding_limits
from contracts.edition import FOUNDING, load_contracts, manifest_of, read_contracts
from contracts.errors import ContractError
from tests.support.second_edition import two_editions, write_edition

TRANSFER = "procedures/correction_transfer.toml"
OPINION = "avro/body/opinion_given.avsc"


def test_the_packaged_edition_is_that_of_the_loaders() -> None:
    contracts = load_contracts()

    assert set(contracts.editions) == {FOUNDING}
    assert contracts.editions[FOUNDING].limits is founding_limits()
    assert all(edition == FOUNDING for _, edition in contracts.procedures)


def test_a_later_edition_takes_over_whatever_it_does_not_change(tmp_path: Path) -> None:
    contracts = two_editions(tmp_path)
    first, second = contracts.editions[1], contracts.editions[2]

    assert set(first.procedures) == set(second.procedures)
    assert {p.edition for p in second.procedures.values()} == {2}
    assert [n for n in first.limits.rules if first.limits.rules[n] != second.limits.rules[n]] == ["R-COR-3"]
    assert [
        (p.retention.key_days, second.procedures[p.id].retention.key_days)
        for p in first.procedures.values()
        if p.retention != second.procedures[p.id].retention
    ] == [(30, 40)]
    assert all(p.limits is second.limits for p in second.procedures.values())


def test_the_manifest_names_every_file_and_its_hash_changes_with_any(tmp_path: Path) -> None:
    contracts = two_editions(tmp_path)
    lines = [contracts.editions[n].manifest.splitlines() for n in (1, 2)]

    assert [line[:2] for line in lines] == [["pprd-edition/v1", "1"], ["pprd-edition/v1", "2"]]
    changed = sorted(line.split()[1] for line in set(lines[1][2:]) - set(lines[0][2:]))
    assert changed == [TRANSFER, "rules/deadlines.csv"]
    assert any(line.endswith(" rules/calendar/chinesecalendar") for line in lines[0])
    assert contracts.editions[1].manifest_hash != contracts.editions[2].manifest_hash
    assert load_contracts().hashes[1] == contracts.hashes[1]
    assert manifest_of(1, {"a": "b"}) != manifest_of(1, {"a": "c"})


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({TRANSFER: (("key_days = 30", "key_days = 40"),)}, "EDITION_INVALID", "says CORRECTION_TRANSFER 1"),
        ({TRANSFER: (("edition = 1", "edition = 3"),)}, "EDITION_INVALID", "says CORRECTION_TRANSFER 3"),
        ({"rules/deadlines.csv": ()}, "EDITION_INVALID", "changes nothing"),
        ({"rules/deadlines.csv": (("CALENDAR_DAY,5", "FORTNIGHT,5"),)}, "RULES_INVALID", "FORTNIGHT"),
        ({"rules/regions/44.toml": (("amount = 3", "amount = -3"),)}, "REGION_INVALID", "44.toml: line 23"),
        ({OPINION: (("OpinionGivenBody", "OtherBody"),)}, "SCHEMA_BREAKING", "is not"),
        ({OPINION: (('"AGREE"', '"APPROVE"'),)}, "SCHEMA_BREAKING", "symbols"),
        (
            {"avro/body/edition_retired.avsc": (('"type": "int"', '"type": "string"'),)},
            "SCHEMA_BREAKING",
            "cannot be read",
        ),
        (
            {"avro/body/edition_retired.avsc": (('"fields": [', '"fields": [{"name": "x", "type": "int"},'),)},
            "SCHEMA_BREAKING",
            "no default",
        ),
        (
            {
                "avro/body/edition_retired.avsc": (
                    ('"fields": [', '"fields": [{"name": "x", "type": "int", "default": 0},'),
                )
            },
            "SCHEMA_BREAKING",
            "give the event a new type",
        ),
    ],
    ids=map(str, range(10)),
)
def test_an_edition_that_breaks_is_refused(
    tmp_path: Path, changes: dict[str, tuple[tuple[str, str], ...]], code: str, reason: str
) -> None:
    with pytest.raises(ContractError, match=code) as caught:
        read_contracts([write_edition(tmp_path, changes)])

    assert reason in str(caught.value)


def test_words_for_people_in_a_schema_may_change(tmp_path: Path) -> None:
    path = "avro/body/edition_retired.avsc"

    contracts = read_contracts([write_edition(tmp_path, {path: (("Its number.", "Number of the edition."),)})])

    assert contracts.editions[2].manifest_hash != contracts.editions[1].manifest_hash
