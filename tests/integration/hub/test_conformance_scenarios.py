"""A real hub with a database answers every conformance scenario as its file says, and its ledger can be audited."""

from pathlib import Path

from adapters.store.opening import open_store
from contracts.errors import ExchangeError
from hub.submission import EventResult, Outcome
from tests.support.audit import audit
from tests.support.conformance import HubRun, files, load


def said(answer: EventResult | ExchangeError) -> dict[str, object]:
    """The first words of an answer, as a file has them."""
    if isinstance(answer, ExchangeError):
        rows = (("refused", answer.code), ("rule", answer.rule), ("field", answer.field))
        return {name: value for name, value in rows if value is not None}
    if answer.refusal is not None:
        refusal = answer.refusal
        rows = (("refused", refusal.code), ("rule", refusal.rule), ("field", refusal.field))
        return {name: value for name, value in rows if value is not None}
    return {"repeated": True} if answer.outcome is Outcome.REPEATED else {}


def test_the_hub_answers_every_scenario_right(place: Path) -> None:
    """All files in one ledger, in order of time."""
    lines = [line for name in files() for line in load(name)]
    store = open_store(place)
    run = HubRun(store)

    run.run(lines)

    accepted = [line for line in lines if "state" in line.then]
    wrong = {
        line.id: said(run.answers[line.id])
        for line in lines
        if said(run.answers[line.id]) != ({} if "state" in line.then else line.then)
    }
    assert wrong == {}
    for line in accepted:
        matter = run.matter(line)
        duties = sorted((duty.rule, duty.side, duty.office_type) for duty in matter.duties)
        assert (line.id, matter.state) == (line.id, line.then["state"])
        assert duties == [(duty["rule"], duty["side"], duty["office"]) for duty in line.then["duties"]]
    audit(store, run.world)
    store.close()
