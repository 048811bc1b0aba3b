"""Whether an opening is proved to be recorded: the gateway reads nothing before `AccessProof.check` has returned.

The proof is the receipt of the hub's event, under a head that grows from what this region knows. The record is of just
the request that was asked: in a stream of its own, or as the one reading of its clearance.
"""

from __future__ import annotations

from adapters.region.answers import check_event_receipt
from adapters.region.checkpoints import Checkpoints
from contracts.errors import EvidenceError
from contracts.event import SealedRef, decode_event
from contracts.ids import HUB_OFFICE, HUB_REGION, LeafIndex
from hub.admission import Rules
from hub.clearance import ACCESS_RECORDED
from hub.openings import Opened, OpenRequest, access_body


class AccessProof:
    """Checks that openings are recorded.

    Args:
        checkpoints: Judges the heads of receipts.
        rules: The contracts in force.
    """

    def __init__(self, *, checkpoints: Checkpoints, rules: Rules) -> None:
        self._checkpoints = checkpoints
        self._rules = rules

    async def learn(self, opened: Opened) -> None:
        """Learn of a key of the ledger that an answer bears and that is not known here; see `Checkpoints.learn`."""
        await self._checkpoints.learn(opened.receipt.checkpoint)

    def check(self, request: OpenRequest, ref: SealedRef, opened: Opened) -> LeafIndex:
        """Check an answer before anything of it is decrypted.

        Args:
            request: As it was asked.
            ref: The payload's row in its event.
            opened: The answer.

        Returns:
            Ledger index of the record.

        Raises:
            EvidenceError: RECEIPT_INVALID, or what a receipt is refused with.
        """
        check_event_receipt(opened.access_event, opened.receipt, self._checkpoints)
        self._check_access(request, ref, opened.access_event)
        return opened.receipt.index

    def _check_access(self, request: OpenRequest, ref: SealedRef, event: bytes) -> None:
        header = decode_event(event)
        name, body = self._rules.registry.decode_body(header.body)
        wanted = access_body(request, ref.profile)
        wrong = [field for field, value in wanted.items() if body.get(field) != value]
        if (header.producer_region, header.producer_office) != (HUB_REGION, HUB_OFFICE):
            raise EvidenceError("RECEIPT_INVALID", "the opening is not recorded by the hub")
        is_placed = header.stream_id == (request.clearance or request.request_id)
        if header.event_type != ACCESS_RECORDED or header.causation_id != request.event_id or wrong or not is_placed:
            raise EvidenceError("RECEIPT_INVALID", f"another opening was recorded: {name} {', '.join(wrong)}")
