"""Which streams an order has sealed or closed to content, and what that means (DOMAIN 7.2, 7.3).

To everybody a sealed stream is one that does not exist: its events are not given, nothing is added to it, no order or
request finds it. Only another order to seal or to unseal still sees it. A stream whose content an order erased goes on,
but takes no content any more. Frozen: a commit in the making has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from contracts.event import Header
from contracts.procedure_types import ERASE_AND_CLOSE, SEAL, UNSEAL, Procedure
from hub.awaited import MatterLookup
from hub.content import ContentEffect

_ORDERS: Final = frozenset({SEAL, UNSEAL})


@dataclass(frozen=True, slots=True)
class SealedStreams:
    """The streams that are sealed or closed as of some index.

    Attributes:
        streams: Ids of those that are sealed.
        closed: Ids of those that take no content any more.
    """

    streams: frozenset[bytes] = frozenset()
    closed: frozenset[bytes] = frozenset()

    def hides(self, stream_id: bytes) -> bool:
        """Whether a stream is sealed."""
        return stream_id in self.streams

    def takes_content(self, stream_id: bytes) -> bool:
        """Whether sealed payloads may still come into a stream."""
        return stream_id not in self.closed

    def after(self, effect: ContentEffect) -> SealedStreams:
        """As of the next index, after what an event does."""
        if effect.does == SEAL:
            return replace(self, streams=self.streams | {effect.on})
        if effect.does == UNSEAL:
            return replace(self, streams=self.streams - {effect.on})
        if effect.does == ERASE_AND_CLOSE:
            return replace(self, closed=self.closed | {effect.on})
        return self

    def lookup(
        self, matters: MatterLookup, header: Header, procedures: Mapping[tuple[str, int], Procedure]
    ) -> MatterLookup:
        """What an event can find of other matters: sealed ones only if it is an order about the seal.

        Args:
            matters: Gives every matter.
            header: The event.
            procedures: By (id, edition).
        """
        if not self.streams:
            return matters
        procedure = procedures.get((header.procedure, header.edition))
        effect = None if procedure is None else procedure.effects.get(header.event_type)
        if effect is not None and effect.does in _ORDERS:
            return matters
        return lambda stream_id: None if stream_id in self.streams else matters(stream_id)
