"""Where an audit reads from, and how it says what is wrong with what is kept there.

A source holds entries, and beside them whatever somebody derived from them once: tiles, earlier checkpoints, delivery
runs, payloads, states, receipts. All of it is compared with what follows from the entries; nothing of it is believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from contracts.errors import ExchangeError
from contracts.event import SealedRef
from contracts.ids import LeafIndex, OfficeId
from hub.audit_errors import KeptError
from hub.replay_ports import Shelf
from ledger.entry import GenesisEntry, decode_entry

if TYPE_CHECKING:
    from hub.directory import Directory
    from hub.ports import ProducerState, Run
    from hub.replay import Replay
    from hub.tally import Tally


class Kept(NamedTuple):
    """Bytes that a source keeps.

    Attributes:
        place: Where, in the source's own words.
        data: The bytes.
    """

    place: str
    data: bytes


class NamedPayload(NamedTuple):
    """A sealed payload that an entry names.

    Attributes:
        entry: The entry.
        number: Its position in the entry's `sealed`.
        producer: The office that sealed it.
        ref: What the entry says of it.
        stream_id: The matter.
        event_id: The event that the entry holds.
    """

    entry: LeafIndex
    number: int
    producer: OfficeId
    ref: SealedRef
    stream_id: bytes
    event_id: bytes


class MissingPayload(NamedTuple):
    """A named payload of which something is not held.

    Attributes:
        named: The payload.
        offices: Offices whose keys are missing; None if the envelope itself is.
    """

    named: NamedPayload
    offices: tuple[str, ...] | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it can be read any more."""
        return self.offices is None

    def unexplained(self) -> KeptError:
        """The finding that nothing says why it is missing."""
        entry, _, _, ref, *_ = self.named
        if self.offices is None:
            told = f"the sealed {ref.profile} is not held, and no entry says that it was destroyed"
            return KeptError("PAYLOAD_INVALID", told, place="payloads", index=entry)
        told = f"no content key of the sealed {ref.profile} is held for {', '.join(self.offices)}"
        return KeptError("PAYLOAD_INVALID", told, place="wrapped_keys", index=entry)

    def plain(self) -> list[Any]:
        """Values that JSON can hold."""
        entry, number, producer, ref, stream_id, event_id = self.named
        offices = None if self.offices is None else list(self.offices)
        return [entry, number, producer, ref.profile, stream_id.hex(), event_id.hex(), offices]

    @classmethod
    def of_plain(cls, plain: Sequence[Any]) -> MissingPayload:
        """What `plain` took apart, without what only the comparison needed."""
        entry, number, producer, profile, stream_id, event_id, offices = plain
        ref = SealedRef(profile, b"", b"", 0, ())
        named = NamedPayload(
            LeafIndex(entry), number, OfficeId(producer), ref, bytes.fromhex(stream_id), bytes.fromhex(event_id)
        )
        return cls(named, None if offices is None else tuple(offices))


class Followed(Protocol):
    """What any audit knows after the last entry, one of hashes too."""

    @property
    def genesis(self) -> GenesisEntry | None:
        """Entry 0."""

    @property
    def directory(self) -> Directory:
        """As of the last entry."""

    @property
    def directory_log(self) -> Sequence[LeafIndex]:
        """Indexes of the directory's events."""

    @property
    def producers(self) -> Mapping[str, ProducerState]:
        """Where the chain of each producer stands."""

    @property
    def tally(self) -> Tally:
        """What was counted."""


class AuditShelf(Shelf, Protocol):
    """A shelf that may find a repeated event id late."""

    def finish(self) -> None:
        """Compare what was not compared yet.

        Raises:
            UnexplainedError: EVENT_ID_REUSED.
            KeptError: An id is kept with another entry.
        """


class Source(Protocol):
    """A ledger that can be audited. Every method raises UnavailableError where the source cannot be read now."""

    @property
    def holds_payloads(self) -> bool:
        """Whether sealed payloads are kept here."""

    @property
    def only_replayed(self) -> tuple[str, ...]:
        """What is kept here beside the entries and only a replay can compare, in plain words."""

    def log_key(self) -> str:
        """The verifier key that the source itself names; an auditor who has one of his own never asks.

        Raises:
            KeptError: It names none, or none that can be read.
        """

    def log_keys(self) -> Kept | None:
        """The chain of the ledger's keys (`hub.log_key_chain`); None where there is none, as for one key for ever.

        Raises:
            KeptError: It cannot be read.
        """

    def checkpoint(self) -> Kept:
        """The signed note to audit up to.

        Raises:
            KeptError: There is none.
        """

    def entries(self, start: LeafIndex, end: LeafIndex) -> Iterator[bytes]:
        """Entry bytes of [start, end), ascending, in bounded memory; fewer if some are missing.

        Raises:
            KeptError: A place cannot be read as entries.
        """

    def place(self, index: LeafIndex) -> str | None:
        """Where an entry is kept, if that says more than its index."""

    def notes(self, size: int) -> Iterator[Kept]:
        """Signed checkpoints of this ledger up to a size, ascending by size, several of one size allowed."""

    def runs(self, size: int) -> Iterator[Run] | None:
        """Delivery runs as kept, in publishing order, up to the checkpoint of a size; None where none are kept."""

    def tile(self, level: int, index: int, width: int) -> Kept | None:
        """The first `width` hashes of a tile as kept; None where no tiles are kept.

        Raises:
            KeptError: The tile is missing or shorter.
        """

    def check_payloads(self, named: Sequence[NamedPayload]) -> list[MissingPayload]:
        """Compare the payloads that some entries name with those that are kept, where `holds_payloads`.

        Returns:
            Those of which something is not held.

        Raises:
            KeptError: PAYLOAD_INVALID: other bytes are kept in the place of one.
        """

    def held_of(self, stream_id: bytes, before: int) -> tuple[int, int]:
        """Envelopes and wrapped keys that are held of a matter's events below an index, where `holds_payloads`."""

    def payloads_kept(self, size: int) -> int | None:
        """Envelopes that are kept, where `holds_payloads`; None if the source has gone on from a size."""

    def copies_of(self, event_id: bytes) -> int:
        """Wrapped keys that are held of an event's payloads for others than who sealed them, where `holds_payloads`."""

    def is_erased_after(self, stream_id: bytes, size: int) -> bool:
        """Whether a source that has more entries than a size says that one of those destroyed a matter's content."""

    def check_files(self, followed: Followed) -> None:
        """Compare what is kept beside the entries and needs no replay, after the last entry: files, receipts, chains.

        Raises:
            KeptError: Something differs.
        """

    def check_rest(self, replay: Replay) -> None:
        """Compare whatever else is kept, after the last entry: states, heads.

        Raises:
            KeptError: Something differs.
        """


def genesis_key(entries: Iterator[bytes]) -> str:
    """The verifier key in a genesis record, for auditors who have none of their own.

    Raises:
        KeptError: There is no first entry, or it is no genesis record.
    """
    first = next(entries, None)
    if first is None:
        raise KeptError("LEDGER_UNEXPLAINED", "there is no first entry", index=0)
    try:
        genesis = decode_entry(first)
    except ExchangeError as error:
        raise KeptError(error.code, error.message, index=0) from error
    if not isinstance(genesis, GenesisEntry):
        raise KeptError("LEDGER_UNEXPLAINED", "the first entry is no genesis record", index=0)
    return genesis.log_key
