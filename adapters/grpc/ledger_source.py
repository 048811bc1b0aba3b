"""A running hub's address as the source of an audit: its checkpoint and its entries, over one synchronous channel.

What a hub keeps besides (tiles, runs, payloads, states) is not asked for: an auditor who trusts nobody derives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Final

import grpc

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters._generated.pprd.v1.exchange_pb2_grpc import ExchangeStub
from adapters.grpc.codes import error_of
from contracts.errors import EvidenceError, ExchangeError, UnavailableError
from contracts.ids import LeafIndex
from hub.audit_errors import KeptError
from hub.audit_source import Followed, Kept, MissingPayload, NamedPayload, genesis_key
from hub.ports import Run
from hub.replay import Replay

_MAX_MESSAGE_BYTES: Final = 16 << 20
_OPTIONS: Final = [("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES)]
_CALL_SECONDS: Final = 20.0
_RANGE: Final = 16_384
_RANGE_SECONDS: Final = 120.0
_FINDINGS: Final = frozenset({"NOT_FOUND", "RANGE_TOO_LARGE", "STORE_DAMAGED"})


class HubSource:
    """`hub.audit_source.Source` over a hub's gRPC service; a context that closes its channel.

    Args:
        address: `HOST:PORT`.
        credentials: TLS; None speaks plain text, for loopback addresses only.
    """

    holds_payloads = False
    only_replayed = ()

    def __init__(self, address: str, *, credentials: grpc.ChannelCredentials | None = None) -> None:
        if credentials is None:
            self._channel = grpc.insecure_channel(address, options=_OPTIONS)
        else:
            self._channel = grpc.secure_channel(address, credentials, options=_OPTIONS)
        # grpc's stubs are untyped: the calls below give them their types back.
        self._stub: Any = ExchangeStub(self._channel)

    def __enter__(self) -> HubSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def log_key(self) -> str:
        """See `hub.audit_source.Source.log_key`: the one in the genesis record."""
        return genesis_key(self.entries(LeafIndex(0), LeafIndex(1)))

    def log_keys(self) -> Kept | None:
        """See `hub.audit_source.Source.log_keys`."""
        try:
            response: pb.GetLogKeysResponse = self._stub.GetLogKeys(pb.GetLogKeysRequest(), timeout=_CALL_SECONDS)
        except grpc.RpcError as error:
            raise _ours(error) from error
        return Kept("GetLogKeys", response.chain)

    def checkpoint(self) -> Kept:
        """See `hub.audit_source.Source.checkpoint`."""
        try:
            response: pb.GetCheckpointResponse = self._stub.GetCheckpoint(
                pb.GetCheckpointRequest(), timeout=_CALL_SECONDS
            )
        except grpc.RpcError as error:
            raise _ours(error) from error
        return Kept("GetCheckpoint", response.checkpoint)

    def entries(self, start: LeafIndex, end: LeafIndex) -> Iterator[bytes]:
        """See `hub.audit_source.Source.entries`; asked for in ranges, so that each has a time limit."""
        at = int(start)
        while at < end:
            until = min(end, at + _RANGE)
            for entry in self._range(at, until):
                yield entry
                at += 1
            if at < until:
                return

    def _range(self, start: int, end: int) -> Iterator[bytes]:
        calls = self._stub.GetEntries(pb.GetEntriesRequest(start=start, end=end), timeout=_RANGE_SECONDS)
        at = start
        try:
            for chunk in calls:
                if chunk.start != at or at + len(chunk.entries) > end:
                    raise KeptError(
                        "LEDGER_UNEXPLAINED", f"the hub sent entries from {chunk.start} in place of {at}", index=at
                    )
                yield from chunk.entries
                at += len(chunk.entries)
        except grpc.RpcError as error:
            raise _ours(error) from error
        finally:
            calls.cancel()

    def place(self, index: LeafIndex) -> str | None:
        """See `hub.audit_source.Source.place`: the index says it all."""
        return None

    def notes(self, size: int) -> Iterator[Kept]:
        """See `hub.audit_source.Source.notes`: the hub is asked for none."""
        return iter(())

    def runs(self, size: int) -> Iterator[Run] | None:
        """See `hub.audit_source.Source.runs`: the hub is asked for none."""
        return None

    def tile(self, level: int, index: int, width: int) -> Kept | None:
        """See `hub.audit_source.Source.tile`: the hub is asked for none."""
        return None

    def check_payloads(self, named: Sequence[NamedPayload]) -> list[MissingPayload]:
        """See `hub.audit_source.Source.check_payloads`: a hub gives payloads to recipients only."""
        return []

    def held_of(self, stream_id: bytes, before: int) -> tuple[int, int]:
        """See `hub.audit_source.Source.held_of`: nothing is."""
        return 0, 0

    def payloads_kept(self, size: int) -> int | None:
        """See `hub.audit_source.Source.payloads_kept`: none are."""
        return None

    def copies_of(self, event_id: bytes) -> int:
        """See `hub.audit_source.Source.copies_of`: none are."""
        return 0

    def is_erased_after(self, stream_id: bytes, size: int) -> bool:
        """See `hub.audit_source.Source.is_erased_after`: nothing is held."""
        return False

    def check_files(self, followed: Followed) -> None:
        """See `hub.audit_source.Source.check_files`: nothing else was asked for."""

    def check_rest(self, replay: Replay) -> None:
        """See `hub.audit_source.Source.check_rest`: nothing else was asked for."""


def _ours(error: Any) -> ExchangeError:
    """The error of a call: a hub without what it signed for is a finding, all else a source out of reach."""
    told = error_of(error)
    if told.code in _FINDINGS:
        return EvidenceError("LEDGER_UNEXPLAINED", f"the hub has not what it signed for: {told.message}")
    return UnavailableError("PEER_UNAVAILABLE", f"the hub could not be asked: {told.message}")
