"""How correction transfers go."""

from dataclasses import replace
from functools import partial
from typing import Final

from adapters.demo.story import Days, Step, Story

_CORRECTION: Final = "COUNTY_CORRECTION"
_story = partial(Story, procedure="CORRECTION_TRANSFER", here="SENDING", there="RECEIVING", is_both_ways=True)
_REQUESTED: Final = Step(
    "TransferRequested",
    "SENDING",
    "JUDICIAL_OFFICE",
    body={"notice_id": "@id", "ground": "WORK", "papers": ["APPLICATION", "PROOF_OF_GROUND", "PROOF_OF_HOME"]},
    names=("RECEIVING", _CORRECTION),
)
_ASKED: Final = Step("OpinionAsked", "SENDING", _CORRECTION, (1, 3), payloads=("NP-COR-ASK",))
_AGREED: Final = Step(
    "OpinionGiven",
    "RECEIVING",
    _CORRECTION,
    (1, 4),
    {"opinion": "AGREE"},
    ("NP-COR-OPINION",),
    says={"opinion": "AGREE", "reasons": "居住地、工作属实"},
)
_DISAGREED: Final = Step("OpinionGiven", "RECEIVING", _CORRECTION, (1, 4), {"opinion": "DISAGREE"}, ("NP-COR-OPINION",))
_DECIDED: Final = Step(
    "TransferDecided",
    "SENDING",
    _CORRECTION,
    (1, 3),
    {
        "decision": "TRANSFER",
        "deciding_body": "COURT",
        "official": "@official",
        "complaint_way_told": True,
        "told_on": None,
    },
    ("NP-COR-COPY",),
)
_SERVED: Final = Step(
    "DecisionServed",
    "SENDING",
    _CORRECTION,
    (1, 1.5),
    {"served_on": "@day", "travel_days": 2, "consequences_told": True},
)
_FILE_SENT: Final = Step(
    "FileSent",
    "SENDING",
    _CORRECTION,
    (1, 2),
    {"hash_list": "@hash_list", "documents_complete": True, "supplement": False},
    ("NP-COR-FILE", "NP-COR-FILE"),
)
_FILE_HELD: Final = Step(
    "FileAcknowledged",
    "RECEIVING",
    _CORRECTION,
    (1, 3),
    {"hash_list": "@fact.hash_list", "missing": [], "supplement": False},
    ("NP-COR-COPY",),
)


def _reported(after: Days) -> Step:
    return Step("ReportedIn", "RECEIVING", _CORRECTION, after, {"identity_checked": True}, ("NP-COR-STATUS",))


_RECEIVED: Final = Step(
    "CaseReceived", "RECEIVING", _CORRECTION, (1, 2), payloads=("NP-COR-STATUS",), says={"state": "RECEIVED"}
)
_NOT_REPORTED: Final = Step(
    "NotReported", "RECEIVING", _CORRECTION, (24, 26), payloads=("NP-COR-STATUS",), says={"state": "NOT_REPORTED"}
)
_AGREED_START: Final = (_REQUESTED, _ASKED, _AGREED)
_SENT_START: Final = (*_AGREED_START, _DECIDED, _SERVED, _FILE_SENT, _FILE_HELD)

CORRECTIONS: Final = (
    _story(name="received", weight=36, began=(32, 60), steps=(*_SENT_START, _reported((1, 2)), _RECEIVED)),
    _story(
        name="reported before the file came",
        weight=8,
        began=(32, 60),
        steps=(*_AGREED_START, _DECIDED, _SERVED, _reported((1, 2)), _FILE_SENT, _FILE_HELD, _RECEIVED),
    ),
    _story(
        name="coordinated",
        weight=12,
        began=(42, 60),
        steps=(
            _REQUESTED,
            _ASKED,
            _DISAGREED,
            Step("CoordinationRequested", "SENDING", _CORRECTION, (1, 2), payloads=("NP-COR-OPINION",)),
            Step("CoordinationResult", "SENDING", "SUPERIOR_CORRECTION", (2, 4), {"opinion": "AGREE"}),
            _DECIDED,
            _SERVED,
            _FILE_SENT,
            _FILE_HELD,
            _reported((1, 2)),
            _RECEIVED,
        ),
    ),
    _story(
        name="stays, with reasons",
        weight=12,
        began=(20, 60),
        steps=(
            _REQUESTED,
            _ASKED,
            _DISAGREED,
            Step(
                "TransferDecided",
                "SENDING",
                _CORRECTION,
                (1, 4),
                {
                    "decision": "STAY",
                    "deciding_body": "COURT",
                    "official": "@official",
                    "complaint_way_told": True,
                    "told_on": "@day",
                },
                ("NP-COR-OPINION",),
            ),
        ),
    ),
    _story(
        name="did not report and was returned",
        weight=8,
        began=(70, 85),
        steps=(
            *_SENT_START,
            _NOT_REPORTED,
            Step("CaseReturned", "SENDING", _CORRECTION, (1, 3)),
        ),
    ),
    _story(
        name="reported late",
        weight=6,
        began=(70, 85),
        steps=(
            *_SENT_START,
            _NOT_REPORTED,
            _reported((1, 3)),
            _RECEIVED,
        ),
    ),
    _story(
        name="a document missing, sent after",
        weight=6,
        began=(40, 60),
        steps=(
            *_AGREED_START,
            _DECIDED,
            _SERVED,
            _FILE_SENT,
            replace(_FILE_HELD, body={**_FILE_HELD.body, "missing": ["CORRECTION_FILE"]}),
            replace(_FILE_SENT, body={**_FILE_SENT.body, "supplement": True}),
            replace(_FILE_HELD, body={**_FILE_HELD.body, "supplement": True}, payloads=()),
            _reported((1, 2)),
            _RECEIVED,
        ),
    ),
    _story(
        name="withdrawn",
        weight=8,
        began=(20, 60),
        steps=(_REQUESTED, _ASKED, Step("TransferWithdrawn", "SENDING", "JUDICIAL_OFFICE", (1, 3))),
    ),
    _story(name="opinion overdue", weight=6, began=(20, 60), steps=(_REQUESTED, _ASKED)),
    _story(name="file overdue", weight=4, began=(30, 60), steps=(*_AGREED_START, _DECIDED, _SERVED)),
)
"""Changes of the place where community correction is carried out."""
