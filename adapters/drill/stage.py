"""The stage of the drill: a new ledger with two regions, some notices between them, and everybody honest so far.

Region 44 sends, region 45 receives; each has one household office, served by its node. Every identity is synthetic. The
folder is made once and copied for every lie, so that each lie meets the same people.
"""

from __future__ import annotations

import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from adapters.compose.directory_changes import drafts_of, record_all
from adapters.compose.folder import DataFolder
from adapters.compose.hub_program import create_ledger, opened_hub
from adapters.compose.parts import KEYS
from adapters.compose.region_program import connected_gateway
from adapters.compose.registration import RegionPlan, registration_of
from adapters.drill.liar import LyingHub
from adapters.keys.folder import make_region_keys
from adapters.region.draft import Draft
from adapters.region.gateway import RegionGateway
from adapters.settings import HubSettings, RegionSettings
from contracts.errors import FatalError
from contracts.identity import synthetic_resident_id, synthetic_uscc
from contracts.ids import EventId, OfficeId, PointId, RegionCode, StreamId, uuid7
from contracts.office_type import OfficeType
from hub.submission import Outcome
from ledger.note import NoteVerifier

ORIGIN: Final = "drill.pprd.example/liar"
"""The origin of every ledger of a drill, and of no other one."""
SENDER: Final = RegionCode("44")
RECEIVER: Final = RegionCode("45")
COUNTIES: Final = {SENDER: "440106", RECEIVER: "450103"}
OFFICES: Final = {SENDER: OfficeId("o44444444"), RECEIVER: OfficeId("o45555555")}
NOTICES: Final = 4
"""Notices that the receiver is told of before anybody lies."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What everybody agrees on before the lies.

    Attributes:
        folder: To be copied for each lie.
        log: The ledger's key.
        sealed: The first notice that was sent, with its sealed content.
    """

    folder: DataFolder
    log: NoteVerifier
    sealed: EventId

    def copy(self, to: Path) -> DataFolder:
        """The same people in another folder."""
        shutil.copytree(self.folder.root, to)
        return DataFolder(to)

    def settings(
        self, folder: DataFolder, region: RegionCode, hub: str, nats: str = "", witnesses: Path | None = None
    ) -> RegionSettings:
        """A region's settings: where its hub and its broker listen, and which witnesses it asks itself."""
        return RegionSettings.load(
            None,
            region=region,
            data_dir=folder.region(region),
            hub_address=hub,
            nats_url=nats or "nats://127.0.0.1:4222",
            log_vkey=self.log.vkey,
            sandbox=True,
            witness_policy=witnesses,
        )


async def set_stage(root: Path) -> Stage:
    """Make the ledger, register the regions, and let the first notices pass."""
    folder = DataFolder(root)
    # In a file, whatever this machine's hub has: each lie gets a copy of the folder.
    settings = HubSettings.load(None, data_dir=folder.hub, listen="127.0.0.1:0", origin=ORIGIN, sandbox=True, store="")
    log = create_ledger(settings)
    folder.write_hub(settings)
    with opened_hub(settings) as application:
        for region in COUNTIES:
            record_all(application, drafts_of(_registered(folder, region)))
    stage = Stage(folder, log, EventId(bytes(16)))
    async with LyingHub(folder) as hub, connected_gateway(stage.settings(folder, SENDER, hub.address)) as gateway:
        sent = [await notice(gateway) for _ in range(NOTICES)]
    with opened_hub(settings) as application:
        application.publish_heads()
    return Stage(folder, log, sent[0])


async def notice(gateway: RegionGateway, *, timeout_seconds: float = 30.0) -> EventId:
    """Let the sender tell the receiver that somebody has moved; gives the event with the sealed content."""
    prepared = await gateway.submit(_prepared(), timeout_seconds=timeout_seconds)
    sent = await gateway.submit(_sent(prepared.stream_id), timeout_seconds=timeout_seconds)
    if Outcome.REFUSED in (prepared.outcome, sent.outcome):
        raise FatalError("DRILL_FAILED", f"an honest event was refused: {prepared.refusal or sent.refusal}")
    return sent.event_id


def _fresh_id() -> bytes:
    return uuid7(unix_ms=time.time_ns() // 1_000_000, entropy=secrets.token_bytes(10))


def _prepared() -> Draft:
    return _draft(
        event_type="ResidenceNoticePrepared",
        counterpart_region=RECEIVER,
        counterpart_office=OFFICES[RECEIVER],
        body={"notice_id": _fresh_id()},
    )


def _sent(stream_id: StreamId) -> Draft:
    content = {
        "identity": {
            "name": "测试甲一",
            "document_type": "CN_RESIDENT_ID",
            "document_number": synthetic_resident_id(COUNTIES[RECEIVER], 1850, 3, 1, 2),
            "birth_date": "1998-03-01",
        },
        "county": COUNTIES[SENDER],
        "date": "2026-03-02",
        "change": "STARTED",
    }
    return _draft(event_type="ResidenceNoticeSent", stream_id=stream_id, payloads={"NP-RES": (content,)})


def _draft(**fields: Any) -> Draft:
    return Draft(
        procedure="RESIDENCE_NOTIFICATION",
        office=OFFICES[SENDER],
        occurred_at=time.time_ns() // 1_000_000,
        **fields,
    )


def _registered(folder: DataFolder, region: RegionCode) -> Any:
    point, office = PointId(f"{region}-node"), OFFICES[region]
    row = {
        "id": office,
        "type": OfficeType.COUNTY_PSB_HOUSEHOLD.value,
        "point": point,
        "areas": [f"{COUNTIES[region]}000000"],
        "uscc": synthetic_uscc(f"11{COUNTIES[region]}PPRD0001"),
    }
    plan = RegionPlan(region, (point,), [row], "2020-01-01", f"PIA-{region}-2019-1", "2019-12-02")
    return registration_of(plan, make_region_keys(folder.region(region) / KEYS, offices=[office], points=[point]))
