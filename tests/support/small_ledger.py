"""A small ledger of two regions: one registration, one notice, one case, a refusal, a repeat, an opening, heads, a key
that is revoked and one that replaces it, another key of the log itself and one of the hub.

    python -m tests.support.small_ledger OUT     writes its export in place of OUT, as `make vectors` has it done

It is cheap to export and to audit, so tests can damage it many times. Pure of pytest.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.compose.auditing import run_export
from adapters.store.opening import open_store
from contracts.ids import KeyId
from contracts.office_type import OfficeType
from contracts.signing import key_id
from hub.application import Application
from hub.own_batch import HubDraft
from hub.submission import Outcome
from tests.support.batches import Made
from tests.support.hub_keys import NEXT_HUB_KEY, replace_hub_key
from tests.support.kept_ledger import KeptLedger, opening
from tests.support.ledger_places import ON_SQLITE, LedgerPlaces
from tests.support.log_keys import NEXT, announce
from tests.support.log_keys import end as end_announced
from tests.support.matters import correction, notification, residence
from tests.support.world import World

_PROCEDURES: Final = ("RESIDENCE", "RESIDENCE_NOTIFICATION", "CORRECTION_TRANSFER")
_NODE_OFFICES: Final = (OfficeType.COUNTY_PSB_HOUSEHOLD, OfficeType.POLICE_STATION)
_CASE_OFFICES: Final = (
    OfficeType.COUNTY_CORRECTION,
    OfficeType.JUDICIAL_OFFICE,
    OfficeType.COURT,
    OfficeType.PROCURATORATE,
    OfficeType.COUNTY_PSB,
)
NEW_KEY: Final = Ed25519PrivateKey.from_private_bytes((44).to_bytes(32, "big"))
"""The key of 44-node after its first one was revoked."""


def make_small_ledger(folder: Path, *, registrations: int = 1, places: LedgerPlaces = ON_SQLITE) -> KeptLedger:
    """Make the ledger in a data folder; more registrations make more entries, three each."""
    world = World(
        seed="small",
        counties={"44": "440106", "45": "450103"},
        node_offices=_NODE_OFFICES,
        case_offices=_CASE_OFFICES,
    )
    with closing(open_store(places.new(folder / "hub"))) as store:
        world.found(store, without=[label for label in world.directory if not _is_needed(label)])
        sent = _play(world, world.load(store, next_signer=NEXT, next_hub_key=NEXT_HUB_KEY), registrations)
    return KeptLedger(world, folder, sent)


def _is_needed(label: str) -> bool:
    """Whether a draft of the directory is one that these matters need."""
    word, *rest = label.split(" ")
    return word != "mandate" or (rest[3] in _PROCEDURES and rest[1] in (*_NODE_OFFICES, *_CASE_OFFICES))


def _play(world: World, application: Application, registrations: int) -> Made:
    many = [residence(world, "44") for _ in range(registrations)]
    for step in range(3):
        application.submit([world.batches["44"].batch([events[step] for events in many])])
    notice, refused = notification(world, "44", "45"), residence(world, "45")[1]
    _submit(world, application, notice[:2])
    application.open_payload(opening(world, notice[1]))
    _submit(world, application, notice[2:])
    application.publish_heads()
    _submit(world, application, notice[:1], Outcome.REPEATED)
    _submit(world, application, [refused], Outcome.REFUSED)
    _submit(world, application, correction(world, "44", "45"))
    application.record([world.revocation("44"), _new_key(world)])
    world.batches["44"].key = NEW_KEY
    announce(application)
    _submit(world, application, notification(world, "44", "45"))
    end_announced(application)
    replace_hub_key(application, world.hub_key)
    application.publish_heads()
    return notice[1]


def _submit(world: World, application: Application, made: list[Made], outcome: Outcome = Outcome.ACCEPTED) -> None:
    """Submit events, a batch each."""
    for one in made:
        (answer,) = application.submit([world.batches[one.region].batch([one])])
        if [result.outcome for result in answer.results] != [outcome]:
            raise AssertionError(f"{one.header.event_type}: {answer}")


def _new_key(world: World) -> HubDraft:
    public = NEW_KEY.public_key().public_bytes_raw()
    name = KeyId(key_id("batch", public))
    body = {"key_id": name, "purpose": "batch", "producer": "44-node", "region": "44", "public_key": public}
    return HubDraft("KeyRegistered", "DIRECTORY", body)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        export = Path(sys.argv[1])
        shutil.rmtree(export, ignore_errors=True)
        run_export(make_small_ledger(Path(made) / "data").folder, export)
