"""A person is registered at a side that the procedure has; a record moves only when marked, and none stays so."""

from tests.unit.procedures.test_whole_check import NOTIFICATION, planted, refusal

REGISTERED = NOTIFICATION.replace("[[state]]\n", '[[state]]\nregistered = "ORIGIN"\n')
SENT = 'registered = "ORIGIN"\nname = "SENT"'


def test_a_place_of_registration_that_the_procedure_lacks_is_refused() -> None:
    assert "unknown side NOBODY" in planted(SENT, 'registered = "NOBODY"\nname = "SENT"', REGISTERED)


def test_a_registration_is_not_taken_over_before_its_record_is_marked() -> None:
    moved = SENT.replace("ORIGIN", "DESTINATION")

    assert "record was not marked as moving" in planted(SENT, moved, REGISTERED)


def test_a_matter_does_not_end_with_a_record_that_is_marked() -> None:
    withdrawn = 'registered = "ORIGIN"\nname = "WITHDRAWN"'

    assert "state WITHDRAWN: ends with a record that is marked" in planted(
        withdrawn, f"moving = true\n{withdrawn}", REGISTERED
    )


def test_a_record_that_is_marked_is_somebodys() -> None:
    assert "says not whose it is" in refusal(NOTIFICATION.replace('name = "SENT"', 'name = "SENT"\nmoving = true'))
