"""Identity documents and organisation codes: their form, their check digits, and the gate between live and sandbox.

Live and synthetic identities never meet (DOMAIN 3.6). A synthetic resident number embeds a birth year from 1800 to
1879, for which no number was ever given in the ordinary sequence, and its holder acts as born 148 years later. A
synthetic organisation code has a right outer and a deliberately wrong inner check.

Checked in this order: length and alphabet, check digit, embedded date, gate, equality with the birth date. The sex
parity is not used, an area code is never looked up, and no message holds a number, a part of one or a date from one.
"""

import re
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Final, NoReturn

from stdnum.cn import ric, uscc

from contracts.errors import ContractError, RuleError
from contracts.ids import REGIONS

SYNTHETIC_YEARS: Final = range(1800, 1880)
"""Embedded birth years of synthetic numbers."""
ACTING_YEARS: Final = 148
"""How much later than the embedded date the holder of a synthetic number acts as born; a multiple of four."""
SYNTHETIC_SEQUENCES: Final = range(1, 900)
"""Sequence numbers of synthetic resident numbers."""
FIRST_LIVE_YEAR: Final = 1900
"""Earliest embedded birth year of a live number."""
SYNTHETIC_STATE: Final = "UTO"
"""Issuing state of synthetic passports: the specimen state of ICAO Doc 9303."""

_MAINLAND: Final = frozenset(REGIONS) - {"81", "82"}
_INNER: Final = "0123456789X"
_INNER_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_INNER_SHIFT: Final = 5


class IdDocType(StrEnum):
    """Kinds of identity documents (DOMAIN 3.3)."""

    CN_RESIDENT_ID = "CN_RESIDENT_ID"
    CN_HOUSEHOLD_BOOK = "CN_HOUSEHOLD_BOOK"
    HMT_RESIDENCE_PERMIT = "HMT_RESIDENCE_PERMIT"
    HM_HOME_RETURN = "HM_HOME_RETURN"
    TW_TRAVEL_PERMIT = "TW_TRAVEL_PERMIT"
    FOREIGN_PR_ID = "FOREIGN_PR_ID"
    PASSPORT = "PASSPORT"
    NONE = "NONE"


# The number of a passport is preceded by its issuing state and a hyphen.
_FORMS: Final = {
    IdDocType.CN_RESIDENT_ID: re.compile(r"[1-9][0-9]{16}[0-9X]", re.ASCII),
    IdDocType.CN_HOUSEHOLD_BOOK: re.compile(r"[1-9][0-9]{16}[0-9X]", re.ASCII),
    IdDocType.HMT_RESIDENCE_PERMIT: re.compile(r"8[123]0000[0-9]{11}[0-9X]", re.ASCII),
    IdDocType.HM_HOME_RETURN: re.compile(r"[HM][0-9]{8}(?:[0-9]{2})?", re.ASCII),
    IdDocType.TW_TRAVEL_PERMIT: re.compile(r"[0-9]{8}(?:[0-9]{2})?", re.ASCII),
    IdDocType.FOREIGN_PR_ID: re.compile(r"9[0-9]{16}[0-9X]|[A-Z]{3}[0-9]{12}", re.ASCII),
    IdDocType.PASSPORT: re.compile(r"[A-Z]{3}-[A-Z0-9]{1,9}", re.ASCII),
    IdDocType.NONE: re.compile(r""),
}
_SYNTHETIC_PASSPORT: Final = re.compile(r"UTO-L[0-9]{8}", re.ASCII)
_USCC: Final = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}", re.ASCII)
_REGISTRANT: Final = re.compile(r"[0-9A-HJ-NPQRTUWXY]{16}", re.ASCII)


def validate_identity(doc_type: IdDocType, number: str, birth_date: date | None, *, sandbox: bool) -> None:
    """Check the number of an identity document.

    Args:
        doc_type: Kind of the document.
        number: As in the document, letters in upper case; for a passport the issuing state's three letters, a hyphen
            and the number; empty for `NONE`.
        birth_date: Birth date of the person; in a sandbox the date that the person acts as born. None if not known.
        sandbox: Whether this system holds synthetic identities only.

    Raises:
        ContractError: IDENTITY_FORM; form, check digit or embedded date is wrong, or the date is not `birth_date`.
        RuleError: SYNTHETIC_IDENTITY_REFUSED or REAL_IDENTITY_REFUSED; the number is of the other world.
    """
    if _FORMS[doc_type].fullmatch(number) is None:
        _refuse_form("number", f"not of the length and alphabet of {doc_type}")
    if doc_type in _GATES and len(number) == 18:
        embedded = _embedded_date(number)
        _gate(sandbox, is_synthetic=_GATES[doc_type](number), is_unreal=embedded.year < FIRST_LIVE_YEAR)
        if birth_date is not None and birth_date != (acting_birth_date(embedded) if sandbox else embedded):
            _refuse_form("birth_date", "not the date that the number holds")
    elif doc_type is IdDocType.PASSPORT:
        is_specimen = number.startswith(SYNTHETIC_STATE)
        _gate(sandbox, is_synthetic=_SYNTHETIC_PASSPORT.fullmatch(number) is not None, is_unreal=is_specimen)
    elif doc_type is not IdDocType.NONE:
        # No synthetic range exists for these, so a sandbox takes none of them.
        _gate(sandbox, is_synthetic=False, is_unreal=False)


def validate_resident_id(number: str, birth_date: date | None, *, sandbox: bool) -> None:
    """Check a resident number (公民身份号码); see `validate_identity`.

    Raises:
        ContractError: IDENTITY_FORM.
        RuleError: SYNTHETIC_IDENTITY_REFUSED or REAL_IDENTITY_REFUSED.

    Source: GB 11643; DOMAIN 3.3.
    """
    validate_identity(IdDocType.CN_RESIDENT_ID, number, birth_date, sandbox=sandbox)


