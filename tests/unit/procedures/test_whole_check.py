"""A procedure file that contradicts itself or its surroundings is refused with file, place and reason (STYLE)."""

import dataclasses
from importlib.resources import files

import pytest

from contracts.errors import ContractError
from contracts.guard import parse_guards
from contracts.procedure import load_procedures, parse_procedure
from contracts.procedure_check import load_known

NOTIFICATION = files("contracts").joinpath("procedures/residence_notification.toml").read_text(encoding="utf-8")
PERMIT = files("contracts").joinpath("procedures/residence_permit.toml").read_text(encoding="utf-8")
CORRECTION = files("contracts").joinpath("procedures/correction_transfer.toml").read_text(encoding="utf-8")
EXTRA_ROW = """
[[transition]]
from = ["SENT"]
command = "Deliver"
event = "ResidenceNoticeDelivered"
by = { side = "ORIGIN", office = ["REGION_NODE"] }
guards = ["delivery_verified"]
to = "DELIVERED"
"""


def refusal(text: str) -> str:
    """The message with which a file is refused."""
    with pytest.raises(ContractError) as caught:
        parse_procedure("x.toml", text, load_known())
    assert caught.value.code == "PROCEDURE_INVALID"
    return caught.value.message


def planted(old: str, new: str, text: str = NOTIFICATION) -> str:
    """The message for a packaged file in which one place was changed."""
    assert old in text
    return refusal(text.replace(old, new, 1))


def test_the_packaged_files_pass() -> None:
    assert {procedure for procedure, _ in load_procedures()} >= {
        "RESIDENCE",
        "RESIDENCE_NOTIFICATION",
        "RESIDENCE_PERMIT",
        "CORRECTION_TRANSFER",
        "DIRECTORY",
        "ACCESS",
        "HEADS",
        "DUTY",
    }


def test_a_state_that_no_row_leads_to_is_refused() -> None:
    message = planted('[[state]]\nname = "SENT"', '[[state]]\nname = "LOST"\nfinal = true\n\n[[state]]\nname = "SENT"')

    assert message.startswith("x.toml: line ")
    assert message.endswith("state LOST: cannot be reached")


def test_a_state_from_which_no_end_is_reached_is_refused_even_if_it_can_be_restricted() -> None:
    text = NOTIFICATION.replace('from = ["DISPUTED"]', 'from = ["DELIVERED"]')

    assert "line 37: state DISPUTED: is a dead end and not final" in refusal(text)


def test_a_row_that_leaves_a_final_state_is_refused() -> None:
    message = planted('from = ["PREPARED"]', 'from = ["PREPARED", "SUPPRESSED"]')

    assert "transition 3 (ResidenceNoticeSent): leaves SUPPRESSED, which is final" in message


def test_a_procedure_that_nothing_starts_is_refused() -> None:
    assert refusal(NOTIFICATION.replace("from = []", 'from = ["PREPARED"]')).endswith("no row starts a matter")


def test_two_rows_for_one_event_in_one_state_are_refused() -> None:
    message = refusal(NOTIFICATION + EXTRA_ROW)

    assert "transition 11 (ResidenceNoticeDelivered): transition 4 matches the same event from SENT" in message


def test_two_rows_whose_conditions_share_a_value_are_refused() -> None:
    message = planted(
        'one_of = ["SETTLED", "LEFT", "DECEASED"]',
        'one_of = ["SETTLED", "LEFT", "DECEASED", "OBTAINED_BY_FRAUD"]',
        PERMIT,
    )

    assert "matches the same event from ACTIVE" in message


