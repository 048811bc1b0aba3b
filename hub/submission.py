"""What a producer submits and what it is told: batches in, receipts and refusals out. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from contracts.codes import CODES
from contracts.errors import FAMILIES, ExchangeError, UnavailableError
from contracts.ids import Hash, LeafIndex
from contracts.sealing import WrappedKey
from ledger.receipt import Receipt


class SubmittedPayload(NamedTuple):
    """A sealed payload as it arrived.

    Attributes:
        envelope: The sealed bytes; its SHA-256 stands in the event that names it.
        wrapped: The content key, wrapped to each recipient office and to the producing one.
    """

    envelope: bytes
    wrapped: tuple[WrappedKey, ...]


@dataclass(frozen=True, slots=True)
class SubmittedBatch:
    """A batch as it arrived, nothing checked yet.

    Attributes:
        tbs: The signed batch header, byte for byte.
        signature: Ed25519 over `tbs`, 64 bytes.
        key_id: Which key signed, 8 bytes.
        events: Event bytes `E`, in position order.
        payloads: The sealed payloads that the events name, in any order.
    """

    tbs: bytes
    signature: bytes
    key_id: bytes
    events: tuple[bytes, ...]
    payloads: tuple[SubmittedPayload, ...] = ()


class Outcome(StrEnum):
    """What became of one event."""

    ACCEPTED = "ACCEPTED"
    REPEATED = "REPEATED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not recorded: a stable code and a sentence that says what to do.

    Attributes:
        code: A row of `contracts/codes.csv`.
        sentence: For a person, without personal data.
        field: The field that is wrong, if one is.
        rule: The rule or guard that said no, if one did.
        expected_batch_seq: Where the producer's chain stands; only with `BATCH_CHAIN_BROKEN`.
        expected_prev_batch: The hash that the next batch must name; only with `BATCH_CHAIN_BROKEN`.
        retry_after_ms: Zero: sending the same again is no use.
    """

    code: str
    sentence: str
    field: str | None = None
    rule: str | None = None
    expected_batch_seq: int | None = None
    expected_prev_batch: Hash | None = None
    retry_after_ms: int = 0

    @classmethod
    def of(cls, error: ExchangeError) -> Refusal:
        """The refusal that an error of ours stands for."""
        retry_after_ms = error.retry_after_ms if isinstance(error, UnavailableError) else 0
        return cls(error.code, error.message, error.field, error.rule, retry_after_ms=retry_after_ms)

    def error(self) -> ExchangeError:
        """The error that this refusal stands for, of the family that the table names for its code."""
        kind = FAMILIES[CODES[self.code].family] if self.code in CODES else UnavailableError
        error = kind(self.code, self.sentence, field=self.field, rule=self.rule)
        if isinstance(error, UnavailableError):
            error.retry_after_ms = self.retry_after_ms
        return error


@dataclass(frozen=True, slots=True)
class EventReceipt:
    """Proof that one entry is in the ledger.

    Attributes:
        entry: The entry's bytes.
        index: Its place in the ledger.
        path: Inclusion path to the root of `checkpoint`, leaf's sibling first.
        checkpoint: The signed checkpoint under which the entry was first published.
    """

    entry: bytes
    index: LeafIndex
    path: tuple[Hash, ...]
    checkpoint: bytes


class EventResult(NamedTuple):
    """What became of the event at one position of a batch.

    Attributes:
        position: From 0, in the batch.
        outcome: Accepted, repeated or refused.
        index: Its ledger index; None if refused.
        refusal: Why it was refused; None otherwise.
    """

    position: int
    outcome: Outcome
    index: LeafIndex | None = None  # type: ignore[assignment]  # hides tuple.index, which nobody calls on a result
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """The hub's answer to one batch.

    Attributes:
        batch_id: As submitted; empty if the header could not be read.
        receipt: Range proof over the batch entry and its accepted events; None if `refusal` is set.
        results: One row for each event, in position order.
        refusal: Set when the whole batch was refused; then nothing was recorded.
    """

    batch_id: bytes
    receipt: Receipt | None
    results: tuple[EventResult, ...]
    refusal: Refusal | None = None
