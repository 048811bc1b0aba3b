"""Which confirmations of erasures are missing, asked of a data folder or of a running hub as `dues` asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from adapters.compose.dues import Asked, asked_ledger
from adapters.compose.parts import SystemClock, contracts_in_force
from contracts.event import Header
from hub import retention
from hub.admission import Rules
from hub.content import effect_of
from hub.unconfirmed import Unconfirmed, unconfirmed


class Missing(NamedTuple):
    """Confirmations that are missing.

    Attributes:
        orders: Holders that have not confirmed an erasure by order, the one that is due first at the head.
        retention: Regions whose gateways have not confirmed what ended by the clock.
    """

    orders: Sequence[Unconfirmed]
    retention: Sequence[retention.Unconfirmed]


def list_missing(asked: Asked, *, now_ms: int | None = None) -> Missing:
    """The confirmations of erasures that are missing.

    An order about a record that is sealed now is left out: it would tell of the record.

    Args:
        asked: Where and which; an office or a region is that of the holder. A gateway is of a region, of no office.
        now_ms: Milliseconds; None is now.

    Raises:
        ContractError: SETTINGS_INVALID: neither folder nor hub is named.
        UnavailableError: The ledger cannot be found or read.
        EvidenceError: LEDGER_UNEXPLAINED: the hub's ledger does not hold against an audit.
    """
    now = SystemClock().now_ms() if now_ms is None else now_ms
    rules = contracts_in_force(is_sandbox=True)
    with asked_ledger(asked, rules) as ledger:
        missing = list(unconfirmed(ledger.matters(None), rules.procedures))
        orders = ledger.starts({one.started_by for one in missing})
        sealed = ledger.sealed()
        found = [
            Unconfirmed(one, *orders[one.started_by], is_overdue=one.due_ms <= now)
            for one in missing
            if _target(orders[one.started_by][1], rules) not in sealed and _takes(asked, one.side, one.region)
        ]
        ended = ledger.retention(rules).unconfirmed(now)
    return Missing(
        sorted(found, key=lambda one: (one.limit.due_ms, one.index, one.limit.side)),
        [one for one in ended if _takes(asked, None, one.region)],
    )


def _target(order: Header, rules: Rules) -> bytes | None:
    procedure = rules.procedures[order.procedure, order.edition]
    effect = effect_of(procedure, order, rules.registry.decode_body(order.body)[1])
    return None if effect is None else effect.on


def _takes(asked: Asked, office: str | None, region: str) -> bool:
    return asked.office in (None, office) and asked.region in (None, region)
