"""What is asked of a hub's store about witnesses, and what they signed is written: two tables beside `checkpoints`.

    cosignatures (size, witness, line)      every good line, as the witness gave it
    witnessed    (size, reached_at)         sizes whose lines reach the quorum of the policy

A line is checked before it comes here. It never changes a note: what is read is the note with its lines appended.
Losing both tables loses no record, only signatures that can be asked for again. They are written apart from commits.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

from adapters.store.content_reader import ContentQuestions
from contracts.errors import ContractError, UnavailableError
from contracts.ids import LeafIndex, TreeSize
from ledger.checkpoint import checkpoint_size
from ledger.note import add_lines
from ledger.witness import parse_lines


class CosignedQuestions(ContentQuestions):
    """`hub.ports.Witnessed`: notes carry the cosignatures that were collected for them."""

    @abstractmethod
    def _is_kept(self) -> bool:
        """Whether the tables are there: a ledger that no hub of this kind has opened yet has none."""

    def _write(self, statements: Sequence[tuple[str, Sequence[object]]]) -> None:
        try:
            with self._transaction() as c:
                for statement, parameters in statements:
                    c.execute(statement, parameters)
        except self.failures as error:
            raise UnavailableError("STORE_BUSY", f"cosignatures cannot be written now: {error}") from error

    # -- cosignatures

    def add_cosignatures(self, size: TreeSize, lines: Mapping[str, bytes]) -> None:
        """Keep verified lines of witnesses, by name of the witness; a newer line takes the place of an older one.

        Raises:
            UnavailableError: STORE_BUSY.
        """
        statement = (
            "INSERT INTO cosignatures (size, witness, line) VALUES (?,?,?)"
            " ON CONFLICT (size, witness) DO UPDATE SET line=excluded.line"
        )
        self._write([(statement, (size, witness, line)) for witness, line in lines.items()])

    def mark_witnessed(self, size: TreeSize, reached_at_ms: int) -> None:
        """Remember that the lines of a size reach the quorum; raises as `add_cosignatures`."""
        statement = "INSERT INTO witnessed (size, reached_at) VALUES (?,?) ON CONFLICT (size) DO NOTHING"
        self._write([(statement, (size, reached_at_ms))])

    def cosignatures(self, size: TreeSize) -> Mapping[str, bytes]:
        """The lines of a size by name of the witness."""
        if not self._is_kept():
            return {}
        rows = self._all("SELECT witness, line FROM cosignatures WHERE size=? ORDER BY witness", size)
        # A damaged line must not take the checkpoint with it: it is left out, and `pprd ledger fsck` names it.
        return {row[0]: row[1] for row in rows if is_line(row[1])}

    def witnessed_size(self) -> TreeSize | None:
        """The newest size whose quorum is reached."""
        row = self._one("SELECT max(size) FROM witnessed") if self._is_kept() else None
        return None if row is None or row[0] is None else TreeSize(row[0])

    def witnessed_covering(self, index: LeafIndex) -> bytes | None:
        """See `hub.ports.Witnessed.witnessed_covering`."""
        row = self._one("SELECT min(size) FROM witnessed WHERE size>?", index) if self._is_kept() else None
        return None if row is None or row[0] is None else self.checkpoint(TreeSize(row[0]))

    def witnessed(self) -> bytes | None:
        """See `hub.ports.Witnessed.witnessed`."""
        size = self.witnessed_size()
        return None if size is None else self.checkpoint(size)

    # -- notes with their lines

    def checkpoint(self, size: TreeSize | None = None) -> bytes | None:
        """See `hub.ports.LedgerReader.checkpoint`."""
        return self._with_lines(super().checkpoint(size))

    def checkpoint_covering(self, index: LeafIndex) -> bytes | None:
        """See `hub.ports.LedgerReader.checkpoint_covering`."""
        return self._with_lines(super().checkpoint_covering(index))

    def _with_lines(self, note: bytes | None) -> bytes | None:
        if note is None:
            return None
        lines = self.cosignatures(checkpoint_size(note))
        return add_lines(note, lines.values()) if lines else note


def is_line(line: object) -> bool:
    """Whether kept bytes are one signature line."""
    if not isinstance(line, bytes):
        return False
    try:
        return len(parse_lines(line)) == 1
    except ContractError:
        return False
