"""The errors of the exchange: seven families, one stable code an error.

The family tells the caller what to do, the code what happened, the message which values disagree. A message never
holds personal data: no identity number, no name, no part of a sealed payload. The sentence and the advice of each code
are rows of `contracts/codes.csv` (see `contracts.codes`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final, Literal

Family = Literal["contract", "access", "rule", "conflict", "evidence", "unavailable", "fatal"]


class ExchangeError(Exception):
    """Base of all errors of this project; raise one of the seven families, not this.

    Args:
        code: A code of `contracts.codes.CODES`.
        message: The values that disagree, for a person; without personal data.
        field: The field that is wrong, with dots for nesting, if one field is.
        rule: Id of the rule or guard that says no, if one does.
    """

    family: ClassVar[Family]

    def __init__(self, code: str, message: str, *, field: str | None = None, rule: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.rule = rule

    def __str__(self) -> str:
        """Code, message and, where known, field and rule on one line."""
        places = [
            f"{name}={value}" for name, value in (("field", self.field), ("rule", self.rule)) if value is not None
        ]
        return f"{self.code}: {self.message}" + (f" ({', '.join(places)})" if places else "")

    def __reduce__(self) -> tuple[object, ...]:
        """Let an error cross a process border whole, with what a more specific kind carries."""
        return _rebuild, (type(self), self.code, self.message, self.field, self.rule), self.__dict__


def _rebuild(kind: type[ExchangeError], code: str, message: str, field: str | None, rule: str | None) -> ExchangeError:
    return kind(code, message, field=field, rule=rule)


class ContractError(ExchangeError):
    """What arrived is malformed: refuse for good."""

    family = "contract"


class AccessError(ExchangeError):
    """Who asked may not: refuse and audit."""

    family = "access"


class RuleError(ExchangeError):
    """A rule says no: refuse and tell why."""

    family = "rule"


class ConflictError(ExchangeError):
    """Somebody was first: reload and try again."""

    family = "conflict"


class EvidenceError(ExchangeError):
    """A proof does not hold: stop this peer and raise the alarm."""

    family = "evidence"


class UnavailableError(ExchangeError):
    """The outside is away or slow: wait and try again.

    Attributes:
        retry_after_ms: The pause that the outside asks for; zero if it did not say.
    """

    family = "unavailable"
    retry_after_ms: int = 0


class FatalError(ExchangeError):
    """Our own state is unknown: stop; start-up loads and verifies."""

    family = "fatal"


FAMILIES: Final[Mapping[Family, type[ExchangeError]]] = MappingProxyType(
    {
        "contract": ContractError,
        "access": AccessError,
        "rule": RuleError,
        "conflict": ConflictError,
        "evidence": EvidenceError,
        "unavailable": UnavailableError,
        "fatal": FatalError,
    }
)
"""The error of each family."""
