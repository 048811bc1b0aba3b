"""Who has no ledger at hand asks the hub, and gets an evidence pack that needs the hub no longer."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from adapters.compose.packing import check_page
from adapters.store.opening import open_store
from ledger.policy import parse_policy
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer
from tests.support.matters import notification
from tests.support.pack_pages import pack_in, said

pytestmark = pytest.mark.integration


@runs_in_a_loop
async def test_a_hub_that_answers_gives_the_same_pack(tmp_path: Path) -> None:
    """Without what ended the content, which only the ledger's file tells quickly."""
    out = tmp_path / "pack.html"
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        sent = notification(hub.world, "44", "45")
        await hub.submit(sent)
        event_id = UUID(bytes=sent[1].header.event_id)

        code, text = await asyncio.to_thread(said, "pack", event_id, "--hub", hub.address, "--out", out)

        assert code == 0, text
        with closing(open_store(tmp_path / "ledger.sqlite", read_only=True)) as store:
            size = store.size()
    proved = check_page(out.read_bytes(), parse_policy(pack_in(out).policy))
    assert proved.header.event_id == sent[1].header.event_id
    assert proved.batch.producer == "44-node"
    assert proved.heads[-1].checkpoint.size == size
