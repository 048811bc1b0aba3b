"""How correction transfers go."""

from typing import Final

from adapters.demo.story import Days, Step, Story

_CORRECTION: Final = "COUNTY_CORRECTION"
_REQUESTED: Final = Step(
    "TransferRequested",
    "SENDING",
    "JUDICIAL_OFFICE",
    body={"notice_id": "@id", "ground": "WORK", "papers": ["APPLICATION", "PROOF_OF_GROUND", "PROOF_OF_HOME"]},
    names=("RECEIVING", _CORRECTION),
)
_ASKED: Final = Step("OpinionAsked", "SENDING", _CORRECTION, (1, 3), payloads=("NP-COR-ASK",))
_AGREED: Final = Step("OpinionGiven", "RECEIVING", _CORRECTION, (1, 4), {"opinion": "AGREE"}, ("NP-COR-OPINION",))
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


_RECEIVED: Final = Step("CaseReceived", "RECEIVING", _CORRECTION, (1, 2), payloads=("NP-COR-STATUS",))
_AGREED_START: Final = (_REQUESTED, _ASKED, _AGREED)
_SENT_START: Final = (*_AGREED_START, _DECIDED, _SERVED, _FILE_SENT, _FILE_HELD)

CORRECTIONS: Final = (
    Story("received", "CORRECTION_TRANSFER", 36, (32, 60), (*_SENT_START, _reported((1, 2)), _RECEIVED)),
    Story(
        "reported before the file came",
        "CORRECTION_TRANSFER",
        8,
        (32, 60),
        (*_AGREED_START, _DECIDED, _SERVED, _reported((1, 2)), _FILE_SENT, _FILE_HELD, _RECEIVED),
    ),
    Story(
        "coordinated",
        "CORRECTION_TRANSFER",
        12,
        (42, 60),
        (
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
    Story(
        "stays, with reasons",
        "CORRECTION_TRANSFER",
        12,
        (20, 60),
        (
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
    Story(
        "did not report and was returned",
        "CORRECTION_TRANSFER",
        8,
        (70, 85),
        (
            *_SENT_START,
            Step("NotReported", "RECEIVING", _CORRECTION, (24, 26), payloads=("NP-COR-STATUS",)),
            Step("CaseReturned", "SENDING", _CORRECTION, (1, 3)),
        ),
    ),
    Story(
        "reported late",
        "CORRECTION_TRANSFER",
        6,
        (70, 85),
        (
            *_SENT_START,
            Step("NotReported", "RECEIVING", _CORRECTION, (24, 26), payloads=("NP-COR-STATUS",)),
            _reported((1, 3)),
            _RECEIVED,
        ),
    ),
    Story(
        "withdrawn",
        "CORRECTION_TRANSFER",
        8,
        (20, 60),
        (_REQUESTED, _ASKED, Step("TransferWithdrawn", "SENDING", "JUDICIAL_OFFICE", (1, 3))),
    ),
    Story("opinion overdue", "CORRECTION_TRANSFER", 6, (20, 60), (_REQUESTED, _ASKED)),
    Story("file overdue", "CORRECTION_TRANSFER", 4, (30, 60), (*_AGREED_START, _DECIDED, _SERVED)),
)
"""Changes of the place where community correction is carried out."""
