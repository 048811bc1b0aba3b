"""The history of a permit for its holder to carry elsewhere: `permit_history` (DOMAIN 7.1, `PORT`).

Acts, states and dates as the ledger has them; numbers and names stay in the sealed content that the issuing office
sends with NP-RP-HISTORY. The event ids and indexes let whoever receives it ask for the proofs.
"""

from datetime import date
from typing import Any, Final

from contracts.errors import RuleError
from contracts.rights import portable_procedures
from hub.due_report import id_text, shanghai
from hub.record_extract import RecordExtract

FORMAT: Final = "pprd-history/v1"
"""Names the form of what is written."""


def permit_history(extract: RecordExtract) -> dict[str, Any]:
    """The history, as JSON.

    Raises:
        RuleError: NOT_PORTABLE: records of this procedure are not carried elsewhere.
    """
    if extract.procedure.id not in portable_procedures():
        raise RuleError("NOT_PORTABLE", f"a record of {extract.procedure.id} is not carried elsewhere", field="matter")
    return {
        "format": FORMAT,
        "record": id_text(extract.matter.stream_id),
        "procedure": extract.procedure.id,
        "state": extract.matter.state,
        "acts": [
            {
                "event": act.event_type,
                "event_id": id_text(act.event_id),
                "index": act.leaf_index,
                "state": act.state,
                "on": shanghai(act.occurred_at)[:10],
                "region": _region(extract, act.office),
                "dates": {name: value for name, value in act.body.items() if _is_date(value)},
            }
            for act in extract.acts
        ],
    }


def _region(extract: RecordExtract, office: str) -> str | None:
    found = extract.directory.office(office)
    return None if found is None else found.region


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False
