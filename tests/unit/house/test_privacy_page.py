"""The page for a data-protection officer is what the contracts say, and leaves out no profile and no procedure."""

from contracts.invariants import load_invariants
from contracts.procedure import load_procedures
from docs.privacy import PAGE, render


def test_the_page_is_what_the_contracts_say() -> None:
    """Who changes a profile, a basis, a recipient or a retention says `make docs`."""
    assert PAGE.read_text(encoding="utf-8") == render(), "run `make docs`"


def test_every_profile_and_every_procedure_stands_in_it() -> None:
    page = render()
    for profile in load_invariants().recipients:
        assert f"| {profile} |" in page
    for procedure in load_procedures().values():
        assert procedure.kind == "hub" or f"| {procedure.id} |" in page