def synthetic_resident_id(county6: str, birth_year: int, month: int, day: int, sequence: int) -> str:
    """Make a synthetic resident number.

    Args:
        county6: Six digits, a county of one of the nine provinces.
        birth_year: From 1800 to 1879.
        month: With `day` a date of that year.
        day: See `month`.
        sequence: From 1 to 899.

    Returns:
        18 characters with a right check digit.

    Raises:
        ContractError: IDENTITY_FORM; an argument is outside its range.
    """
    if re.fullmatch("[0-9]{6}", county6, re.ASCII) is None or county6[:2] not in _MAINLAND:
        _refuse_form("county6", "no county of the nine provinces")
    if birth_year not in SYNTHETIC_YEARS or sequence not in SYNTHETIC_SEQUENCES:
        _refuse_form("birth_year", "birth year or sequence is outside the synthetic ranges")
    try:
        born = date(birth_year, month, day)
    except ValueError:
        _refuse_form("day", "year, month and day are no date")
    stem = f"{county6}{born:%Y%m%d}{sequence:03}"
    return stem + ric.calc_check_digit(stem + "0")


def acting_birth_date(embedded: date) -> date:
    """The birth date that the holder of a synthetic number has in a sandbox.

    Args:
        embedded: The date in the number, from 1800-01-01 to 1879-12-31.

    Raises:
        ContractError: IDENTITY_FORM; another year.
    """
    if embedded.year not in SYNTHETIC_YEARS:
        _refuse_form("birth_date", "embedded year is outside the synthetic range")
    return embedded.replace(year=embedded.year + ACTING_YEARS)


def resident_birth_date(number: str, *, sandbox: bool) -> date:
    """The birth date of the holder of a number that `validate_resident_id` passed."""
    embedded = _embedded_date(number)
    return acting_birth_date(embedded) if sandbox else embedded


def validate_uscc(code: str, *, sandbox: bool) -> None:
    """Check a unified social credit code (统一社会信用代码).

    Args:
        code: 18 characters, upper case.
        sandbox: Whether this system holds synthetic identities only.

    Raises:
        ContractError: IDENTITY_FORM; length, alphabet or outer check digit is wrong.
        RuleError: SYNTHETIC_IDENTITY_REFUSED; live, and the inner check is wrong. REAL_IDENTITY_REFUSED; sandbox, and
            the inner check is not wrong by exactly five places.

    Source: GB 32100-2015; GB 11714; DOMAIN 3.4, 3.6.
    """
    if _USCC.fullmatch(code) is None:
        _refuse_form("uscc", "not 18 characters of the alphabet")
    if code[17] != uscc.calc_check_digit(code[:17]):
        _refuse_form("uscc", "wrong check digit")
    right = _inner_check(code[8:16])
    _gate(sandbox, is_synthetic=code[16] == _shifted(right), is_unreal=code[16] != right)


def synthetic_uscc(registrant: str) -> str:
    """Make a code that no body can hold.

    Args:
        registrant: The first 16 characters of the code.

    Returns:
        18 characters: inner check wrong by five places, outer check right.

    Raises:
        ContractError: IDENTITY_FORM; length or alphabet is wrong.
    """
    if _REGISTRANT.fullmatch(registrant) is None:
        _refuse_form("uscc", "not 16 characters of the alphabet")
    stem = registrant + _shifted(_inner_check(registrant[8:]))
    return stem + uscc.calc_check_digit(stem)


def _embedded_date(number: str) -> date:
    if number[17] != ric.calc_check_digit(number):
        _refuse_form("number", "wrong check digit")
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        _refuse_form("number", "the embedded birth date is no date")


def _is_synthetic_resident(number: str) -> bool:
    return number[:2] in _MAINLAND and _is_synthetic_year(number) and int(number[14:17]) in SYNTHETIC_SEQUENCES


def _is_synthetic_year(number: str) -> bool:
    return int(number[6:10]) in SYNTHETIC_YEARS


# The documents with an embedded birth date, and whether a number of each lies in its synthetic range.
_GATES: Final[dict[IdDocType, Callable[[str], bool]]] = {
    IdDocType.CN_RESIDENT_ID: _is_synthetic_resident,
    IdDocType.CN_HOUSEHOLD_BOOK: _is_synthetic_resident,
    IdDocType.HMT_RESIDENCE_PERMIT: _is_synthetic_year,
    IdDocType.FOREIGN_PR_ID: _is_synthetic_year,
}


def _inner_check(organisation: str) -> str:
    # GB 11714: a letter counts 10 and up in the whole alphabet, 11 less the remainder, 10 is X and 11 is 0.
    total = sum(int(char, 36) * weight for char, weight in zip(organisation, _INNER_WEIGHTS, strict=True))
    return _INNER[-total % 11]


def _shifted(right: str) -> str:
    return _INNER[(_INNER.index(right) + _INNER_SHIFT) % len(_INNER)]


def _gate(sandbox: bool, *, is_synthetic: bool, is_unreal: bool) -> None:
    """Let through what belongs here; `is_unreal` says that no live identity can look like this."""
    if sandbox and not is_synthetic:
        raise RuleError("REAL_IDENTITY_REFUSED", "the identity is outside the synthetic ranges", rule="DOMAIN 3.6")
    if not sandbox and is_unreal:
        raise RuleError("SYNTHETIC_IDENTITY_REFUSED", "the identity cannot be a live one", rule="DOMAIN 3.6")


def _refuse_form(field: str, reason: str) -> NoReturn:
    raise ContractError("IDENTITY_FORM", f"{field}: {reason}", field=field)