def test_a_condition_that_leaves_a_value_without_a_row_is_refused() -> None:
    message = planted('one_of = ["SETTLED", "LEFT", "DECEASED"]', 'one_of = ["SETTLED", "LEFT"]', PERMIT)

    assert "no row from ACTIVE for reason DECEASED" in message


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('to = "SENT"', 'to = "SHIPPED"', "unknown state SHIPPED"),
        ('from = ["SENT"]', 'from = ["SHIPPED"]', "unknown state SHIPPED"),
        ('rule = "R-ACK-1"', 'rule = "R-ACK-9"', "unknown rule R-ACK-9"),
        ('profile = "NP-RES"', 'profile = "NP-ALL"', "unknown profile NP-ALL"),
        ('guards = ["delivery_verified"]', 'guards = ["all_well"]', "unknown guard all_well"),
        ('office = ["COUNTY_PSB_HOUSEHOLD"] }', 'office = ["SHERIFF"] }', "unknown office type SHERIFF"),
        (
            'event = "ResidenceNoticeSent"',
            'event = "ResidenceNoticeShipped"',
            "unknown schema pprd.v1.ResidenceNoticeShippedBody",
        ),
        (
            'legal_basis = ["LB-RES-07"]',
            'legal_basis = ["LB-RES-99"]',
            "legal basis LB-RES-99 is not for purpose RESIDENCE_NOTICE",
        ),
        ('purpose = "RESIDENCE_NOTICE"', 'purpose = "SUPERVISION"', "is not for purpose SUPERVISION"),
        ('[{ side = "ORIGIN"', '[{ side = "NEIGHBOUR"', "unknown side NEIGHBOUR"),
        ('class = "std"', 'class = "big"', "unknown class big"),
        ('data_class = "P2"', 'data_class = "P9"', "unknown data class P9"),
        ('kind = "move"', 'kind = "walk"', "unknown kind 'walk'"),
        ('since = ["ACKNOWLEDGED"', 'since = ["DONE"', "unknown state DONE"),
        ("outside_rules = []", 'outside_rules = ["R-X-1"]', "unknown rule R-X-1"),
        ('actor = "TIMER"', 'actor = "ROBOT"', "unknown actor 'ROBOT'"),
        ('command = "Send"', 'order = "Send"', "unknown key order"),
        ('command = "Send"\n', "", "command is missing"),
        ("[procedure]", "[procedure", "x.toml"),
        ('to = "SUPPRESSED"', 'to = "SAME"', "has no state to stay in"),
    ],
)
def test_an_unknown_id_or_key_is_refused_with_its_place(old: str, new: str, reason: str) -> None:
    assert reason in planted(old, new)


def test_a_body_field_that_the_schema_lacks_is_refused() -> None:
    assert "unknown body field travel_weeks" in planted(
        'plus_days = "travel_days"', 'plus_days = "travel_weeks"', CORRECTION
    )
    assert "unknown body field wish" in planted(
        'when = { field = "opinion", equals = "AGREE" }', 'when = { field = "wish", equals = "AGREE" }', CORRECTION
    )


def test_a_condition_on_a_value_that_cannot_occur_is_refused() -> None:
    assert "unknown value of decision MAYBE" in planted(
        'field = "decision", equals = "STAY"', 'field = "decision", equals = "MAYBE"', CORRECTION
    )


def test_a_guard_that_reads_a_field_of_another_event_is_refused() -> None:
    assert "unknown body field verified" in planted(
        'guards = ["notice_shown", "origin_elsewhere", "origin_receives_notices"]', 'guards = ["delivery_verified"]'
    )


def test_a_guard_that_reads_what_no_row_remembers_is_refused() -> None:
    assert "unknown fact (no row remembers it) opinion" in refusal(CORRECTION.replace('remember = ["opinion"]', ""))


def test_a_limit_that_is_met_but_never_started_is_refused_unless_it_starts_outside() -> None:
    assert "meets R-COR-1, which nothing starts" in planted(
        'outside_rules = ["R-COR-1", ', "outside_rules = [", CORRECTION
    )


def test_a_timer_that_waits_for_a_limit_that_nothing_starts_is_refused() -> None:
    assert "waits for R-HUK-1, which nothing starts" in planted(
        'after = { rule = "RETENTION" }', 'after = { rule = "R-HUK-1" }'
    )


