"""The errors of the exchange: one base and seven families.

The family tells the caller what to do; the code is stable and stands in `contracts.codes`; the message holds the
values that disagree. Checking raises, it does not return False.
"""


class ExchangeError(Exception):
    """Something the exchange refuses or cannot do.

    Args:
        code: Stable name of the reason, a row of `contracts/codes.csv`.
        message: One sentence with the values that disagree; never a payload, never a key.
        field: Name of the field at fault, where there is one.
        rule: Id of the rule that says no, where there is one.
    """

    def __init__(self, code: str, message: str, *, field: str | None = None, rule: str | None = None) -> None:
        """Keep code, message, field and rule."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.field = field
        self.rule = rule


class ContractError(ExchangeError):
    """What arrived is malformed: refuse for good."""


class AccessError(ExchangeError):
    """Who asked may not: refuse, audit."""


class RuleError(ExchangeError):
    """A rule says no: refuse, tell why."""


class ConflictError(ExchangeError):
    """Somebody was first: reload, try again."""


class EvidenceError(ExchangeError):
    """A proof does not hold: stop this peer, raise the alarm."""


class UnavailableError(ExchangeError):
    """The outside is away or slow: wait, try again."""


class FatalError(ExchangeError):
    """Our own state is unknown: stop; start-up loads and verifies."""
