"""Protection holds at a gateway with a real hub: what leaves, what does not, and what the file tells (DOMAIN 7.5)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.folder import DataFolder
from adapters.compose.hub_program import create_ledger
from adapters.region.gateway import RegionGateway
from adapters.settings import DEPLOY, HubSettings
from contracts.errors import RuleError, UnavailableError
from contracts.ids import OfficeId, StreamId
from contracts.office_type import OfficeType
from hub.submission import Outcome
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer
from tests.support.region import declared, gateway, keyring, notice_prepared, notice_sent

pytestmark = pytest.mark.integration

KEY = bytes(range(32))
HOLD = b"h" * 16
NOBODY = {"type": "record", "name": "Nobody", "fields": []}


@asynccontextmanager
async def guarded(hub: HubServer, folder: Path) -> AsyncIterator[RegionGateway]:
    """A gateway with a register."""
    ring = replace(keyring(hub.world, "44"), holds=KEY)
    async with gateway(hub.world, "44", hub.client, folder, ring=ring) as region:
        yield region


async def prepared(region: RegionGateway, hub: HubServer) -> tuple[StreamId, dict[str, Any]]:
    """A notice that may be sent, and whom it is about."""
    begun = await region.submit(notice_prepared(hub.world, "44", "45"))
    ((content,),) = notice_sent(hub.world, "44", begun.stream_id).payloads.values()
    return begun.stream_id, dict(content["identity"])


def court(hub: HubServer) -> OfficeId:
    """Who sets holds."""
    return hub.world.office("44", OfficeType.COURT).office


@runs_in_a_loop
async def test_no_notice_is_sent_of_a_person_under_a_hold_until_it_is_lifted(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub, guarded(hub, tmp_path) as region:
        matter, identity = await prepared(region, hub)
        region.holds.set(identity, court(hub), HOLD, hub.world.clock.now_ms())
        size = hub.size

        with pytest.raises(RuleError) as refused:
            await region.submit(notice_sent(hub.world, "44", matter))

        assert refused.value.code == "SAFETY_HOLD"
        assert hub.size == size
        assert identity["document_number"] not in str(refused.value)

        region.holds.lift(HOLD)
        other, _ = await prepared(region, hub)
        sent = await region.submit(notice_sent(hub.world, "44", other))
        assert sent.outcome is Outcome.ACCEPTED


@runs_in_a_loop
async def test_a_matter_is_held_after_a_restart_too_until_what_was_noted_of_it_is_forgotten(tmp_path: Path) -> None:
    """Also by the gateway that noted it: a matter whose content ended is not kept back for what it once held."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:

        def leaves(region: RegionGateway) -> bool:
            try:
                region.holds.protected(matter, "NP-RES", NOBODY, {"safety_hold": False})
            except RuleError:
                return False
            return True

        async with guarded(hub, tmp_path) as region:
            matter, identity = await prepared(region, hub)
            free = leaves(region)
            region.holds.set(identity, court(hub), HOLD, hub.world.clock.now_ms())
            with pytest.raises(RuleError):
                await region.submit(notice_sent(hub.world, "44", matter))
            region.holds.lift(HOLD)
            held = leaves(region)
        async with guarded(hub, tmp_path) as region:
            held_again = leaves(region)
            region.held.write_forgotten(matter)
            forgotten = leaves(region)

        assert (free, held, held_again, forgotten) == (True, False, False, True)


