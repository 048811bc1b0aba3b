"""Which event types a row of a table means: `EventMatch`. A name is whole; after a `*` every name that ends so."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventMatch:
    """Names and endings of event types.

    Attributes:
        names: Whole names.
        endings: What a name may end with.
    """

    names: frozenset[str]
    endings: tuple[str, ...]

    @classmethod
    def of(cls, patterns: list[str]) -> "EventMatch":
        """Read the patterns of a table."""
        return cls(
            frozenset(pattern for pattern in patterns if not pattern.startswith("*")),
            tuple(pattern[1:] for pattern in patterns if pattern.startswith("*")),
        )

    def meets(self, event_type: str) -> bool:
        """Whether an event type is meant."""
        return event_type in self.names or (bool(self.endings) and event_type.endswith(self.endings))

    @property
    def texts(self) -> tuple[str, ...]:
        """The names and endings, for a check of what they say."""
        return (*sorted(self.names), *self.endings)
