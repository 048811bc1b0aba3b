"""An evidence pack holds in a browser that has no network, and everywhere else (docs/spec/evidence-pack.md)."""

from __future__ import annotations

import base64
import json
import re
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from adapters.compose.packing import check_page
from adapters.pack.page import evidence_in, load_verifier
from adapters.store.opening import open_store
from adapters.store.store_keys import store_chain
from contracts.event import decode_event
from contracts.ids import LeafIndex
from docs.ledger_packs import good_pack
from ledger.entry import event_of
from ledger.policy import parse_policy
from tests.support.browser import Chromium
from tests.support.hub_keys import NEXT_HUB_KEY, replace_hub_key
from tests.support.kept_ledger import KeptLedger
from tests.support.log_keys import NEXT, announce, end
from tests.support.matters import declaration
from tests.support.pack_pages import HOLDS, failed, flipped, pack_in, page_of, said, states, verdict
from tests.support.world import World

pytestmark = pytest.mark.integration


def test_a_good_pack_holds_and_every_check_says_so(chromium: Chromium, pack: Path, witnessed: KeptLedger) -> None:
    with chromium.opened(pack) as page:
        found = states(page)

        assert set(found.values()) == {"pass"}
        assert len(found) == 13
        assert verdict(page) == HOLDS
        assert page.inner_text("h1") == "Residence notice sent 通报发送"
        text = page.inner_text("main")
        assert str(UUID(bytes=witnessed.sent.header.event_id)) in text
        assert "court (2026-03-02 10:01 UTC+8)" in text
        assert load_verifier().fingerprint in text.replace(" ", "")


def test_the_page_asks_no_network_and_may_not(chromium: Chromium, pack: Path) -> None:
    with chromium.opened(pack) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.reload()
        states(page)
        refused = page.evaluate("fetch('https://ledger.example/').then(() => 'asked', (error) => error.name)")

        assert [url for url in asked if not url.startswith(("file:", "https://ledger.example/"))] == []
        assert refused == "TypeError"
    html = pack.read_text("ascii")
    assert "default-src 'none'; script-src 'sha256-" in html
    assert not re.search(r"(?:src|href)=|https?://", html.replace("default-src=", ""))


def test_our_own_reader_says_the_same(pack: Path, policy: Path, witnessed: KeptLedger) -> None:
    code, text = said("verify", pack, "--policy", policy)

    assert code == 0, text
    assert "signed by 44-node" in text
    assert "the receipt holds" in text
    code, text = said("verify", pack, "--vkey", witnessed.world.verifier.vkey, "--json")
    assert code == 0
    told = json.loads(text)
    assert len(told["sizes"]) == 2
    assert told["event"]["event"] == "ResidenceNoticeSent"


def test_a_pack_holds_headers_and_hashes_and_no_payload(pack: Path, witnessed: KeptLedger) -> None:
    evidence = evidence_in(pack.read_bytes())
    parts = [base64.b64decode(word) for word in re.findall(rb"[A-Za-z0-9+/=]{20,}", evidence)]

    for payload in witnessed.sent.payloads:
        assert all(payload.envelope[:64] not in part for part in parts)
        assert all(wrapped.enc not in part for wrapped in payload.wrapped for part in parts)


def test_the_receipt_can_be_saved_and_is_read_by_others(
    chromium: Chromium, pack: Path, policy: Path, tmp_path: Path
) -> None:
    with chromium.opened(pack) as page:
        states(page)
        with page.expect_download() as download:
            page.get_by_role("link", name=re.compile("Save the receipt")).click()
        saved = tmp_path / "saved.tlog-proof"
        download.value.save_as(saved)

    assert saved.read_bytes() == pack_in(pack).receipt
    assert said("verify", saved, "--policy", policy)[0] == 0


def test_content_that_was_destroyed_is_told(chromium: Chromium, tmp_path: Path) -> None:
    with chromium.opened(page_of(good_pack(), tmp_path)) as page:
        assert states(page)["ends"] == "pass"
        assert "content was destroyed" in page.inner_text("#sealed ~ p")


