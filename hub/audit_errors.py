"""What an audit finds: an entry that does not follow, or something beside the entries that does not."""

from __future__ import annotations

from contracts.errors import EvidenceError, ExchangeError


class UnexplainedError(EvidenceError):
    """An entry that does not follow from those before it.

    Attributes:
        index: The entry.
    """

    def __init__(self, index: int, error: ExchangeError) -> None:
        super().__init__(error.code, f"entry {index}: {error.message}", field=error.field, rule=error.rule)
        self.index = index

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error cross a process border whole."""
        bare = EvidenceError(self.code, self.message.partition(": ")[2], field=self.field, rule=self.rule)
        return UnexplainedError, (self.index, bare)


class KeptError(EvidenceError):
    """Something that is kept does not follow from the entries, or cannot be read as what it should be.

    Attributes:
        place: A file or a row, in the source's own words; None if the message says it.
        index: The entry that it belongs to, if it belongs to one.
    """

    def __init__(self, code: str, message: str, *, place: str | None = None, index: int | None = None) -> None:
        super().__init__(code, message)
        self.place = place
        self.index = index