def test_a_timer_without_a_limit_is_refused() -> None:
    assert "says after which rule" in planted('after = { rule = "RETENTION" }\n', "")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("fact.year_from + 12 MONTH - 30 DAY", "year_from", "'year_from' is no day counted from a fact"),
        ("fact.year_from + 12 MONTH - 30 DAY", "fact.year_from + 12 MOON", "is no day counted from a fact"),
        ("fact.year_from + 12 MONTH - 30 DAY", "fact.year_from +12 MONTH", "is no day counted from a fact"),
        ("fact.year_from + 12 MONTH - 30 DAY", "fact.year_from + 1000 YEAR", "is no day counted from a fact"),
        ("after.body.first_reminder_on", "after.body.reminder_on", "unknown body field reminder_on"),
        ('after.rule = "R-RES-5"', 'after.rule = "R-RES-5"\nafter.since = "x"', "after says rule, and body"),
        ('after.rule = "R-RES-5"', 'after.rule = "R-RES-55"', "unknown rule R-RES-55"),
        ('remember = ["year_from"]', "", "starts R-RES-5 and does not remember year_from"),
        ("fact.year_from + 12 MONTH - 30 DAY", "fact.division", "no guard checks the date division"),
        ('guards = ["year_from_not_later"]', "guards = []", "no guard checks the date year_from"),
        ('guards = ["counted_from_today"]', "guards = []", "no guard checks the date residence_counted_from"),
    ],
)
def test_a_timer_whose_event_could_not_be_made_is_refused(old: str, new: str, reason: str) -> None:
    assert reason in planted(old, new, PERMIT)


def test_a_timer_that_leaves_a_field_of_its_event_out_is_refused() -> None:
    text = "\n".join(line for line in PERMIT.splitlines() if not line.startswith("after.body.second"))

    assert "transition 7 (ResidencePermitSuspended): its event cannot be made" in refusal(text)


def test_a_timer_starts_no_matter_and_chooses_nothing() -> None:
    choosing = 'when = { field = "full_year_on", equals = "2027-03-02" }\nafter.rule = "R-RES-5"'
    assert "chooses nothing" in planted('after.rule = "R-RES-5"', choosing, PERMIT)
    assert "a timer starts no matter" in planted('from = ["ACKNOWLEDGED"]', 'from = ["START", "ACKNOWLEDGED"]')


def test_a_limit_that_counts_from_an_unchecked_date_is_refused() -> None:
    assert "no guard checks the date year_from" in planted('guards = ["year_from_not_later"]', "guards = []", PERMIT)


def test_days_outside_a_limit_that_no_guard_bounds_are_refused() -> None:
    assert "no guard bounds travel_days" in planted(', "travel_is_short"', "", CORRECTION)


def test_the_other_side_may_not_start_a_matter() -> None:
    assert "side ORIGIN may not start a matter" in planted(
        'by = { side = "DESTINATION", office = ["COUNTY_PSB_HOUSEHOLD"] }',
        'by = { side = "ORIGIN", office = ["COUNTY_PSB_HOUSEHOLD"] }',
    )


def test_a_state_that_cannot_be_restricted_is_refused() -> None:
    assert "state SENT: cannot be restricted" in planted(
        'from = ["PREPARED", "SENT", "DELIVERED", "ACKNOWLEDGED", "DISPUTED"]',
        'from = ["PREPARED", "DELIVERED", "ACKNOWLEDGED", "DISPUTED"]',
    )


def test_a_row_without_an_acting_office_is_refused() -> None:
    assert "no office type may act" in planted(
        'by = { side = "ORIGIN", office = ["COUNTY_PSB_HOUSEHOLD"] }', 'by = { side = "ORIGIN", office = [] }'
    )


def test_a_responsible_side_that_the_procedure_lacks_is_refused() -> None:
    assert "unknown side NOBODY" in planted('responsible = "SENDING"', 'responsible = "NOBODY"', CORRECTION)


def test_a_state_or_a_value_of_a_wrong_type_is_refused() -> None:
    assert "stands twice" in planted('name = "SENT"', 'name = "PREPARED"')
    assert "wrong type" in planted('sides = ["DESTINATION", "ORIGIN"]', "sides = 2")


def test_the_known_ids_are_an_argument() -> None:
    known = dataclasses.replace(load_known(), profiles=frozenset())

    with pytest.raises(ContractError, match="unknown profile NP-RES"):
        parse_procedure("x.toml", NOTIFICATION, known)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[a]\nkind = "magic"', "unknown kind 'magic'"),
        ('[a]\nkind = "present"', "wrong or missing fields"),
        ('[a]\nkind = "present"\nfields = ["x"]\nrule = "R-ACK-1"', "wrong or missing rule"),
        ('[a]\nkind = "counterpart_named"\nwhen = { field = "x" }', "when says field and either equals or one_of"),
        ("[a", "guards.toml"),
    ],
)
def test_a_wrong_guard_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ContractError, match=reason.split("'")[0]) as caught:
        parse_guards(text)

    assert caught.value.code == "PROCEDURE_INVALID"
    assert reason in caught.value.message
