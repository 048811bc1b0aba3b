"""A whole data folder for audits: every kind of matter, a refusal, a repeat, an opening, a missed duty, heads.

    folder = make_ledger(tmp_path / "data")               # honest, closed, to be copied and damaged
    forged = forge(folder, tmp_path / "forged", entries)  # what a hub that lies would sign

Pure of pytest.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from adapters.compose.ledger_place import known_place
from adapters.store.opening import LEDGER_FILE, open_store
from contracts.event import decode_event
from contracts.ids import KeyId, LeafIndex, TreeSize
from contracts.instant import DAY_MS
from contracts.opening import reason_commitment
from contracts.signing import key_id, sign
from hub.matter import unpack
from hub.openings import OpenRequest
from hub.own_batch import HubBatchMaker, HubDraft
from hub.ports import Commit, StoredEntry
from hub.submission import Outcome, SubmittedBatch
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.entry import BatchEntry, EventEntry, decode_entry, encode_batch_entry, encode_event_entry
from ledger.tiles import tiles_after
from ledger.tree import hash_leaf, root_of
from tests.support.all_matters import one_of_each
from tests.support.batches import Made
from tests.support.ledger_places import ON_SQLITE, LedgerPlaces
from tests.support.matters import notification, residence
from tests.support.world import World

MATTERS: Final = 30


class KeptLedger(NamedTuple):
    """A data folder whose hub does not run.

    Attributes:
        world: Whose ledger it is; its makers of batches stand behind the last recorded one.
        folder: The data folder.
        sent: An event with a sealed payload.
    """

    world: World
    folder: Path
    sent: Made

    @property
    def file(self) -> Path:
        """The ledger's file, where it is in one."""
        return self.folder / "hub" / LEDGER_FILE

    @property
    def place(self) -> Path:
        """The ledger's place, whichever it is."""
        return known_place(self.folder)

    def entries(self) -> list[bytes]:
        """All entries."""
        with closing(open_store(self.place, read_only=True)) as store:
            return list(store.entries(LeafIndex(0), LeafIndex(store.size())))

    def change(self, statement: str, *parameters: object) -> None:
        """Change the file behind the hub's back."""
        with closing(sqlite3.connect(self.file)) as db:
            changed = db.execute(statement, parameters).rowcount
            db.commit()
        if changed < 1:
            raise AssertionError(f"nothing changed: {statement}")

    def one(self, statement: str, *parameters: object) -> Any:
        """The first row."""
        with closing(sqlite3.connect(self.file)) as db:
            return db.execute(statement, parameters).fetchone()

    def all(self, statement: str) -> list[Any]:
        """All rows."""
        with closing(sqlite3.connect(self.file)) as db:
            return db.execute(statement).fetchall()


def make_ledger(folder: Path, *, matters: int = MATTERS, places: LedgerPlaces = ON_SQLITE) -> KeptLedger:
    """Make a ledger that holds something of everything."""
    world = World()
    with closing(open_store(places.new(folder / "hub"))) as store:
        application = world.found(store)

        def submit(made: Sequence[Made], *, outcome: Outcome = Outcome.ACCEPTED) -> None:
            for one in made:
                (answer,) = application.submit([world.batches[one.region].batch([one])])
                if [result.outcome for result in answer.results] != [outcome]:
                    raise AssertionError(f"{one.header.event_type}: {answer}")

        for events in one_of_each(world).values():
            submit(events)
        sent = notification(world, "44", "45")
        submit(sent[:2])
        application.open_payload(opening(world, sent[1]))
        submit(sent[2:])
        application.publish_heads()
        submit(sent[:1], outcome=Outcome.REPEATED)
        submit([residence(world, "45")[1]], outcome=Outcome.REFUSED)
        many = [residence(world, "44") for _ in range(matters)]
        for step in range(3):
            application.submit([world.batches["44"].batch([events[step] for events in many])])
        late = notification(world, "43", "45")
        submit(late[:3])
        world.clock.advance(30 * DAY_MS)
        if application.run_timers() < 1:
            raise AssertionError("no duty was missed")
        application.publish_heads()
    return KeptLedger(world, folder, sent[1])


