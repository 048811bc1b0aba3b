"""Identity numbers: form, gate and synthetic ranges (DOMAIN 3.3, 3.6). All numbers here are synthetic or impossible."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from contracts.errors import ContractError, ExchangeError, RuleError
from contracts.identity import (
    IdDocType,
    acting_birth_date,
    resident_birth_date,
    synthetic_resident_id,
    synthetic_uscc,
    validate_identity,
    validate_resident_id,
    validate_uscc,
)

VECTORS = [
    ("44010618020301002X", date(1950, 3, 1)),
    ("450103185202290176", date(2000, 2, 29)),
    ("520103187506150081", date(2023, 6, 15)),
    ("53010218791231899X", date(2027, 12, 31)),
]
USCC_VECTORS = ["11440106PPRD00017T", "11450103PPRD00025E", "91440300PPRD00033U"]


def numbered(stem: str) -> str:
    return stem + ric.calc_check_digit(stem + "0")


def live(stem: str = "99999919900101001") -> str:
    """A number of live form for an area that does not exist, so that nobody holds it."""
    return numbered(stem)


def refusal(doc_type: IdDocType, number: str, birth: date | None, *, sandbox: bool) -> ExchangeError:
    with pytest.raises(ExchangeError) as caught:
        validate_identity(doc_type, number, birth, sandbox=sandbox)
    assert number == "" or number not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(("number", "acts_as_born"), VECTORS)
def test_the_vectors_of_the_domain_pass_in_a_sandbox_with_their_acting_date(number: str, acts_as_born: date) -> None:
    validate_resident_id(number, acts_as_born, sandbox=True)

    assert resident_birth_date(number, sandbox=True) == acts_as_born


@pytest.mark.parametrize(("number", "acts_as_born"), VECTORS)
def test_the_vectors_of_the_domain_are_refused_live(number: str, acts_as_born: date) -> None:
    with pytest.raises(RuleError, match="SYNTHETIC_IDENTITY_REFUSED"):
        validate_resident_id(number, acts_as_born, sandbox=False)


@pytest.mark.parametrize("code", USCC_VECTORS)
def test_the_code_vectors_pass_in_a_sandbox_only_and_can_be_made(code: str) -> None:
    validate_uscc(code, sandbox=True)

    assert synthetic_uscc(code[:16]) == code
    with pytest.raises(RuleError, match="SYNTHETIC_IDENTITY_REFUSED"):
        validate_uscc(code, sandbox=False)


DAYS = st.integers(0, (date(1879, 12, 31) - date(1800, 1, 1)).days).map(lambda n: date(1800, 1, 1) + timedelta(n))
COUNTIES = st.sampled_from(["350102", "360102", "430102", "440106", "441900", "450103", "460400", "510104", "520103"])


@given(COUNTIES, DAYS, st.integers(1, 899))
def test_every_made_number_passes_in_a_sandbox_and_is_refused_live(county: str, day: date, sequence: int) -> None:
    number = synthetic_resident_id(county, day.year, day.month, day.day, sequence)
    born = acting_birth_date(day)

    validate_resident_id(number, born, sandbox=True)
    assert (born.year - 148, born.month, born.day) == (day.year, day.month, day.day)
    assert refusal(IdDocType.CN_RESIDENT_ID, number, born, sandbox=False).code == "SYNTHETIC_IDENTITY_REFUSED"


@pytest.mark.parametrize(
    ("county", "year", "month", "day", "sequence"),
    [
        ("110101", 1800, 1, 1, 1),
        ("810000", 1800, 1, 1, 1),
        ("44010", 1800, 1, 1, 1),
        ("４４0106", 1800, 1, 1, 1),
        ("440106", 1799, 1, 1, 1),
        ("440106", 1880, 1, 1, 1),
        ("440106", 1800, 2, 29, 1),
        ("440106", 1800, 13, 1, 1),
        ("440106", 1800, 1, 1, 0),
        ("440106", 1800, 1, 1, 900),
    ],
)
def test_nothing_outside_the_synthetic_ranges_is_made(
    county: str, year: int, month: int, day: int, sequence: int
) -> None:
    with pytest.raises(ContractError, match="IDENTITY_FORM"):
        synthetic_resident_id(county, year, month, day, sequence)


def test_a_live_number_passes_live_and_is_refused_in_a_sandbox() -> None:
    validate_resident_id(live(), date(1990, 1, 1), sandbox=False)
    validate_resident_id(live(), None, sandbox=False)

    assert resident_birth_date(live(), sandbox=False) == date(1990, 1, 1)
    assert refusal(IdDocType.CN_RESIDENT_ID, live(), None, sandbox=True).code == "REAL_IDENTITY_REFUSED"


@pytest.mark.parametrize(
    "stem",
    [
        "44010618800101001",
        "44010618991231001",
        "44010618500101900",
        "44010618500101000",
        "11010118500101001",
        "81000018500101001",
    ],
)
def test_a_number_near_the_synthetic_ranges_belongs_nowhere(stem: str) -> None:
    number = numbered(stem)

    assert refusal(IdDocType.CN_RESIDENT_ID, number, None, sandbox=True).code == "REAL_IDENTITY_REFUSED"
    assert refusal(IdDocType.CN_RESIDENT_ID, number, None, sandbox=False).code == "SYNTHETIC_IDENTITY_REFUSED"


GOOD = VECTORS[0][0]


@pytest.mark.parametrize(
    "number",
    [
        "",
        GOOD[:17],
        GOOD + "0",
        GOOD.lower(),
        " " + GOOD[1:],
        GOOD[:17] + "1",
        "4401061802030100２X",
        "0" + GOOD[1:],
        GOOD + "\n",
        numbered("44010618020230001"),
        numbered("44010618021301001"),
        numbered("44010600000000001"),
    ],
)
def test_a_wrong_form_check_digit_or_date_is_refused_on_both_sides(number: str) -> None:
    for sandbox in (True, False):
        assert refusal(IdDocType.CN_RESIDENT_ID, number, None, sandbox=sandbox).code == "IDENTITY_FORM"


@given(st.integers(0, 16), st.integers(1, 9))
def test_every_single_wrong_digit_is_noticed(place: int, shift: int) -> None:
    wrong = GOOD[:place] + str((int(GOOD[place]) + shift) % 10) + GOOD[place + 1 :]

    assert refusal(IdDocType.CN_RESIDENT_ID, wrong, None, sandbox=True).code == "IDENTITY_FORM"


def test_another_birth_date_than_the_embedded_one_is_refused_by_its_field() -> None:
    """In a sandbox the embedded date itself is the wrong one: the acting date is 148 years later."""
    for error in (
        refusal(IdDocType.CN_RESIDENT_ID, GOOD, date(1802, 3, 1), sandbox=True),
        refusal(IdDocType.CN_RESIDENT_ID, GOOD, date(1950, 3, 2), sandbox=True),
        refusal(IdDocType.CN_RESIDENT_ID, live(), date(1990, 1, 2), sandbox=False),
    ):
        assert (error.code, error.field) == ("IDENTITY_FORM", "birth_date")
        assert "19" not in error.message


@pytest.mark.parametrize(
    ("doc_type", "synthetic", "unborn"),
    [
        (IdDocType.CN_HOUSEHOLD_BOOK, GOOD, live()),
        (IdDocType.HMT_RESIDENCE_PERMIT, numbered("81000018500101001"), numbered("83000019900101001")),
        (IdDocType.FOREIGN_PR_ID, numbered("94484018500101001"), numbered("94484019900101001")),
        (IdDocType.PASSPORT, "UTO-L12345678", "XXX-A1234567"),
    ],
)
def test_each_document_passes_its_own_gate_only(doc_type: IdDocType, synthetic: str, unborn: str) -> None:
    validate_identity(doc_type, synthetic, None, sandbox=True)
    validate_identity(doc_type, unborn, None, sandbox=False)

    assert refusal(doc_type, synthetic, None, sandbox=False).code == "SYNTHETIC_IDENTITY_REFUSED"
    assert refusal(doc_type, unborn, None, sandbox=True).code == "REAL_IDENTITY_REFUSED"


@pytest.mark.parametrize(
    ("doc_type", "number"),
    [
        (IdDocType.HM_HOME_RETURN, "H00000000"),
        (IdDocType.HM_HOME_RETURN, "M0000000000"),
        (IdDocType.TW_TRAVEL_PERMIT, "00000000"),
        (IdDocType.FOREIGN_PR_ID, "XXX000000000000"),
    ],
)
def test_documents_without_a_synthetic_range_are_for_live_systems_only(doc_type: IdDocType, number: str) -> None:
    validate_identity(doc_type, number, date(1990, 1, 1), sandbox=False)

    assert refusal(doc_type, number, None, sandbox=True).code == "REAL_IDENTITY_REFUSED"


@pytest.mark.parametrize(
    ("doc_type", "number"),
    [
        (IdDocType.HMT_RESIDENCE_PERMIT, GOOD),
        (IdDocType.HM_HOME_RETURN, "T00000000"),
        (IdDocType.HM_HOME_RETURN, "H000000000"),
        (IdDocType.TW_TRAVEL_PERMIT, "000000000"),
        (IdDocType.FOREIGN_PR_ID, GOOD),
        (IdDocType.PASSPORT, "UTOL12345678"),
        (IdDocType.PASSPORT, "UTO-L1234567890"),
        (IdDocType.PASSPORT, "UTO-l12345678"),
        (IdDocType.NONE, "1"),
    ],
)
def test_a_number_of_another_document_is_refused(doc_type: IdDocType, number: str) -> None:
    assert refusal(doc_type, number, None, sandbox=True).code == "IDENTITY_FORM"


def test_no_document_passes_on_both_sides() -> None:
    for sandbox in (True, False):
        validate_identity(IdDocType.NONE, "", None, sandbox=sandbox)


def coded(stem: str) -> str:
    return stem + uscc.calc_check_digit(stem)


RIGHT_INNER = coded("99999999PPRD00012")


def test_a_code_with_a_right_inner_check_is_live() -> None:
    validate_uscc(RIGHT_INNER, sandbox=False)
    validate_uscc("91110000600037341L", sandbox=False)  # the example in stdnum's own documentation

    with pytest.raises(RuleError, match="REAL_IDENTITY_REFUSED"):
        validate_uscc(RIGHT_INNER, sandbox=True)


def test_a_registering_authority_that_is_a_letter_is_taken() -> None:
    validate_uscc(coded("N9999999PPRD00012"), sandbox=False)


@pytest.mark.parametrize("inner", "0134569X")
def test_an_inner_check_wrong_by_another_distance_belongs_nowhere(inner: str) -> None:
    code = coded("99999999PPRD0001" + inner)

    with pytest.raises(RuleError, match="REAL_IDENTITY_REFUSED"):
        validate_uscc(code, sandbox=True)
    with pytest.raises(RuleError, match="SYNTHETIC_IDENTITY_REFUSED"):
        validate_uscc(code, sandbox=False)


@pytest.mark.parametrize(
    "code",
    ["", RIGHT_INNER[:17], RIGHT_INNER + "0", RIGHT_INNER.lower(), "I" + RIGHT_INNER[1:], RIGHT_INNER[:17] + "Y"],
)
def test_a_code_of_a_wrong_form_or_outer_check_is_refused(code: str) -> None:
    for sandbox in (True, False):
        with pytest.raises(ContractError, match="IDENTITY_FORM"):
            validate_uscc(code, sandbox=sandbox)


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=16, max_size=16))
def test_every_made_code_passes_in_a_sandbox_only(registrant: str) -> None:
    code = synthetic_uscc(registrant)

    validate_uscc(code, sandbox=True)
    with pytest.raises(RuleError):
        validate_uscc(code, sandbox=False)


def test_a_code_is_made_from_sixteen_characters_of_the_alphabet_only() -> None:
    for registrant in ("", "9" * 15, "9" * 17, "O" * 16):
        with pytest.raises(ContractError, match="IDENTITY_FORM"):
            synthetic_uscc(registrant)
