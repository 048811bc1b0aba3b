"""What is asked of a hub's store about content: sealed payloads, the keys wrapped to them, and what destroyed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from adapters.store.commit_rows import KEYLESS, payload_id, payload_range
from adapters.store.ledger_reader import LedgerQuestions
from adapters.store.questions import in_parts
from contracts.event import decode_event
from contracts.ids import KeyId, LeafIndex, OfficeId, TreeSize
from contracts.procedure_types import ERASE, ERASE_ALL
from hub.ports import ContentAddress, StoredContent
from ledger.entry import event_of


class ContentQuestions(LedgerQuestions):
    """The payloads of a ledger, by the entry that names them and their place in it."""

    def payload(self, entry: LeafIndex, number: int) -> bytes | None:
        """A sealed envelope, by the event that names it and its position in `sealed`, if it is still held."""
        row = self._one("SELECT envelope FROM payloads WHERE id=?", payload_id(entry, number))
        return None if row is None else row[0]

    def payloads(self, addresses: Sequence[tuple[LeafIndex, int]]) -> Mapping[tuple[LeafIndex, int], bytes]:
        """Those of some sealed envelopes that are held, by entry and number."""
        ids = {payload_id(entry, number): (entry, number) for entry, number in addresses}
        rows = self._select_in("SELECT id, CAST(envelope AS BLOB) FROM payloads WHERE id", list(ids))
        return {ids[row_id]: envelope for row_id, envelope in rows}

    def wrapped_key(self, entry: LeafIndex, number: int, office: OfficeId) -> tuple[KeyId, bytes] | None:
        """The content key of a payload wrapped to one office, if it is still held: key id and HPKE bytes."""
        row = self._one(
            "SELECT key_id, enc FROM wrapped_keys WHERE payload=? AND office=?", payload_id(entry, number), office
        )
        return None if row is None else (KeyId(row[0]), row[1])

    def contents(self, addresses: Sequence[ContentAddress]) -> Mapping[ContentAddress, StoredContent]:
        """See `hub.ports.LedgerReader.contents`."""
        asked = {(payload_id(one.entry, one.number), str(one.office)): one for one in addresses}
        found: dict[ContentAddress, StoredContent] = {}
        for part in in_parts(list(asked), [(-1, "")]):
            rows = self._all(
                f"WITH asked (id, office) AS (VALUES {','.join(['(?,?)'] * len(part))})"
                " SELECT asked.id, asked.office, p.envelope, k.key_id, k.enc FROM asked"
                " CROSS JOIN payloads p CROSS JOIN wrapped_keys k"
                " WHERE p.id=asked.id AND k.payload=asked.id AND k.office=asked.office",
                *chain.from_iterable(part),
            )
            found |= {asked[row[0], row[1]]: StoredContent(row[2], KeyId(row[3]), row[4]) for row in rows}
        return found

    def wrapped_offices(self, addresses: Sequence[tuple[LeafIndex, int]]) -> Mapping[tuple[LeafIndex, int], set[str]]:
        """The offices for which content keys of some envelopes are held, by entry and number."""
        ids = {payload_id(entry, number): (entry, number) for entry, number in addresses}
        offices: dict[tuple[LeafIndex, int], set[str]] = {}
        for row_id, office in self._select_in("SELECT payload, office FROM wrapped_keys WHERE payload", list(ids)):
            offices.setdefault(ids[row_id], set()).add(office)
        return offices

    def payload_count(self) -> int:
        """Sealed envelopes that are held."""
        return int(self._one("SELECT count(*) FROM payloads")[0])

    def held_of(self, stream_id: bytes, before: int) -> tuple[int, int]:
        """Envelopes and wrapped keys that are held of a stream's events below an index."""
        rows = self._all("SELECT rowid FROM stored_events WHERE originator_id=? AND rowid<=?", stream_id.hex(), before)
        ranges = [payload_range(row[0] - 1) for row in rows]
        envelopes = sum(self._one("SELECT count(*) FROM payloads WHERE id BETWEEN ? AND ?", *r)[0] for r in ranges)
        keys = sum(self._one("SELECT count(*) FROM wrapped_keys WHERE payload BETWEEN ? AND ?", *r)[0] for r in ranges)
        return envelopes, keys

    def copies_of(self, event_id: bytes) -> int:
        """Wrapped keys that are held of an event's payloads for others than the office that sealed them."""
        index = self.recorded((event_id,)).get(event_id)
        data = None if index is None else next(self.entries(index, LeafIndex(index + 1)), None)
        event = None if data is None else event_of(data)
        if index is None or event is None:
            return 0
        statement = "SELECT count(*) FROM wrapped_keys WHERE payload BETWEEN ? AND ? AND office!=?"
        return int(self._one(statement, *payload_range(index), decode_event(event).producer_office)[0])

    def ends(self, stream_id: bytes, after: LeafIndex) -> Sequence[LeafIndex]:
        """Indexes above `after` of events that destroyed content of a stream, ascending."""
        statement = "SELECT idx FROM effects WHERE stream_id=? AND idx>? AND does LIKE 'ERASE%' ORDER BY idx"
        return [LeafIndex(row[0]) for row in self._all(statement, stream_id, after)]

    def erased_after(self, stream_id: bytes, entry: int) -> bool:
        """Whether an entry at or after an index says that a stream's content was destroyed."""
        return bool(
            self._one(
                "SELECT count(*) FROM effects WHERE (stream_id=? AND does LIKE 'ERASE%' OR does=?) AND idx>=?",
                *(stream_id, ERASE_ALL, entry),
            )[0]
        )

    def ended_before(self, stream_id: bytes, entry: int, until_ms: int) -> bool:
        """Whether an entry after an index, recorded up to an instant, ended a stream's content by the clock."""
        statement = (
            "SELECT count(*) FROM effects e WHERE stream_id=? AND idx>? AND does=? AND"
            " (SELECT recorded_at FROM checkpoints WHERE size>e.idx ORDER BY size LIMIT 1)<=?"
        )
        return bool(self._one(statement, stream_id, entry, ERASE, until_ms)[0])

    def keyless_below(self) -> TreeSize:
        """Size below which this store holds no keys, because it was copied without them; 0 for any other."""
        row = self._one("SELECT basis FROM derived WHERE name=?", KEYLESS)
        return TreeSize(0 if row is None else int.from_bytes(row[0], "big"))

    def keys_below(self, size: int) -> int:
        """Wrapped keys that are held of payloads that entries below a size name."""
        return int(self._one("SELECT count(*) FROM wrapped_keys WHERE payload<?", payload_id(LeafIndex(size), 0))[0])
