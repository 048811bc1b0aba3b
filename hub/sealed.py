"""Which streams are sealed, and what that hides (DOMAIN 7.2).

To everybody a sealed stream is one that does not exist: its events are not given, nothing is added to it, no order or
request finds it. Only another order to seal or to unseal still sees it. Frozen: a commit in the making has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contracts.event import Header
from contracts.procedure_types import SEAL, UNSEAL, Procedure
from hub.awaited import MatterLookup
from hub.content import ContentEffect

_ORDERS: Final = frozenset({SEAL, UNSEAL})


@dataclass(frozen=True, slots=True)
class SealedStreams:
    """The streams that are sealed as of some index.

    Attributes:
        streams: Their ids.
    """

    streams: frozenset[bytes] = frozenset()

    def hides(self, stream_id: bytes) -> bool:
        """Whether a stream is sealed."""
        return stream_id in self.streams

    def after(self, effect: ContentEffect) -> SealedStreams:
        """As of the next index, after what an event does."""
        if effect.does == SEAL:
            return SealedStreams(self.streams | {effect.on})
        if effect.does == UNSEAL:
            return SealedStreams(self.streams - {effect.on})
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
