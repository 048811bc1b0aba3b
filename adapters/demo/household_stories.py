"""How moves of the household registration go."""

from typing import Any, Final

from adapters.demo.story import Days, Step, Story, timer

_ID: Final = "HOUSEHOLD_MOVE"
_PSB: Final = "COUNTY_PSB_HOUSEHOLD"
_POLICE: Final = "POLICE_STATION"


def _destination(
    event: str, office: str, after: Days, body: dict[str, Any] | None = None, payloads: tuple[str, ...] = ()
) -> Step:
    return Step(event, "DESTINATION", office, after, body or {}, payloads)


def _origin(event: str, after: Days, body: dict[str, Any] | None = None, **says: Any) -> Step:
    return Step(event, "ORIGIN", _POLICE, after, body or {}, ("NP-HM-ORIGIN",) if says else (), says=says)


def _applied(ground: str, after: Days = (0.0, 0.2)) -> Step:
    body = {"division": "@division", "notice_id": "@id", "ground": ground, "members_listed": True}
    return Step("HouseholdMoveApplied", "DESTINATION", _POLICE, after, body, names=("ORIGIN", _POLICE))


def _refused(reason: str) -> Step:
    body = {"reason": reason, "official": "@official", "review_told": True}
    return _destination("HouseholdMoveRefused", _PSB, (2, 6), body)


_ADMITTED: Final = _destination("AdmissionCertificateIssued", _PSB, (2, 8), {"official": "@official"}, ("NP-HM-ADMIT",))
_VERIFIED: Final = _origin(
    "OriginRecordVerified", (0.3, 1.5), {"record_found": True, "other_admission_open": False}, result="VERIFIED"
)
_MOVE_OUT: Final = _origin(
    "MoveOutCertificateIssued",
    (0.5, 3),
    {"record_marked": True, "record_cancelled": False},
    result="MOVE_OUT_ISSUED",
    certificate_number="@number",
    certificate_expires_on="@day+30",
)
_SETTLED: Final = _destination("HouseholdSettled", _POLICE, (1, 6), {"only_registration": True}, ("NP-HM-SETTLED",))
_CANCELLED: Final = _origin("OriginRecordCancelled", (0.1, 0.6))
_SUPPLEMENT: Final = _destination(
    "HouseholdMoveSupplementRequested", _POLICE, (0.5, 1), {"missing": ["PROOF_OF_RELATION"], "told_on": "@day"}
)
_AMENDED: Final = _destination("HouseholdMoveAmended", _PSB, (1, 3), {"official": "@official"}, ("NP-HM-ADMIT",))
_END: Final = (_VERIFIED, _MOVE_OUT, _SETTLED, _CANCELLED)


def _objected(reason: str) -> Step:
    return _origin("OriginObjected", (0.3, 1.5), {"reason": reason}, result="OBJECTED", reason=reason)


def _withdrawn(*payloads: str) -> Step:
    return _destination("HouseholdMoveWithdrawn", _POLICE, (1, 4), payloads=payloads)


HOUSEHOLD_MOVES: Final = (
    Story("completed", _ID, 52, (24, 60), (_applied("FAMILY_JOIN"), _ADMITTED, *_END)),
    Story("completed by settlement policy", _ID, 12, (24, 60), (_applied("SETTLEMENT_POLICY"), _ADMITTED, *_END)),
    Story(
        "completed after papers came",
        _ID,
        6,
        (30, 60),
        (_applied("FAMILY_JOIN"), _SUPPLEMENT, _applied("FAMILY_JOIN", (2, 6)), _ADMITTED, *_END),
    ),
    Story(
        "completed after an objection",
        _ID,
        6,
        (34, 60),
        (_applied("WORK"), _ADMITTED, _objected("IDENTITY_MISMATCH"), _AMENDED, *_END),
    ),
    Story("refused", _ID, 5, (15, 60), (_applied("WORK"), _refused("GROUND_NOT_MET"))),
    Story("refused, papers never came", _ID, 2, (20, 60), (_applied("STUDY"), _SUPPLEMENT, _refused("PAPERS_MISSING"))),
    Story(
        "refused after an objection",
        _ID,
        2,
        (24, 60),
        (_applied("RETURN"), _ADMITTED, _objected("LEGAL_BAR"), _refused("ORIGIN_OBJECTED")),
    ),
    Story("withdrawn", _ID, 2, (10, 60), (_applied("STUDY"), _withdrawn())),
    Story("withdrawn after the admission", _ID, 2, (20, 60), (_applied("WORK"), _ADMITTED, _withdrawn("NP-HM-ADMIT"))),
    Story(
        "withdrawn while the record was marked",
        _ID,
        2,
        (24, 60),
        (
            _applied("WORK"),
            _ADMITTED,
            _VERIFIED,
            _MOVE_OUT,
            _withdrawn("NP-HM-ADMIT"),
            timer("OriginRecordRestored"),
        ),
    ),
    Story(
        "admission ran out",
        _ID,
        2,
        (56, 70),
        (_applied("RETURN"), _ADMITTED, _VERIFIED, timer("AdmissionExpired")),
    ),
    Story(
        "move-out certificate ran out",
        _ID,
        2,
        (56, 70),
        (
            _applied("WORK"),
            _ADMITTED,
            _VERIFIED,
            _MOVE_OUT,
            timer("MoveOutExpired"),
            timer("OriginRecordRestored"),
        ),
    ),
    Story("not decided in time", _ID, 2, (36, 60), (_applied("FAMILY_JOIN"),)),
    Story("origin silent", _ID, 2, (18, 35), (_applied("FAMILY_JOIN"), _ADMITTED)),
)
"""Moves of the household registration between provinces."""
