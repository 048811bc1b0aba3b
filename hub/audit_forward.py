"""What the reader of a divided audit passes on to the other half.

Of a whole audit it reads headers, event ids and payloads itself: `Forward`; a passed event is its leaf hash and its
header, so that nothing is read twice, and the other half is `hub.audit_states`. Of a quick one it passes entries on as
they are: `EntryForward`; the other half is `hub.audit_hashes.PassedBatches`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from contracts.errors import ExchangeError
from contracts.event import Header, SealedRef, decode_event
from contracts.ids import Hash, LeafIndex
from hub.audit_errors import KeptError, UnexplainedError
from hub.audit_payloads import PayloadCheck
from hub.audit_source import AuditShelf, Source
from ledger.entry import GenesisEntry, decode_entry
from ledger.tiles import TILE_WIDTH

if TYPE_CHECKING:
    from hub.admission import Rules

_SEALED: Final = Header._fields.index("sealed")
T = TypeVar("T")
PassedEvent: TypeAlias = tuple[Hash, tuple[Any, ...]]
"""Leaf hash and the fields of a header, as plain tuples."""


class Passed(NamedTuple, Generic[T]):
    """Some entries whose leaf hashes hold.

    Attributes:
        size: Entries up to and with these.
        is_signed: Whether a checkpoint is signed over exactly `size`.
        entries: In order: of a quick audit their bytes; of a whole one, in which their evidence holds too, bytes of
            genesis records and batch entries, and events as `PassedEvent`.
    """

    size: int
    is_signed: bool
    entries: list[T]


class EntryForward:
    """`hub.audit_pass.Taker` that passes entries on as they are.

    Args:
        send: Takes what is passed on, in order; may block while the other half is behind.
    """

    at_once = TILE_WIDTH
    """See `hub.audit_pass.Taker`."""
    is_between_batches = True
    """See `hub.audit_pass.Taker`: the other half knows, and is told where a checkpoint is signed."""

    def __init__(self, send: Callable[[Passed[bytes]], None]) -> None:
        self.genesis: GenesisEntry | None = None
        self._send = send
        self._entries: list[bytes] = []

    def take(self, entries: Sequence[bytes]) -> None:
        """See `hub.audit_pass.Taker`."""
        if self.genesis is None:
            first = decode_entry(entries[0])
            self.genesis = first if isinstance(first, GenesisEntry) else None
        self._entries += entries

    def step(self, size: int, *, is_signed: bool) -> None:
        """See `hub.audit_pass.Taker`."""
        self._send(Passed(size, is_signed, self._entries))
        self._entries = []

    def finish(self, size: int) -> None:
        """See `hub.audit_pass.Taker`: nothing is left."""


class Forward:
    """`hub.audit_hashes.Follower` that checks event ids and payloads and passes everything on.

    Args:
        source: The one that is read.
        rules: The contracts.
        shelf: Compares event ids; None where the other half does.
        send: Takes what is passed on, in order; may block while the other half is behind.

    Attributes:
        payloads: What became of the payloads.
    """

    def __init__(
        self,
        *,
        source: Source,
        rules: Rules,
        shelf: AuditShelf | None,
        send: Callable[[Passed[bytes | PassedEvent]], None],
    ) -> None:
        self.payloads = PayloadCheck(source, rules)
        self._shelf = shelf
        self._send = send
        self._entries: list[bytes | PassedEvent] = []

    def entry(self, data: bytes) -> None:
        """See `hub.audit_hashes.Follower`."""
        self._entries.append(data)

    def event(self, index: LeafIndex, leaf: Hash, event: bytes) -> None:
        """See `hub.audit_hashes.Follower`."""
        try:
            header = decode_event(event)
            if self._shelf is not None:
                self._shelf.add_event(header.event_id, header.stream_id, index)
        except (UnexplainedError, KeptError):
            raise
        except ExchangeError as error:
            raise UnexplainedError(index, error) from error
        self.payloads.event(index, header)
        self._entries.append((leaf, plain(header)))

    def step(self, size: int, *, is_signed: bool) -> None:
        """See `hub.audit_hashes.Follower`."""
        self._send(Passed(size, is_signed, self._entries))
        self._entries = []

    def finish(self, size: int) -> None:
        """Compare what was not compared yet, of a ledger of a size."""
        self.payloads.finish(size)
        if self._shelf is not None:
            self._shelf.finish()


def plain(header: Header) -> tuple[Any, ...]:
    """The fields of a header as plain tuples, which cross a process border cheaply."""
    if header.sealed:
        header = header._replace(sealed=tuple(map(tuple, header.sealed)))  # type: ignore[arg-type]
    return tuple(header)


def header_of(fields: tuple[Any, ...]) -> Header:
    """The header that `plain` took apart."""
    if sealed := fields[_SEALED]:
        fields = (*fields[:_SEALED], tuple(map(SealedRef._make, sealed)), *fields[_SEALED + 1 :])
    return tuple.__new__(Header, fields)
