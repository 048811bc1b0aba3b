"""How residence registrations and notices of them go."""

from typing import Final

from adapters.demo.story import Step, Story, timer

CORRECTED: Final = "corrected after the notice"
"""A registration whose origin was told and is told of the correction too."""
SUPPRESSED: Final = "suppressed"
"""A notice that is never sent, for a reason that nobody learns."""

_DECLARED: Final = Step(
    "RegistrationDeclared",
    "DESTINATION",
    "POLICE_STATION",
    body={"division": "@division", "notice_id": "@id", "declared_by": "APPLICANT"},
)
_AGENCY_DECLARED: Final = Step(
    "RegistrationDeclared",
    "DESTINATION",
    "COMMUNITY_AGENCY",
    body={"division": "@division", "notice_id": "@id", "declared_by": "LODGING_PROVIDER"},
)
_RECORDED: Final = Step(
    "RegistrationRecorded",
    "DESTINATION",
    "POLICE_STATION",
    body={"registered_on": "@day", "identity_form_valid": True},
)

REGISTRATIONS: Final = (
    Story("registered", "RESIDENCE", 60, (4, 40), (_DECLARED, _RECORDED)),
    Story("registered by the agency", "RESIDENCE", 12, (4, 40), (_AGENCY_DECLARED, _RECORDED)),
    Story(
        CORRECTED,
        "RESIDENCE",
        7,
        (20, 40),
        (
            _DECLARED,
            _RECORDED,
            Step(
                "RegistrationCorrected",
                "DESTINATION",
                "POLICE_STATION",
                (5, 12),
                {"correction_code": "22", "evidence_checked": True, "notice_was_sent": True},
                ("NP-CORRECTION",),
                ("ORIGIN", "COUNTY_PSB_HOUSEHOLD"),
            ),
        ),
    ),
    Story(
        "moved inside the province",
        "RESIDENCE",
        6,
        (15, 40),
        (
            _DECLARED,
            _RECORDED,
            Step(
                "RegistrationAddressChanged",
                "DESTINATION",
                "POLICE_STATION",
                (3, 10),
                {"division": "@division_elsewhere"},
            ),
        ),
    ),
    Story("registered in another season", "RESIDENCE", 3, (110, 150), (_DECLARED, _RECORDED)),
    Story(
        "departed",
        "RESIDENCE",
        8,
        (20, 60),
        (
            _DECLARED,
            _RECORDED,
            Step("RegistrationEnded", "DESTINATION", "POLICE_STATION", (8, 15), {"reason": "DEPARTED"}),
        ),
    ),
    Story(
        "died at the temporary residence",
        "RESIDENCE",
        1,
        (20, 40),
        (
            _DECLARED,
            _RECORDED,
            Step(
                "RegistrationEnded",
                "DESTINATION",
                "POLICE_STATION",
                (6, 12),
                {"reason": "DECEASED"},
                ("NP-DEATH",),
                ("ORIGIN", "POLICE_STATION"),
            ),
        ),
    ),
)
"""Registrations that are recorded; a notice goes to the origin for each."""

REJECTIONS: Final = (
    Story(
        "rejected, papers missing",
        "RESIDENCE",
        3,
        (4, 30),
        (
            _DECLARED,
            Step(
                "RegistrationRejected",
                "DESTINATION",
                "POLICE_STATION",
                body={"reason": "PAPERS_MISSING", "missing": ["PROOF_OF_ADDRESS", "PROVIDER_STATEMENT"]},
            ),
        ),
    ),
    Story(
        "rejected, not resident here",
        "RESIDENCE",
        1,
        (4, 30),
        (
            _DECLARED,
            Step(
                "RegistrationRejected",
                "DESTINATION",
                "POLICE_STATION",
                body={"reason": "NOT_RESIDENT_HERE", "missing": []},
            ),
        ),
    ),
)
"""Registrations that an official rejects; nobody else is told."""

_PSB: Final = "COUNTY_PSB_HOUSEHOLD"
_PREPARED: Final = Step(
    "ResidenceNoticePrepared", "DESTINATION", _PSB, (0.1, 0.8), {"notice_id": "@id"}, names=("ORIGIN", _PSB)
)
_SENT: Final = Step("ResidenceNoticeSent", "DESTINATION", _PSB, (0.0, 0.5), payloads=("NP-RES",))
_DELIVERED: Final = Step("ResidenceNoticeDelivered", "ORIGIN", _PSB, (0.0, 0.3), {"verified": True})
_ACKNOWLEDGED: Final = Step("ResidenceNoticeAcknowledged", "ORIGIN", _PSB, (0.2, 1.5))
_OPENED: Final = (_PREPARED, _SENT, _DELIVERED)


def _disputed(reason: str) -> Step:
    return Step("ResidenceNoticeDisputed", "ORIGIN", _PSB, (0.2, 1.5), {"reason": reason})


NOTICES: Final = (
    # Time closes it when the content was kept for as long as it may be.
    Story(
        "acknowledged", "RESIDENCE_NOTIFICATION", 80, (0, 0), (*_OPENED, _ACKNOWLEDGED, timer("ResidenceNoticeClosed"))
    ),
    Story(
        "disputed and withdrawn",
        "RESIDENCE_NOTIFICATION",
        5,
        (0, 0),
        (
            *_OPENED,
            _disputed("NOT_OUR_HOUSEHOLD"),
            Step("ResidenceNoticeWithdrawn", "DESTINATION", _PSB, (0.5, 3)),
        ),
    ),
    Story(
        "disputed and sent again",
        "RESIDENCE_NOTIFICATION",
        6,
        (0, 0),
        (
            *_OPENED,
            _disputed("IDENTITY_MISMATCH"),
            Step("ResidenceNoticeReissued", "DESTINATION", _PSB, (0.5, 2), payloads=("NP-RES",)),
            _DELIVERED,
            _ACKNOWLEDGED,
            timer("ResidenceNoticeClosed"),
        ),
    ),
    Story("left lying", "RESIDENCE_NOTIFICATION", 6, (0, 0), _OPENED),
    Story(
        SUPPRESSED,
        "RESIDENCE_NOTIFICATION",
        1,
        (0, 0),
        (Step("ResidenceNoticeSuppressed", "DESTINATION", _PSB, (0.1, 0.8)),),
    ),
)
"""Notices of a residence; each begins when its registration is recorded."""
