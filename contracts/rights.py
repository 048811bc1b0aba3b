"""Rights of the person concerned, as far as a rule is no row of a procedure (`contracts/rules/rights.toml`).

`portable_procedures` (DOMAIN 7.1) and `check_seal_state` (DOMAIN 7.2, 刑事诉讼法 286).
"""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from contracts.errors import ContractError, RuleError
from contracts.procedure_types import Procedure

SEALED = "SEALED"
"""In `seal_state` of a content."""


class Offence(NamedTuple):
    """What a sending office states at its gateway about a case; checked there and never sent, kept or logged.

    Attributes:
        is_under_18: The person was under 18 when the offence was done.
        sentence_months: Length of the sentence.
    """

    is_under_18: bool
    sentence_months: int


@cache
def portable_procedures() -> frozenset[str]:
    """Ids of the procedures whose history a person may carry elsewhere."""
    return frozenset(_rules()["portable"])


def check_seal_state(
    procedure: Procedure, side: str | None, offence: Offence | None, contents: Iterable[Mapping[str, Any]]
) -> None:
    """Check that a record that the law seals is sent as a sealed one only.

    Args:
        procedure: Of the matter.
        side: Of the office that sends.
        offence: What it stated.
        contents: What it sends.

    Raises:
        ContractError: OFFENCE_MISSING: the side that begins such a matter has to state it.
        RuleError: SEAL_STATE_REQUIRED.
    """
    rule = _rules()["sealed_record"]
    if procedure.id not in rule["procedures"] or side != procedure.sides[0]:
        return
    states = [content.get("seal_state") for content in contents]
    if states and offence is None:
        raise ContractError(
            "OFFENCE_MISSING", "age at the offence and length of the sentence are missing", field="offence"
        )
    if offence is None or not offence.is_under_18 or offence.sentence_months > rule["months"]:
        return
    if any(state != SEALED for state in states):
        raise RuleError("SEAL_STATE_REQUIRED", "this record is sent with seal_state SEALED only", field="payloads")


@cache
def _rules() -> Mapping[str, Any]:
    return tomllib.loads(files("contracts").joinpath("rules/rights.toml").read_text(encoding="utf-8"))
