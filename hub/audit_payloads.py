"""The payloads of an audited ledger: each one that an entry names is held, or an entry says why it is not.

One pass: what is missing waits until an event says that it was destroyed; what waits in the end is unexplained and
named. Whatever an event says was destroyed must be gone: an envelope or a key that survived is named too.
Not here: content whose time is over and that nobody destroyed (`hub.content.overdue`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from contracts.event import Header
from contracts.ids import LeafIndex
from contracts.procedure_types import ERASE_ALL, ERASE_COPIES, ERASES, Procedure, is_restricted
from hub.audit_errors import KeptError
from hub.audit_source import MissingPayload, NamedPayload, Source
from hub.content import effect_of

if TYPE_CHECKING:
    from hub.admission import Rules

_AT_ONCE: Final = 64


class PayloadCount(NamedTuple):
    """What became of the payloads that entries name.

    Attributes:
        held: Held and open to their offices.
        erased: Destroyed, and an entry says so.
        restricted: Held for storage only.
    """

    held: int
    erased: int
    restricted: int


class PayloadCheck:
    """Follows every payload of one audit.

    Args:
        source: Holds payloads, or this does nothing.
        rules: The contracts.
    """

    def __init__(self, source: Source, rules: Rules) -> None:
        self._source = source
        self._rules = rules
        self._named: list[NamedPayload] = []
        self._missing: dict[bytes, list[MissingPayload]] = {}
        self._restricted: set[bytes] = set()
        self._acts = {key: act for procedure in rules.procedures.values() for key, act in _acts(procedure).items()}
        self._held = 0
        self._erased = 0
        self._count: PayloadCount | None = None

    def event(self, index: LeafIndex, header: Header) -> None:
        """Take the next accepted event.

        Raises:
            KeptError: PAYLOAD_INVALID: a payload was changed, or survived what this event says.
        """
        if not self._source.holds_payloads:
            return
        if header.sealed:
            for number, ref in enumerate(header.sealed):
                named = NamedPayload(index, number, header.producer_office, ref, header.stream_id, header.event_id)
                self._named.append(named)
            if len(self._named) >= _AT_ONCE:
                self.flush()
        act = self._acts.get((header.procedure, header.edition, header.event_type))
        if act is None:
            return
        if act.begins:
            self._restricted.add(header.stream_id)
        elif act.ends:
            self._restricted.discard(header.stream_id)
        if act.effects is not None:
            self._effect(index, header, act.effects)

    def _effect(self, index: LeafIndex, header: Header, procedure: Procedure) -> None:
        effect = effect_of(procedure, header, self._rules.registry.decode_body(header.body)[1])
        if effect is None:
            return
        self.flush()
        if effect.does in ERASES:
            envelopes, keys = self._source.held_of(effect.on, index)
            if envelopes or keys:
                told = f"{envelopes} payloads and {keys} keys are held that this entry destroyed"
                raise KeptError("PAYLOAD_INVALID", told, place="payloads" if envelopes else "wrapped_keys", index=index)
            self._erased += sum(one.is_whole for one in self._missing.pop(effect.on, ()))
        elif effect.does == ERASE_ALL:
            if self._held:
                told = f"{self._held} payloads are held that this entry destroyed with all others"
                raise KeptError("PAYLOAD_INVALID", told, place="payloads", index=index)
            self._erased += sum(one.is_whole for some in self._missing.values() for one in some)
            self._missing.clear()
            self._restricted.clear()
        elif effect.does == ERASE_COPIES:
            kept = self._source.copies_of(effect.on)
            if kept:
                told = f"{kept} keys of recipients are held that this entry destroyed"
                raise KeptError("PAYLOAD_INVALID", told, place="wrapped_keys", index=index)
            for stream_id, some in list(self._missing.items()):
                left = [one for one in some if one.is_whole or one.named.event_id != effect.on]
                if left:
                    self._missing[stream_id] = left
                else:
                    del self._missing[stream_id]

    def flush(self) -> None:
        """Compare what was named and not compared yet.

        Raises:
            KeptError: PAYLOAD_INVALID: a payload was changed.
        """
        if self._named:
            for one in self._source.check_payloads(self._named):
                self._missing.setdefault(one.named.stream_id, []).append(one)
                self._held -= one.is_whole
            self._held += len(self._named)
            self._named.clear()

    def finish(self, size: int) -> None:
        """Take what still waits: explained by what the source did after the audited size, or by nothing.

        Args:
            size: Of the audited checkpoint.

        Raises:
            KeptError: PAYLOAD_INVALID: names the first one that nothing explains.
        """
        self.flush()
        waiting = sorted((one for some in self._missing.values() for one in some), key=lambda one: one.named[:2])
        for one in waiting:
            if not self._source.is_erased_after(one.named.stream_id, size):
                raise one.unexplained()
            self._erased += one.is_whole
        self._missing.clear()
        kept = self._source.payloads_kept(size) if self._source.holds_payloads else None
        if kept is not None and kept > self._held:
            raise KeptError("LEDGER_UNEXPLAINED", "a payload is kept that no entry names", place="payloads")
        restricted = sum(self._source.held_of(stream_id, size)[0] for stream_id in self._restricted)
        self._count = PayloadCount(self._held - restricted, self._erased, restricted)

    def count(self) -> PayloadCount | None:
        """What became of them; None where the source holds none. Before the end: of what was compared so far."""
        if not self._source.holds_payloads:
            return None
        return self._count or PayloadCount(self._held, self._erased, 0)

    # -- going on after an interruption

    def state(self) -> Mapping[str, Any]:
        """Plain values from which another check goes on; `flush` comes first."""
        return {
            "held": self._held,
            "erased": self._erased,
            "restricted": sorted(stream_id.hex() for stream_id in self._restricted),
            "missing": [one.plain() for some in self._missing.values() for one in some],
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self._held, self._erased = int(state["held"]), int(state["erased"])
        self._restricted = {bytes.fromhex(stream_id) for stream_id in state["restricted"]}
        for plain in state["missing"]:
            one = MissingPayload.of_plain(plain)
            self._missing.setdefault(one.named.stream_id, []).append(one)


class _Act(NamedTuple):
    """What events of one type do to content: begin a restriction or end one; `effects` is their procedure's."""

    begins: bool
    ends: bool
    effects: Procedure | None


def _acts(procedure: Procedure) -> Mapping[tuple[str, int, str], _Act]:
    """The events of a procedure that do something to content, by procedure, edition and type; most do nothing."""
    rows = procedure.transitions
    begins = {row.event for row in rows if is_restricted(row.target)}
    ends = {row.event for row in rows if row.source is not None and is_restricted(row.source)}
    return {
        (procedure.id, procedure.edition, event): _Act(
            event in begins, event in ends, procedure if event in procedure.effects else None
        )
        for event in begins | ends | procedure.effects.keys()
    }
