"""The keys of a log over its life: which of them sign a checkpoint of a size.

A log begins with the key of its genesis record. An entry of the log announces the next one; from the checkpoint that
counts it on, both sign. Another entry ends that: the new key has taken over, or it was withdrawn, and from the
checkpoint that counts it on, one signs alone. All keys bear the name of the log, its origin. A checkpoint is believed
if every key of its size has signed it; what other keys have signed below it says nothing.

Not here: what the entries look like, and how a reader who missed them learns of them (`hub.log_key_chain`).

Source: ADR 0057; docs/spec/log-keys.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

from contracts.errors import EvidenceError
from ledger.note import KeyType, NoteVerifier


class LogKey(NamedTuple):
    """A key of a log.

    Attributes:
        verifier: The key, of type 0x01.
        since: Smallest size that it signs.
        until: Largest size that it signs; None while it goes on.
    """

    verifier: NoteVerifier
    since: int
    until: int | None

    def signs(self, size: int) -> bool:
        """Whether it signs checkpoints of a size."""
        return self.since <= size and (self.until is None or size <= self.until)


@dataclass(frozen=True, slots=True)
class LogKeys:
    """Every key that a log had, as far as it is known.

    Attributes:
        keys: In the order in which they were announced, at least one; the first one begins at size 0.
    """

    keys: tuple[LogKey, ...]

    @classmethod
    def of(cls, verifier: NoteVerifier) -> Self:
        """A log that has one key from its beginning on."""
        return cls((LogKey(verifier, 0, None),))

    @property
    def origin(self) -> str:
        """Name of the log."""
        return self.keys[0].verifier.name

    @property
    def first(self) -> NoteVerifier:
        """The key of the genesis record."""
        return self.keys[0].verifier

    @property
    def announced(self) -> NoteVerifier | None:
        """The key that signs beside the one in use; None where one signs alone."""
        open_keys = [key for key in self.keys if key.until is None]
        return open_keys[1].verifier if len(open_keys) > 1 else None

    @property
    def in_use(self) -> NoteVerifier:
        """The key that signs alone, or the one that was there before an announced one."""
        return next(key.verifier for key in self.keys if key.until is None)

    def at(self, size: int) -> tuple[NoteVerifier, ...]:
        """The keys that sign a checkpoint of a size, one or two."""
        return tuple(key.verifier for key in self.keys if key.signs(size))

    def retired(self, size: int) -> tuple[NoteVerifier, ...]:
        """The keys that sign no checkpoint of a size any more."""
        return tuple(key.verifier for key in self.keys if key.until is not None and key.until < size)

    # -- what entries of the log say

    def announce(self, public_key: bytes, index: int) -> Self:
        """An entry at an index announces the next key.

        Raises:
            ContractError: KEY_UNSAFE.
            EvidenceError: LOG_KEYS_INVALID: another one is announced already, or the log had this key before.
        """
        if self.announced is not None:
            raise _invalid("the next key is announced already")
        if any(key.verifier.public_key == public_key for key in self.keys):
            raise _invalid(f"the log had the key {public_key[:8].hex()}... before")
        verifier = NoteVerifier(self.origin, KeyType.ED25519, public_key)
        return replace(self, keys=(*self.keys, LogKey(verifier, index + 1, None)))

    def switch(self, public_key: bytes, index: int) -> Self:
        """An entry at an index says that the announced key has taken over; raises as `end`."""
        if self.announced is None or self.announced.public_key != public_key:
            raise _invalid("this key is not announced")
        return self._end(self.in_use, index)

    def withdraw(self, public_key: bytes, index: int) -> Self:
        """An entry at an index says that the announced key is not used.

        Raises:
            EvidenceError: LOG_KEYS_INVALID: it is not announced.
        """
        if self.announced is None or self.announced.public_key != public_key:
            raise _invalid("this key is not announced")
        return self._end(self.announced, index)

    def _end(self, verifier: NoteVerifier, index: int) -> Self:
        ended = tuple(key._replace(until=index) if key.verifier == verifier else key for key in self.keys)
        return replace(self, keys=ended)


def known_keys(keys: NoteVerifier | LogKeys) -> LogKeys:
    """The keys of a log, of which somebody may know one key only."""
    return LogKeys.of(keys) if isinstance(keys, NoteVerifier) else keys


def check_signed(size: int, signed: Sequence[NoteVerifier], keys: LogKeys) -> None:
    """Check that every key of a size is among those that have signed.

    Raises:
        EvidenceError: CHECKPOINT_INVALID.
    """
    missing = [key.key_id.hex() for key in keys.at(size) if key not in signed]
    if missing:
        raise EvidenceError("CHECKPOINT_INVALID", f"size {size} lacks the signature of key {', '.join(missing)}")


def _invalid(message: str) -> EvidenceError:
    return EvidenceError("LOG_KEYS_INVALID", message)
