"""Explains the route of an event from a ledger: a recorded one by its id, or one that somebody wants to make."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

from adapters.compose.parts import SystemClock, contracts_in_force
from adapters.compose.views import LedgerView, genesis_of
from adapters.region.composer import Composer
from adapters.region.draft import MAX_LINE_BYTES, parse_line
from contracts.errors import ContractError, RuleError
from contracts.event import Header, decode_event, leaf_hash
from contracts.ids import KeyId, LeafIndex
from hub.admission import Rules
from hub.directory import Directory
from hub.matter import Matter, advance, match_row
from hub.route_explanation import Explanation, explain_route
from ledger.entry import EventEntry, decode_entry

_END: Final = LeafIndex(1 << 62)


def explain(event: str, view: LedgerView) -> Explanation:
    """Explain who is told of an event.

    Args:
        event: Id of a recorded event, or a file that holds an event's bytes or one draft.
        view: The ledger whose directory and matters count.

    Raises:
        ContractError: It is no id, no file and no event.
        RuleError: NOT_FOUND; what the procedure says.
    """
    genesis = genesis_of(view)
    rules = contracts_in_force(is_sandbox=genesis.sandbox, clock_skew_ms=genesis.clock_skew_ms)
    route = _Route(view, rules)
    try:
        event_id = UUID(event).bytes
    except ValueError:
        return route.of_file(Path(event))
    return route.of_recorded(event_id)


class _Route:
    def __init__(self, view: LedgerView, rules: Rules) -> None:
        self._view = view
        self._rules = rules
        self._directory = Directory(rules.divisions)
        self._changes = list(view.directory_events())

    def of_recorded(self, event_id: bytes) -> Explanation:
        receipt = self._view.receipt(event_id)
        entry = decode_entry(receipt.entry)
        if not isinstance(entry, EventEntry):
            raise RuleError("NOT_FOUND", "the entry is no event", field="event")
        header = decode_event(entry.event)
        matter = self._matter(header.stream_id, header.stream_seq)
        self._know(receipt.index)
        return self._explained(header, matter)

    def of_file(self, path: Path) -> Explanation:
        try:
            with path.open("rb") as file:
                data = file.read(MAX_LINE_BYTES + 1)
        except OSError as error:
            raise ContractError("REQUEST_MALFORMED", "this is no event id and no file", field="event") from error
        if not data.lstrip().startswith(b"{"):
            header = decode_event(data)
            matter = self._matter(header.stream_id, header.stream_seq)
            self._know(_END)
            return self._explained(header, matter)
        draft = parse_line(data.strip())
        matter = None if draft.stream_id is None else self._matter(draft.stream_id, None)
        self._know(_END)
        composer = Composer(
            rules=self._rules, directory=self._directory, batch_key=KeyId(bytes(8)), clock=SystemClock()
        )
        return self._explained(composer.compose_unchecked(draft, matter).header, matter)

    def _matter(self, stream_id: bytes, before: int | None) -> Matter | None:
        """The matter as its events before one leave it, each under the directory of its own index."""
        matter: Matter | None = None
        for index, event in self._view.stream(stream_id)[:before]:
            self._know(index)
            header = decode_event(event)
            matter = advance(
                self._rules.procedure(header.procedure, header.edition),
                matter,
                header,
                self._rules.registry.decode_body(header.body)[1],
                self._directory,
                leaf_hash(event),
            )
        return matter

    def _know(self, before: LeafIndex) -> None:
        """Let the directory know what was recorded before an index."""
        while self._changes and self._changes[0][0] < before:
            index, event = self._changes.pop(0)
            header = decode_event(event)
            self._directory.apply(index, header, self._rules.registry.decode_body(header.body)[1])

    def _explained(self, header: Header, matter: Matter | None) -> Explanation:
        procedure = self._rules.procedure(header.procedure, header.edition)
        body = self._rules.registry.decode_body(header.body)[1]
        row = match_row(procedure, matter, header, body, self._directory)
        after = advance(procedure, matter, header, body, self._directory, leaf_hash(b""), row)
        return explain_route(procedure, row, after, header, body, self._directory, earlier=matter)
