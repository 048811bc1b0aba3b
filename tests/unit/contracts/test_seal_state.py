"""A record that the law seals is sent as a sealed one only (DOMAIN 7.2, 刑事诉讼法 286)."""

from __future__ import annotations

import pytest

from contracts.errors import ExchangeError
from contracts.procedure import load_procedures
from contracts.rights import Offence, check_seal_state

TRANSFER = next(one for one in load_procedures().values() if one.id == "CORRECTION_TRANSFER")
REGISTRATION = next(one for one in load_procedures().values() if one.id == "RESIDENCE")
OPEN, SEALED = {"seal_state": "NONE"}, {"seal_state": "SEALED"}


@pytest.mark.parametrize(
    ("offence", "contents"),
    [
        (Offence(is_under_18=True, sentence_months=60), [SEALED]),
        (Offence(is_under_18=True, sentence_months=61), [OPEN]),
        (Offence(is_under_18=False, sentence_months=12), [OPEN]),
        (Offence(is_under_18=False, sentence_months=12), [SEALED]),
        (None, []),
    ],
)
def test_what_may_be_sent(offence: Offence | None, contents: list[dict[str, str]]) -> None:
    check_seal_state(TRANSFER, "SENDING", offence, contents)


@pytest.mark.parametrize(
    ("offence", "contents", "code"),
    [
        (Offence(is_under_18=True, sentence_months=60), [OPEN], "SEAL_STATE_REQUIRED"),
        (Offence(is_under_18=True, sentence_months=0), [SEALED, OPEN], "SEAL_STATE_REQUIRED"),
        (None, [OPEN], "OFFENCE_MISSING"),
        (None, [SEALED], "OFFENCE_MISSING"),
    ],
)
def test_what_the_sending_office_cannot_send(
    offence: Offence | None, contents: list[dict[str, str]], code: str
) -> None:
    with pytest.raises(ExchangeError) as refused:
        check_seal_state(TRANSFER, "SENDING", offence, contents)

    assert refused.value.code == code


def test_who_does_not_send_the_case_states_nothing() -> None:
    check_seal_state(TRANSFER, "RECEIVING", None, [OPEN])
    check_seal_state(REGISTRATION, "DESTINATION", None, [OPEN])
