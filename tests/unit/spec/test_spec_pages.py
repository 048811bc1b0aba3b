"""The pages of `docs/spec` say what schemas, vectors and codes say; their examples are written from the vectors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from adapters._generated.pprd.v1 import notification_pb2 as pb
from contracts.codes import CODES
from docs.ledger_parties import PUBLISHED
from docs.spec_examples import EXAMPLES, PAGES, named, rendered

ROOT = Path(__file__).resolve().parents[3]
ALL = sorted(PAGES.glob("*.md"))
TEXTS = {page.name: page.read_text(encoding="utf-8") for page in ALL}
VECTORS = "".join(file.read_text(encoding="utf-8") for file in sorted(PUBLISHED.glob("*.json")))


def rows_of(page: str, head: str) -> list[list[str]]:
    """Cells of the table below a heading."""
    lines = TEXTS[page].split(f"\n## {head}\n", 1)[1].split("\n")
    start = next(at for at, line in enumerate(lines) if line.startswith("| --- "))
    table = []
    for line in lines[start + 1 :]:
        if not line.startswith("| "):
            break
        table.append([cell.strip() for cell in line[1:-1].split("|")])
    return table


@pytest.mark.parametrize("page", TEXTS)
def test_a_page_has_revisions_and_names_vectors_that_exist(page: str) -> None:
    names = re.findall(r"`((?:tests/vectors|contracts/conformance)/[^`]+)`", TEXTS[page])

    assert "| revision | date | what |" in TEXTS[page]
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_the_index_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([a-z-]+\.md)\)", TEXTS["README.md"]))

    assert linked == set(TEXTS) - {"README.md"}


@pytest.mark.parametrize("page", TEXTS)
def test_the_examples_of_a_page_are_those_of_the_vectors(page: str) -> None:
    """Who changes a vector says `make docs`."""
    assert TEXTS[page] == rendered(TEXTS[page]), "say `make docs`"


def test_every_example_stands_in_one_page() -> None:
    assert sorted(name for text in TEXTS.values() for name in named(text)) == sorted(EXAMPLES)


@pytest.mark.parametrize("page", TEXTS)
def test_every_hex_of_a_page_is_that_of_a_vector(page: str) -> None:
    joined = re.sub(r"\n {8,}(?=[0-9a-f]{2})", "", TEXTS[page])
    found = re.findall(r"\b[0-9a-f]{16,}\b", joined)

    assert [value for value in found if value not in VECTORS] == []


@pytest.mark.parametrize("page", [name for name in TEXTS if name != "evidence-file.md"])
def test_every_code_of_a_page_is_one_of_ours(page: str) -> None:
    """The page of evidence files names claims, which look alike."""
    families = "EVENT|BATCH|ENTRY|RUN|HEAD|PAYLOAD|KEY|NOTE|PROOF|INCLUSION|CONSISTENCY|RANGE|SIGNATURE|CHECKPOINT"
    families += "|RECEIPT|TRANSITION|CLOCK|PRODUCER|TILE|EXPORT|SUITE"
    said = set(re.findall(rf"`((?:{families})_[A-Z_]+)`", TEXTS[page]))

    assert said - set(CODES) == set()


def test_the_table_of_the_header_is_the_schema() -> None:
    schema = json.loads((ROOT / "contracts" / "avro" / "event_header.avsc").read_text(encoding="utf-8"))
    names = [name for row in rows_of("event.md", "Header") for name in re.findall(r"`([a-z_\[\].]+)`", row[0])]

    assert [name for name in names if "." not in name] == [field["name"] for field in schema["fields"]]
    (row,) = (field["type"]["items"]["fields"] for field in schema["fields"] if field["name"] == "sealed")
    assert [name.rpartition(".")[2] for name in names if "." in name] == [field["name"] for field in row]


@pytest.mark.parametrize(("kind", "file"), [("genesis", "entry_genesis_successor"), ("batch", "entry_batch")])
def test_the_table_of_an_entry_is_the_schema(kind: str, file: str) -> None:
    """The genesis of a successor has every field of the other one, and its predecessor."""
    schema = json.loads((ROOT / "contracts" / "avro" / f"{file}.avsc").read_text(encoding="utf-8"))
    table = TEXTS["entry.md"].split(f"\n| {kind} field |", 1)[1].split("\n\n", 1)[0].split("\n")[2:]
    names = [name for line in table for name in re.findall(r"`([a-z_]+)`", line.split(" | ")[0])]

    assert sorted(names) == sorted(field["name"] for field in schema["fields"])


def test_the_table_of_a_batch_is_the_order_of_its_bytes() -> None:
    batch = json.loads((PUBLISHED / "batches.json").read_text(encoding="utf-8"))["batches"][0]
    names = re.findall(r"^\| `([a-z_]+)` \| [^|]+ \|$", TEXTS["batch.md"], re.MULTILINE)[:7]

    assert names == [piece["field"] for piece in batch["pieces"] if piece["field"] not in ("label", "length")]


def test_the_table_of_buckets_is_what_the_vectors_say() -> None:
    sealing = json.loads((PUBLISHED / "sealing.json").read_text(encoding="utf-8"))
    rows = re.findall(
        r"^\| ([\d,]+) to ([\d,]+) \| (\d+) KiB \| ([\d,]+) \|$", TEXTS["sealed-payload.md"], re.MULTILINE
    )
    told = [[int(cell.replace(",", "")) for cell in row] for row in rows]
    known = {row["plaintext_bytes"]: (row["bucket_kib"], row["envelope_bytes"]) for row in sealing["buckets"]}

    assert len(told) == 5
    for low, high, bucket, size in told:
        assert known[low] == known[high] == (bucket, size)
    assert told[-1][1] + 1 == sealing["too_long"]


def test_the_numbers_of_the_fields_of_a_run_are_those_of_the_wire() -> None:
    for row in rows_of("delivery.md", "Run"):
        for (number, name), message in ((row[:2], pb.NotificationRun), (row[3:5], pb.Notification)):
            if number:
                assert message.DESCRIPTOR.fields_by_number[int(number)].name == name.strip("`")
