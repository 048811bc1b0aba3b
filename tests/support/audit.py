"""Derives a test's whole ledger again and compares everything that the store holds with it. Pure of pytest."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.ids import LeafIndex
from hub.matter import Matter, pack
from hub.ports import LedgerReader
from hub.replay import Replay
from hub.tally import Tally
from ledger.checkpoint import parse_checkpoint
from tests.support.world import World


class MemoryShelf:
    """A shelf in memory: test ledgers are small."""

    def __init__(self) -> None:
        self.matters: dict[bytes, Matter] = {}
        self.events: dict[bytes, tuple[bytes, int]] = {}
        self.sealed: dict[bytes, bytes] = {}

    def matter(self, stream_id: bytes) -> Matter | None:
        """The matter of a stream."""
        return self.matters.get(stream_id)

    def put(self, stream_id: bytes, matter: Matter) -> None:
        """Keep a matter."""
        self.matters[stream_id] = matter

    def all_matters(self) -> Iterator[tuple[bytes, bytes]]:
        """Every matter."""
        return ((stream_id, pack(matter)) for stream_id, matter in self.matters.items())

    def add_event(self, event_id: bytes, stream_id: bytes, index: int) -> None:
        """Keep an event id with its stream."""
        if event_id in self.events:
            raise AssertionError(f"event id {event_id.hex()} stands at {self.events[event_id][1]} and at {index}")
        self.events[event_id] = (stream_id, index)

    def stream_of(self, event_id: bytes) -> bytes | None:
        """The stream of an event."""
        found = self.events.get(event_id)
        return None if found is None else found[0]

    def add_sealed(self, event_id: bytes, packed: bytes) -> None:
        """Keep what an event said of its payloads."""
        self.sealed[event_id] = packed

    def sealed_of(self, event_id: bytes) -> bytes | None:
        """What an event said of its payloads."""
        return self.sealed.get(event_id)


def audit(reader: LedgerReader, world: World) -> Tally:
    """Derive the ledger again from its entries.

    Args:
        reader: A store that nobody writes to meanwhile.
        world: Whose ledger it is.

    Returns:
        What it holds, counted.

    Raises:
        AssertionError: The store holds something else than follows from the entries.
        UnexplainedError: An entry does not follow from those before it.
    """
    shelf = MemoryShelf()
    replay = Replay(rules=world.rules, shelf=shelf)
    size = reader.size()
    replay.feed_all(reader.entries(LeafIndex(0), LeafIndex(size)))
    note = reader.checkpoint()
    checkpoint = None if note is None else parse_checkpoint(note, replay.directory.log_keys.keys(world.verifier))
    found = {
        "checkpoint": None if checkpoint is None else (checkpoint.size, checkpoint.root),
        "heads": dict(reader.heads()),
        "matters": dict(reader.all_matters()),
        "event ids": dict(reader.recorded(list(shelf.events))),
        "producers": {name: reader.producer(name) for name in replay.producers},
    }
    derived = {
        "checkpoint": (size, replay.tree.root()),
        "heads": dict(replay.heads),
        "matters": {stream_id: pack(matter) for stream_id, matter in shelf.matters.items()},
        "event ids": {event_id: index for event_id, (_, index) in shelf.events.items()},
        "producers": dict(replay.producers),
    }
    for name, value in derived.items():
        if found[name] != value:
            raise AssertionError(f"{name} of the store are not those that follow from the entries")
    if not replay.is_between_batches:
        raise AssertionError("the ledger ends inside a batch")
    return replay.tally