def opening(world: World, made: Made, *, region: str = "45", **changes: Any) -> OpenRequest:
    """A signed request to open the first payload of an event; `changes` make it another one."""
    office = world.office(region, "COUNTY_PSB_HOUSEHOLD")
    gateway = world.gateways[region]
    unsigned = OpenRequest(
        request_id=world.fresh_id(),
        event_id=made.header.event_id,
        ciphertext_hash=made.header.sealed[0].ciphertext_hash,
        office=office.office,
        officer=world.fresh_id(),
        role="REGISTRAR",
        purpose=made.header.purpose,
        reason="TASK",
        reason_commitment=reason_commitment(key=world.entropy.draw(32), text="样例理由"),
        approval=world.entropy.draw(32),
        created_ms=world.clock.now_ms(),
        producer=gateway.producer,
        key_id=gateway.key_id("open"),
        signature=bytes(64),
    )
    changed = replace(unsigned, **changes)
    return replace(changed, signature=sign(gateway.keys["open"], changed.tbs()))


# -- what a hub that lies would record


def recorded(world: World, batch: SubmittedBatch) -> list[bytes]:
    """The entries of a batch that was recorded without being admitted."""
    header = BatchEntry(batch.tbs, batch.signature, KeyId(batch.key_id), world.clock.now_ms(), ())
    return [encode_batch_entry(header), *(encode_event_entry(event) for event in batch.events)]


def hub_batch(kept: KeptLedger, *drafts: HubDraft) -> list[bytes]:
    """The entries of the hub's own next batch, recorded without being admitted."""
    world = kept.world
    with closing(open_store(kept.place, read_only=True)) as store:
        state = store.producer("00-hub")
        streams = [draft.stream_id for draft in drafts if draft.stream_id is not None]
        matters = {stream_id: unpack(packed) for stream_id, packed in store.matters(streams).items()}
    if state is None:
        raise AssertionError("the hub has recorded nothing")
    maker = HubBatchMaker(world.rules, world.entropy, world.clock.now_ms())
    hub_key_id = key_id("hub-events", world.hub_key.public_key().public_bytes_raw())
    return recorded(world, maker.batch(maker.events(drafts, matters), state, world.hub_key, hub_key_id))


def forge(kept: KeptLedger, folder: Path, entries: Sequence[bytes]) -> KeptLedger:
    """A data folder whose tiles and checkpoint are signed over other entries; nothing derived is kept beside them."""
    world = kept.world
    leaves = [hash_leaf(entry) for entry in entries]
    size = TreeSize(len(entries))
    signer = world.log_signer
    with closing(open_store(ON_SQLITE.new(folder / "hub"))) as store:
        store.commit(
            Commit(
                old_size=TreeSize(0),
                new_size=size,
                entries=[
                    StoredEntry(hashlib.sha256(bytes([i % 256, i // 256])).digest()[:16], i, _topic(entry), entry)
                    for i, entry in enumerate(entries)
                ],
                event_ids=_event_ids(entries),
                tiles=tiles_after(0, leaves, lambda level, index: b""),
                checkpoint=sign_checkpoint(Checkpoint(signer.name, size, root_of(leaves)), signer),
                matters=(),
                due={},
                runs=(),
                heads=(),
                payloads=(),
                producers=(),
                directory=(),
                recorded_at=world.clock.now_ms(),
            )
        )
    return KeptLedger(world, folder, kept.sent)


def _event_ids(entries: Sequence[bytes]) -> list[tuple[bytes, int]]:
    """The list of event ids that a hub would keep; the first entry has a repeated one."""
    found: dict[bytes, int] = {}
    for index, data in enumerate(entries):
        entry = decode_entry(data)
        if isinstance(entry, EventEntry):
            found.setdefault(decode_event(entry.event).event_id, index)
    return list(found.items())


def _topic(entry: bytes) -> str:
    return type(decode_entry(entry)).__name__
