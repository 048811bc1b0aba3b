"""How the key of the ledger itself is replaced, as the directory's events say: `LogKeyChanges`.

Part of the directory and changed by its events alone. The directory knows no genesis record: which keys sign a
checkpoint of a size follows from these changes and the first key (`keys`). One replacement at a time, each a stream of
its own; a key is announced once.

Source: ADR 0057; docs/spec/log-keys.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from contracts.errors import AccessError, ConflictError, ContractError, EvidenceError
from contracts.event import Header, decode_event
from contracts.ids import HUB_REGION, KeyId, LeafIndex, StreamId
from contracts.signing import check_public_key, key_id
from hub.directory_errors import other_stream, taken
from ledger.entry import event_of
from ledger.log_keys import LogKeys
from ledger.note import NoteVerifier

if TYPE_CHECKING:
    from contracts.schema import SchemaRegistry

ANNOUNCED: Final = "LogKeyAnnounced"
SWITCHED: Final = "LogKeySwitched"
WITHDRAWN: Final = "LogKeyWithdrawn"
LOG_KEY_EVENTS: Final = (ANNOUNCED, SWITCHED, WITHDRAWN)
"""Types of the events that say something of the ledger's own key."""


class LogKeyChange(NamedTuple):
    """One step of a replacement.

    Attributes:
        entry: Its index in the ledger.
        event_type: One of `LOG_KEY_EVENTS`.
        public_key: The announced key, 32 bytes.
    """

    entry: LeafIndex
    event_type: str
    public_key: bytes


class LogKeyChanges:
    """The replacements of one ledger's key. Mutable; the directory's."""

    __slots__ = ("_changes", "_names", "_open", "_streams")

    def __init__(self) -> None:
        self._changes: list[LogKeyChange] = []
        self._names: dict[KeyId, bytes] = {}
        self._streams: dict[KeyId, StreamId] = {}
        self._open: KeyId | None = None

    @property
    def changes(self) -> tuple[LogKeyChange, ...]:
        """Every step, in the order of the ledger."""
        return tuple(self._changes)

    @property
    def announced(self) -> KeyId | None:
        """Id of the key that is announced and has not taken over; None if there is none."""
        return self._open

    def stream_of(self, name: KeyId) -> StreamId | None:
        """The stream of the replacement by a key."""
        return self._streams.get(name)

    def keys(self, first: NoteVerifier) -> LogKeys:
        """The keys of the ledger that begins with a key.

        Raises:
            EvidenceError: LOG_KEYS_INVALID: the first key is announced again.
        """
        return keys_after(first, self._changes)

    def apply_entry(self, index: LeafIndex, entry: bytes, registry: SchemaRegistry) -> None:
        """Take the entry of an event that says something of the ledger's key, as the hub made it.

        Raises:
            ContractError: ENTRY_MALFORMED, EVENT_MALFORMED, SCHEMA_UNKNOWN.
            EvidenceError: LOG_KEYS_INVALID: it says nothing of it, or is not the hub's.
            ExchangeError: As `announce` and `end`.
        """
        event = event_of(entry)
        header = None if event is None else decode_event(event)
        if header is None or header.event_type not in LOG_KEY_EVENTS or header.producer_region != HUB_REGION:
            raise EvidenceError("LOG_KEYS_INVALID", f"entry {index} says nothing of the ledger's key")
        take = self.announce if header.event_type == ANNOUNCED else self.end
        take(registry.decode_body(header.body)[1], header, index)

    def announce(self, body: Mapping[str, Any], header: Header, index: LeafIndex) -> None:
        """Take a `LogKeyAnnounced`.

        Raises:
            ContractError: KEY_UNSAFE, BODY_FIELD. ConflictError: DIRECTORY_TAKEN, LOG_KEY_WAITING.
        """
        name, public_key = KeyId(body["key_id"]), body["public_key"]
        check_public_key(public_key)
        if name != key_id("log", public_key):
            raise ContractError("BODY_FIELD", f"{name.hex()} is not the id of this key for log", field="key_id")
        if self._open is not None:
            raise ConflictError("LOG_KEY_WAITING", f"key {self._open.hex()} is announced and has not taken over")
        if name in self._names:
            raise taken("key", name.hex())
        self._names[name], self._streams[name], self._open = public_key, header.stream_id, name
        self._changes.append(LogKeyChange(index, ANNOUNCED, public_key))

    def end(self, body: Mapping[str, Any], header: Header, index: LeafIndex) -> None:
        """Take a `LogKeySwitched` or a `LogKeyWithdrawn`.

        Raises:
            AccessError: KEY_UNKNOWN: this key is not announced. ConflictError: DIRECTORY_STREAM.
        """
        name = KeyId(body["key_id"])
        if name != self._open:
            raise AccessError("KEY_UNKNOWN", f"key {name.hex()} is not announced", field="key_id")
        if self._streams[name] != header.stream_id:
            raise other_stream("key")
        self._changes.append(LogKeyChange(index, header.event_type, self._names[name]))
        self._open = None


def keys_after(first: NoteVerifier, changes: Iterable[LogKeyChange]) -> LogKeys:
    """The keys of a log that begins with a key and goes through some changes.

    Raises:
        ContractError: KEY_UNSAFE.
        EvidenceError: LOG_KEYS_INVALID: the changes do not follow from one another.
    """
    keys = LogKeys.of(first)
    for change in changes:
        match change.event_type:
            case "LogKeyAnnounced":
                keys = keys.announce(change.public_key, change.entry)
            case "LogKeySwitched":
                keys = keys.switch(change.public_key, change.entry)
            case _:
                keys = keys.withdraw(change.public_key, change.entry)
    return keys
