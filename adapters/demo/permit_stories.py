"""How residence permits go."""

from typing import Final

from adapters.demo.story import Days, Step, Story

_PSB: Final = "COUNTY_PSB_HOUSEHOLD"


def _accepted(after: Days = (0.0, 0.2)) -> Step:
    body = {
        "division": "@division",
        "notice_id": "@id",
        "applied_by": "APPLICANT",
        "registered_on": "@day-200",
        "ground": "STABLE_WORK",
    }
    return Step("ResidencePermitAccepted", "DESTINATION", "POLICE_STATION", after, body)


_SIGNED: Final = Step("ResidencePermitSigned", "DESTINATION", _PSB, (1, 6), {"official": "@official"})
_ISSUED: Final = Step("ResidencePermitIssued", "DESTINATION", "POLICE_STATION", (1, 5), {"year_from": "@day"})

PERMITS: Final = (
    Story("issued", "RESIDENCE_PERMIT", 62, (12, 60), (_accepted(), _SIGNED, _ISSUED)),
    Story(
        "issued after papers came",
        "RESIDENCE_PERMIT",
        6,
        (25, 60),
        (
            Step(
                "ResidencePermitSupplementRequested",
                "DESTINATION",
                "COMMUNITY_AGENCY",
                body={
                    "division": "@division",
                    "notice_id": "@id",
                    "applied_by": "APPLICANT",
                    "missing": ["PROOF_OF_WORK"],
                },
            ),
            _accepted((2, 9)),
            _SIGNED,
            _ISSUED,
        ),
    ),
    Story(
        "refused",
        "RESIDENCE_PERMIT",
        9,
        (15, 60),
        (
            _accepted(),
            Step(
                "ResidencePermitRefused",
                "DESTINATION",
                _PSB,
                (2, 9),
                {"reason": "NO_CONDITION_MET", "official": "@official", "review_told": True},
            ),
        ),
    ),
    Story("not decided in time", "RESIDENCE_PERMIT", 5, (25, 60), (_accepted(),)),
    Story(
        "endorsed after a year",
        "RESIDENCE_PERMIT",
        6,
        (365, 375),
        (
            _accepted(),
            _SIGNED,
            _ISSUED,
            Step(
                "ResidencePermitEndorsed",
                "DESTINATION",
                "POLICE_STATION",
                (340, 350),
                {"year_from": "@fact.year_from+1y"},
            ),
        ),
    ),
    Story(
        "history carried to a new city",
        "RESIDENCE_PERMIT",
        5,
        (40, 60),
        (
            _accepted(),
            _SIGNED,
            _ISSUED,
            Step(
                "ResidencePermitHistoryReleased",
                "DESTINATION",
                _PSB,
                (10, 20),
                {"consent_on": "@day", "consent_form": "IN_WRITING"},
                ("NP-RP-HISTORY",),
                ("NEW_CITY", _PSB),
            ),
        ),
    ),
    Story(
        "lost and replaced",
        "RESIDENCE_PERMIT",
        4,
        (30, 60),
        (
            _accepted(),
            _SIGNED,
            _ISSUED,
            Step("ResidencePermitReplaced", "DESTINATION", "POLICE_STATION", (5, 12), {"reason": "LOST"}),
        ),
    ),
    Story(
        "given back on leaving",
        "RESIDENCE_PERMIT",
        3,
        (30, 60),
        (
            _accepted(),
            _SIGNED,
            _ISSUED,
            Step(
                "ResidencePermitCancelled",
                "DESTINATION",
                "POLICE_STATION",
                (5, 12),
                {
                    "reason": "LEFT",
                    "official": None,
                    "appeal_told": None,
                },
            ),
        ),
    ),
)
"""Residence permits."""
