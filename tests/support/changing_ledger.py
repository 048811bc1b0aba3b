"""A hub in a test whose directory changes: offices open, change and close, bases come and go. Pure of pytest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters.store.opening import open_store
from contracts.ids import OfficeId
from contracts.sealing import RecipientKey
from contracts.signing import key_id
from contracts.suite import office_key
from hub.own_batch import HubDraft
from hub.submission import Refusal
from tests.support.batches import Made
from tests.support.matters import MatterMaker
from tests.support.world import World, WorldOffice


class ChangingLedger:
    """A world's hub in which offices open, change and close."""

    def __init__(self, path: Path, world: World | None = None) -> None:
        self.world = world or World()
        self.store = open_store(path)
        self.application = self.world.found(self.store)

    def send(self, *events: Made) -> list[Refusal | None]:
        """Send events one after another."""
        answers = [self.application.submit([self.world.batches[m.region].batch([m])])[0] for m in events]
        return [result.refusal for answer in answers for result in answer.results]

    def record(self, *events: Made) -> None:
        """Send events that are accepted."""
        assert self.send(*events) == [None] * len(events)

    def draft(self, event_type: str, **body: object) -> None:
        """Record a directory event; one that continues an object goes into that object's stream."""
        name, value = next(iter(body.items()))
        kinds = ("office", "mandate", "basis")
        stream_id = self.application.directory.stream_of(name, value) if name in kinds else None
        self.application.record([HubDraft(event_type, "DIRECTORY", body, stream_id=stream_id)])

    def open_office(self, like: WorldOffice, number: int, area: str) -> WorldOffice:
        """Register another office of a type, with a key of its own."""
        made = self.new_key(replace(like, office=OfficeId(f"o{number:08d}"), county6=area[:6]), number)
        self.draft(
            "OfficeRegistered",
            office=made.office,
            region=like.region,
            office_type=like.office_type.value,
            point=like.point,
            areas=[area],
            **office_key(made.key.public_raw),
            uscc="11440106PPRD00017T",
        )
        return made

    def new_key(self, office: WorldOffice, number: int) -> WorldOffice:
        """The office with another key, which nobody knows yet."""
        private = X25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        raw = private.public_key().public_bytes_raw()
        return replace(office, private=private, key=RecipientKey(office.office, key_id("office", raw), raw))

    def goes_on(self, events: Sequence[Made], recorded: int) -> MatterMaker:
        """A maker that goes on with a matter of which so many events are recorded."""
        maker = MatterMaker(self.world, events[0].header.procedure)
        maker.stream_id, maker.next_seq = events[0].header.stream_id, recorded
        maker.head = events[recorded].header.prev_hash
        return maker