@pytest.mark.sqlite_file
def test_a_matter_that_is_sealed_gives_no_pack(witnessed: KeptLedger, tmp_path: Path) -> None:
    copy = witnessed._replace(folder=Path(shutil.copytree(witnessed.folder, tmp_path / "data")))
    copy.change("INSERT INTO sealed VALUES (?)", witnessed.sent.header.stream_id.hex())
    event_id = UUID(bytes=witnessed.sent.header.event_id)

    code, text = said("pack", event_id, "--data", copy.folder, "--out", tmp_path / "no.html")

    assert code != 0
    assert "NOT_FOUND" in text
    assert not (tmp_path / "no.html").exists()


def test_a_pack_crosses_the_replacement_of_the_ledgers_key(chromium: Chromium, tmp_path: Path) -> None:
    """The receipt bears the earlier key, the newest checkpoint the next one; the page names both to be compared."""
    world, out = World(), tmp_path / "pack.html"
    (tmp_path / "hub").mkdir()
    made = declaration(world, "44")
    with closing(open_store(tmp_path / "hub" / "ledger.sqlite")) as store:
        world.found(store)
        application = world.load(store, next_signer=NEXT)
        application.submit([world.batches["44"].batch([made])])
        announce(application)
        end(application)
        application.submit([world.batches["44"].batch([declaration(world, "44")])])
        chain = tmp_path / "chain"
        chain.write_bytes(store_chain(store) or b"")

    code, text = said("pack", UUID(bytes=made.header.event_id), "--data", tmp_path, "--out", out)

    assert code == 0, text
    assert [log.verifier for log in parse_policy(pack_in(out).policy).logs] == [world.verifier, NEXT.verifier]
    with chromium.opened(out) as page:
        assert states(page)["chain"] == "pass"
        assert verdict(page) == HOLDS
    assert said("verify", out, "--vkey", world.verifier.vkey)[0] == 1
    assert said("verify", out, "--vkey", world.verifier.vkey, "--log-keys", chain)[0] == 0


def test_a_batch_of_the_hub_under_its_next_key_is_proved(chromium: Chromium, tmp_path: Path) -> None:
    """The entry that replaced the key is in the pack, with the signature of the key that follows (ADR 0067)."""
    world, out = World(), tmp_path / "pack.html"
    (tmp_path / "hub").mkdir()
    with closing(open_store(tmp_path / "hub" / "ledger.sqlite")) as store:
        world.found(store)
        application = world.load(store, next_hub_key=NEXT_HUB_KEY)
        own = replace_hub_key(application, world.hub_key)
        (index,) = application.record([world.revocation("43")])
        (entry,) = store.entries(index, LeafIndex(index + 1))
    event_id = decode_event(event_of(entry) or b"").event_id

    assert said("pack", UUID(bytes=event_id), "--data", tmp_path, "--out", out)[0] == 0
    pack = pack_in(out)
    assert pack.key is not None
    assert pack.key.index == own
    forged = replace(pack.key, content=flipped(pack.key.content, len(pack.key.content) - 1))
    for changed, check in ((replace(pack, key=None), "key"), (replace(pack, key=forged), "key")):
        with chromium.opened(page_of(changed, tmp_path)) as page:
            assert failed(page) == [check]
        assert said("verify", tmp_path / "page.html", "--vkey", world.verifier.vkey)[0] == 1
    with chromium.opened(out) as page:
        assert states(page)["key"] == "pass"
        assert verdict(page) == HOLDS
    assert said("verify", out, "--vkey", world.verifier.vkey)[0] == 0


@pytest.mark.sqlite_file
def test_a_checkpoint_that_the_reader_kept_is_shown_to_be_a_beginning(witnessed: KeptLedger, tmp_path: Path) -> None:
    kept, out = tmp_path / "kept", tmp_path / "pack.html"
    kept.write_bytes(witnessed.one("SELECT note FROM checkpoints ORDER BY size LIMIT 1")[0])
    event_id = UUID(bytes=witnessed.sent.header.event_id)
    vkey = witnessed.world.verifier.vkey

    code, text = said("pack", event_id, "--data", witnessed.folder, "--out", out, "--kept", kept)

    assert code == 0, text
    proved = check_page(out.read_bytes(), parse_policy(f"log {vkey}\nquorum none\n".encode()))
    assert [head.checkpoint.size for head in proved.heads] == sorted({head.checkpoint.size for head in proved.heads})
    assert len(proved.heads) == 3
