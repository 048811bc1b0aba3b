"""What the reader of a divided audit does besides hashes: reads headers, event ids and payloads, and passes entries on.

The other half is `hub.audit_states`. A passed event is its leaf hash and its header, so that nothing is read twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

from contracts.errors import ExchangeError
from contracts.event import Header, SealedRef, decode_event
from contracts.ids import Hash, LeafIndex
from hub.audit_errors import KeptError, UnexplainedError
from hub.audit_source import AuditShelf, NamedPayload, Source

PassedEvent: TypeAlias = tuple[Hash, tuple[Any, ...]]
"""Leaf hash and the fields of a header, as plain tuples."""

_PAYLOADS_AT_ONCE: Final = 64


class Passed(NamedTuple):
    """Some entries whose evidence holds.

    Attributes:
        size: Entries up to and with these.
        is_signed: Whether a checkpoint is signed over exactly `size`.
        entries: In order: bytes of genesis records and batch entries, events as `PassedEvent`.
    """

    size: int
    is_signed: bool
    entries: list[bytes | PassedEvent]


class Forward:
    """`hub.audit_hashes.Follower` that checks event ids and payloads and passes everything on.

    Args:
        source: The one that is read.
        shelf: Compares event ids; None where the other half does.
        send: Takes what is passed on, in order; may block while the other half is behind.

    Attributes:
        held: Payloads that the source holds.
    """

    def __init__(self, *, source: Source, shelf: AuditShelf | None, send: Callable[[Passed], None]) -> None:
        self.held = 0
        self._source = source
        self._shelf = shelf
        self._send = send
        self._entries: list[bytes | PassedEvent] = []
        self._named: list[NamedPayload] = []

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
        if header.sealed and self._source.holds_payloads:
            producer = header.producer_office
            self._named += [NamedPayload(index, n, producer, ref) for n, ref in enumerate(header.sealed)]
            if len(self._named) >= _PAYLOADS_AT_ONCE:
                self._check_payloads()
        self._entries.append((leaf, plain(header)))

    def step(self, size: int, *, is_signed: bool) -> None:
        """See `hub.audit_hashes.Follower`."""
        self._send(Passed(size, is_signed, self._entries))
        self._entries = []

    def finish(self) -> None:
        """Compare what was not compared yet."""
        self._check_payloads()
        if self._shelf is not None:
            self._shelf.finish()

    def _check_payloads(self) -> None:
        if self._named:
            self.held += self._source.check_payloads(self._named)
            self._named.clear()


def plain(header: Header) -> tuple[Any, ...]:
    """The fields of a header as plain tuples, which cross a process border cheaply."""
    if header.sealed:
        header = header._replace(sealed=tuple(map(tuple, header.sealed)))  # type: ignore[arg-type]
    return tuple(header)


def header_of(fields: tuple[Any, ...]) -> Header:
    """The header that `plain` took apart."""
    header = Header._make(fields)
    return header._replace(sealed=tuple(map(SealedRef._make, header.sealed))) if header.sealed else header
