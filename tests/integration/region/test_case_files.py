"""A file of documents from disk to disk: sealed in parts, taken in parts, in bounded memory, resumable."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from adapters.region.case_file import JOURNAL, CaseFile
from adapters.region.documents import DocumentParts, with_files
from adapters.region.draft import Draft
from adapters.region.opening import Reader
from contracts.document_parts import PART_BYTES
from contracts.errors import ConflictError, ContractError
from contracts.ids import StreamId
from contracts.office_type import OfficeType
from contracts.rights import Offence
from hub.submission import Outcome
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer
from tests.support.matters import correction
from tests.support.region import gateway
from tests.support.world import World

pytestmark = pytest.mark.integration

BIG = bytes(range(256)) * 2_200
SMALL = b"a small document"


def documents(folder: Path) -> list[dict[str, str]]:
    """Two files on disk, one longer than two parts."""
    (folder / "big.bin").write_bytes(BIG)
    (folder / "small.bin").write_bytes(SMALL)
    return [
        {"title": f"样例文书{name}", "number": f"样例-{name}", "issued_on": "2026-02-01", "path": f"{name}.bin"}
        for name in ("big", "small")
    ]


def draft(world: World, stream_id: bytes, folder: Path) -> Draft:
    """The sending of a case file whose documents are on disk."""
    return Draft(
        procedure="CORRECTION_TRANSFER",
        event_type="FileSent",
        office=world.office("44", OfficeType.COUNTY_CORRECTION).office,
        occurred_at=world.clock.now_ms(),
        stream_id=StreamId(stream_id),
        body={"documents_complete": True, "supplement": False},
        payloads={"NP-COR-FILE": ({"files": documents(folder)},)},
        offence=Offence(is_under_18=False, sentence_months=24),
    )


@runs_in_a_loop
async def test_a_file_longer_than_a_payload_comes_whole_after_an_interruption(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        made = correction(world)
        for one in made[:5]:
            await hub.submit([one])
        stream_id = made[0].header.stream_id
        sealed: list[tuple[int, int]] = []
        async with gateway(world, "44", hub.client, tmp_path) as sender:
            await sender.streams.catch_up(stream_id)
            asked = with_files(draft(world, stream_id, tmp_path), tmp_path, lambda *done: sealed.append(done))
            sent = await sender.submit(asked)
        assert sent.outcome is Outcome.ACCEPTED
        parts = len(BIG) // PART_BYTES + 1
        assert sealed == [(part, parts) for part in range(1, parts + 1)]

        async with gateway(world, "43", hub.client, tmp_path) as receiver:
            await receiver.streams.catch_up(stream_id)
            reader = Reader(world.office("43", OfficeType.COUNTY_CORRECTION).office, "签收档案", role="CASE_OFFICER")
            out = tmp_path / "taken"

            def stop(part: int, _: int) -> None:
                if part == 2:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                await CaseFile(out, sent.event_id).take(receiver.opener, "NP-COR-FILE", reader, stop)
            opened = receiver.opener.count()
            count = await CaseFile(out, sent.event_id).take(receiver.opener, "NP-COR-FILE", reader)

            assert (opened, receiver.opener.count()) == (2, parts)
            with pytest.raises(ConflictError):
                CaseFile(out, made[0].header.event_id)
        assert count == 2
        check_folder(out)
        hub.audit()


def check_folder(out: Path) -> None:
    """The folder holds the documents under numbers, and a list of them."""
    assert (out / "001").read_bytes() == BIG
    assert (out / "002").read_bytes() == SMALL
    listed = json.loads((out / JOURNAL).read_text(encoding="utf-8"))["documents"]
    assert [row["number"] for row in listed] == ["样例-big", "样例-small"]
    assert (out / "001").stat().st_mode & 0o077 == 0


def test_parts_are_read_one_at_a_time(tmp_path: Path) -> None:
    """Twelve megabytes go through the memory of a few parts."""
    (tmp_path / "huge.bin").write_bytes(bytes(12 << 20))
    row = {"title": "t", "number": "n", "issued_on": "2026-02-01", "path": "huge.bin"}
    world = World()
    asked = draft(world, world.fresh_id(), tmp_path)
    tracemalloc.start()
    read = with_files(
        Draft(**{name: getattr(asked, name) for name in ("procedure", "event_type", "office", "occurred_at")},
              payloads={"NP-COR-FILE": ({"files": [row]},)}),
        tmp_path,
    )  # fmt: skip
    contents = read.payloads["NP-COR-FILE"]
    assert isinstance(contents, DocumentParts)
    count = sum(1 for content in contents if content["documents"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == -(-(12 << 20) // PART_BYTES)
    assert peak < 16 * PART_BYTES


@pytest.mark.parametrize("change", [{"path": "missing.bin"}, {"title": 1}, {"more": "x"}])
def test_what_cannot_be_read_is_refused_and_not_quoted(tmp_path: Path, change: dict[str, object]) -> None:
    world = World()
    asked = draft(world, world.fresh_id(), tmp_path)
    rows = [documents(tmp_path)[0] | change]

    with pytest.raises(ContractError) as refused:
        with_files(
            Draft(
                asked.procedure,
                asked.event_type,
                asked.office,
                asked.occurred_at,
                payloads={"NP-COR-FILE": ({"files": rows},)},
            ),
            tmp_path,
        )

    assert refused.value.code == "DRAFT_MALFORMED"
    assert "样例" not in str(refused.value)
    assert "missing.bin" not in str(refused.value)
