"""Writes `contracts/conformance/procedures/*.jsonl`: `make docs`, or `python -m docs.conformance`.

The form of the lines stands in `contracts/conformance/procedures/README.md`.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from adapters.region.json_value import to_json
from contracts.procedure import load_procedures
from contracts.procedure_check import load_known
from hub.conformance import scenarios_of
from hub.conformance_scenario import Beginning, Outcome, Scenario
from hub.conformance_stage import Act, Place, Stage

FOLDER: Final = Path(__file__).resolve().parents[1] / "contracts" / "conformance" / "procedures"
"""Where the files are written."""
_SHANGHAI: Final = timezone(timedelta(hours=8))


def render() -> Mapping[str, str]:
    """Render all files, by name: one a procedure, beginnings first, then scenarios, each in order of their ids."""
    known = load_known()
    found: dict[str, str] = {}
    for procedure in load_procedures().values():
        made = scenarios_of(procedure, known)
        stage = Stage(procedure)
        rows = [_beginning(one, stage) for one in made.beginnings] + [_scenario(one, stage) for one in made.scenarios]
        name = f"{procedure.id.lower()}_{procedure.edition}.jsonl"
        found[name] = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return found


def _beginning(beginning: Beginning, stage: Stage) -> dict[str, Any]:
    return {"beginning": beginning.id, "state": beginning.state, "events": [_act(act, stage) for act in beginning.acts]}


def _scenario(scenario: Scenario, stage: Stage) -> dict[str, Any]:
    name, edition, _ = scenario.id.split("/", 2)
    return {
        "id": scenario.id,
        "purpose": scenario.purpose,
        "procedure": name,
        "edition": int(edition),
        "given": scenario.given,
        "when": {"repeat": True} if scenario.act is None else _act(scenario.act, stage),
        "then": _outcome(scenario.outcome),
    }


def _act(act: Act, stage: Stage) -> dict[str, Any]:
    optional: dict[str, Any] = {}
    lists = {field: stage.places(value) for field, value in act.body.items() if isinstance(value, list)}
    named = {field: [_place(place) for place in places] for field, places in lists.items() if places}
    if named:
        optional["lists"] = named
    if act.names is not None:
        optional["names"] = _place(act.names)
    if act.sealed:
        optional["sealed"] = [{"profile": one.profile, "to": [_place(place) for place in one.to]} for one in act.sealed]
    if act.position != "next":
        optional["position"] = act.position
    return {
        "event": act.event,
        "by": _place(act.by),
        "at": datetime.fromtimestamp(act.now_ms / 1000, _SHANGHAI).isoformat(),
        "purpose": act.purpose,
        "legal_basis": act.legal_basis,
        "body": to_json(act.body),
        **optional,
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    if outcome.is_repeat:
        return {"repeated": True}
    if outcome.refused is not None:
        return dict(_refusal(outcome))
    return {
        "state": outcome.state,
        "duties": [{"rule": rule, "side": side, "office": office} for rule, side, office in outcome.duties],
        "told": [{**_place(told.place), "profile": told.profile} for told in outcome.told],
    }


def _refusal(outcome: Outcome) -> Iterator[tuple[str, str]]:
    for name, value in (("refused", outcome.refused), ("rule", outcome.rule), ("field", outcome.field)):
        if value is not None:
            yield name, value


def _place(place: Place) -> dict[str, str]:
    return {"side": place.at, "office": place.office}


def main() -> None:
    """Write every file, and remove those of procedures that are no more."""
    FOLDER.mkdir(exist_ok=True, parents=True)
    pages = render()
    for path in FOLDER.glob("*.jsonl"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