@runs_in_a_loop
async def test_others_are_sent_as_ever(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub, guarded(hub, tmp_path) as region:
        matter, identity = await prepared(region, hub)
        someone = identity | {"document_type": "PASSPORT", "document_number": "L00000001"}
        region.holds.set(someone, court(hub), HOLD, hub.world.clock.now_ms())

        sent = await region.submit(notice_sent(hub.world, "44", matter))

        assert sent.outcome is Outcome.ACCEPTED


@runs_in_a_loop
async def test_the_file_names_nobody_and_finds_nobody_without_the_key(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub, guarded(hub, tmp_path) as region:
        _, identity = await prepared(region, hub)
        region.holds.set(identity, court(hub), HOLD, hub.world.clock.now_ms())

    held = everything_in(tmp_path)
    assert identity["document_number"].encode() not in held
    assert KEY not in held


def everything_in(folder: Path) -> bytes:
    """The region's file with its log."""
    return b"".join(path.read_bytes() for path in folder.glob("region-44.sqlite*"))


@runs_in_a_loop
async def test_a_second_hold_of_a_person_is_the_first_one_and_a_review_is_a_year_away(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub, guarded(hub, tmp_path) as region:
        _, identity = await prepared(region, hub)
        now_ms = hub.world.clock.now_ms()
        first = region.holds.set(identity, court(hub), HOLD, now_ms)
        second = region.holds.set(identity, court(hub), b"i" * 16, now_ms)

        assert second == first
        assert (first.review_on.year, first.review_on.month) == (first.set_on.year + 1, first.set_on.month)
        assert region.holds.all() == [first]
        assert region.holds.review(HOLD, now_ms + 86_400_000).review_on > first.review_on
        with pytest.raises(RuleError, match="no such hold"):
            region.holds.lift(b"x" * 16)


@runs_in_a_loop
async def test_a_gateway_with_holds_does_not_start_without_their_key(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with guarded(hub, tmp_path) as region:
            _, identity = await prepared(region, hub)
            region.holds.set(identity, court(hub), HOLD, hub.world.clock.now_ms())

        with pytest.raises(UnavailableError, match=r"holds\.key"):
            gateway(hub.world, "44", hub.client, tmp_path)


@runs_in_a_loop
async def test_what_names_nobody_is_never_asked_about(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub, guarded(hub, tmp_path) as region:
        sent = await region.submit(declared(hub.world, "44"))

        assert sent.outcome is Outcome.ACCEPTED


COURT, HOUSEHOLD = "oabcd1234", "oabcd1235"
PLAN = """
points = ["44-node"]
[[office]]
id = "oabcd1234"
type = "COURT"
point = "44-node"
areas = ["440106000000"]
uscc = "11440106PPRD00017T"
[[office]]
id = "oabcd1235"
type = "COUNTY_PSB_HOUSEHOLD"
point = "44-node"
areas = ["440106000000"]
uscc = "11440106PPRD00017T"
"""
PERSON = {
    "name": "测试甲一",
    "document_type": "PASSPORT",
    "document_number": "L00000001",
    "birth_date": "2090-01-01",
}


def pprd(data: Path, *words: str, said: object = None, code: int = 0) -> Any:
    """What a verb answers to a machine."""
    line = [*words, "--data", str(data), "--json"]
    done = CliRunner().invoke(app, line, input=None if said is None else json.dumps(said))
    assert done.exit_code == code, done.output
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A hub and a registered region that has seen the directory."""
    (tmp_path / "plan.toml").write_text(PLAN)
    made = DataFolder(tmp_path / "data")
    settings = HubSettings.load(DEPLOY / "hub.toml", data_dir=made.hub)
    vkey = create_ledger(settings).vkey
    made.write_hub(settings)
    where = ("--hub", "127.0.0.1:1", "--nats", "nats://127.0.0.1:1")
    words = ("region", "init", str(tmp_path / "plan.toml"), "--region", "44", "--vkey", vkey, *where, "--sandbox")
    registration = pprd(made.root, *words)["registration"]
    pprd(made.root, "directory", "apply", str(registration))
    done = CliRunner().invoke(app, ["receive", "--data", str(made.root), "--region", "44"])
    assert done.exit_code == 0, done.output
    return made.root


def test_the_verbs_set_list_review_and_lift(folder: Path) -> None:
    where = ("--region", "44")
    (held,) = pprd(folder, "holds", "set", *where, "--office", COURT, said=PERSON)["holds"]

    assert held["office"] == COURT
    assert pprd(folder, "holds", "list", *where)["holds"] == [held]
    assert pprd(folder, "holds", "review", held["hold"], *where, "--office", COURT)["holds"] == [held]
    pprd(folder, "holds", "lift", held["hold"], *where, "--office", COURT)
    assert pprd(folder, "holds", "list", *where)["holds"] == []


@pytest.mark.parametrize(
    ("office", "said", "code"),
    [
        (HOUSEHOLD, PERSON, "HOLD_FORBIDDEN"),
        ("oabcd9999", PERSON, "OFFICE_UNKNOWN"),
        (COURT, {"name": "测试甲一"}, "REQUEST_MALFORMED"),
        (COURT, [], "REQUEST_MALFORMED"),
    ],
)
def test_who_may_not_and_what_is_no_person_is_refused_without_quoting_it(
    folder: Path, office: str, said: object, code: str
) -> None:
    refused = pprd(folder, "holds", "set", "--region", "44", "--office", office, said=said, code=3)

    assert refused["error"]["code"] == code
    assert "测试" not in json.dumps(refused, ensure_ascii=False)
