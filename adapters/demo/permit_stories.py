"""How residence permits go."""

from functools import partial
from typing import Final

from adapters.demo.story import Days, Step, Story, timer

_PSB: Final = "COUNTY_PSB_HOUSEHOLD"
_story = partial(Story, procedure="RESIDENCE_PERMIT", there="NEW_CITY")


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
_SIGNED_SOON: Final = Step("ResidencePermitSigned", "DESTINATION", _PSB, (0.2, 1), {"official": "@official"})
_ISSUED_SOON: Final = Step("ResidencePermitIssued", "DESTINATION", "POLICE_STATION", (0.2, 1), {"year_from": "@day"})
_A_YEAR_AGO: Final = (_accepted(), _SIGNED_SOON, _ISSUED_SOON, timer("ResidencePermitSuspended"))

PERMITS: Final = (
    _story(name="issued", weight=62, began=(12, 60), steps=(_accepted(), _SIGNED, _ISSUED)),
    _story(
        name="issued after papers came",
        weight=6,
        began=(25, 60),
        steps=(
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
    _story(
        name="refused",
        weight=9,
        began=(15, 60),
        steps=(
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
    _story(name="not decided in time", weight=5, began=(25, 60), steps=(_accepted(),)),
    _story(
        name="endorsed after a year",
        weight=6,
        began=(365, 375),
        steps=(
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
    _story(
        name="history carried to a new city",
        weight=5,
        began=(40, 60),
        steps=(
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
    _story(
        name="lost and replaced",
        weight=4,
        began=(30, 60),
        steps=(
            _accepted(),
            _SIGNED,
            _ISSUED,
            Step("ResidencePermitReplaced", "DESTINATION", "POLICE_STATION", (5, 12), {"reason": "LOST"}),
        ),
    ),
    _story(
        name="given back on leaving",
        weight=3,
        began=(30, 60),
        steps=(
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
    _story(
        name="refused, papers never came",
        weight=2,
        began=(25, 60),
        steps=(
            Step(
                "ResidencePermitSupplementRequested",
                "DESTINATION",
                "POLICE_STATION",
                body={
                    "division": "@division",
                    "notice_id": "@id",
                    "applied_by": "GUARDIAN",
                    "missing": ["GUARDIAN_CONSENT"],
                },
            ),
            Step(
                "ResidencePermitRefused",
                "DESTINATION",
                _PSB,
                (10, 18),
                {"reason": "PAPERS_MISSING", "official": "@official", "review_told": True},
            ),
        ),
    ),
    _story(name="suspended after a full year", weight=3, began=(380, 395), steps=_A_YEAR_AGO),
    _story(
        name="suspended and restored",
        weight=3,
        began=(380, 395),
        steps=(
            *_A_YEAR_AGO,
            Step(
                "ResidencePermitReinstated",
                "DESTINATION",
                "POLICE_STATION",
                body={"residence_counted_from": "@day"},
            ),
        ),
    ),
    _story(
        name="moved inside the city",
        weight=2,
        began=(30, 60),
        steps=(
            _accepted(),
            _SIGNED,
            _ISSUED,
            Step(
                "ResidencePermitAddressChanged",
                "DESTINATION",
                "COMMUNITY_AGENCY",
                (5, 12),
                {"division": "@division"},
            ),
        ),
    ),
    _story(
        name="cancelled, obtained by fraud",
        weight=1,
        began=(40, 60),
        steps=(
            _accepted(),
            _SIGNED,
            _ISSUED,
            Step(
                "ResidencePermitCancelled",
                "DESTINATION",
                _PSB,
                (10, 20),
                {"reason": "OBTAINED_BY_FRAUD", "official": "@official", "appeal_told": True},
            ),
        ),
    ),
    _story(
        name="restricted at the holder's wish",
        weight=1,
        began=(30, 60),
        steps=(
            _accepted(),
            _SIGNED,
            _ISSUED,
            Step(
                "MatterRestricted",
                "DESTINATION",
                "RIGHTS_DESK",
                (5, 12),
                {"request": "@id", "official": "@official"},
            ),
        ),
    ),
)
"""Residence permits."""
