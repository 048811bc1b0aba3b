"""What the demonstration seals, by profile: the fields of DOMAIN 9.4 and nothing else, every person synthetic.

Values that begin with `@` are filled in by `adapters.demo.script`; a step's `says` stands in for single fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

CONTENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "NP-RES": {"identity": "@identity", "county": "@county.here", "date": "@start", "change": "STARTED"},
    "NP-DEATH": {"identity": "@identity", "date": "@day", "certificate_number": "@number"},
    "NP-CORRECTION": {
        "stream_id": "@stream",
        "correction_code": "22",
        "old_value": "@name",
        "new_value": "@name.corrected",
    },
    "NP-HM-ADMIT": {
        "members": [{"identity": "@identity", "sex": "9"}, {"identity": "@identity.other", "sex": "9"}],
        "origin_address": "@division.there",
        "household_number": "@number",
        "ground": "@began.ground",
        "certificate_number": "@number",
        "certificate_expires_on": "@day+40",
    },
    "NP-HM-ORIGIN": {
        "stream_id": "@stream",
        "result": "VERIFIED",
        "certificate_number": None,
        "certificate_expires_on": None,
        "reason": None,
    },
    "NP-HM-SETTLED": {"stream_id": "@stream", "date": "@day", "county": "@county.here"},
    "NP-RP-HISTORY": {
        "identity": "@identity",
        "permit_number": "@number",
        "issued_on": ["@start+10"],
        "endorsed_on": [],
        "suspended_on": [],
    },
    "NP-WP-REGION": {
        "identity": "@identity",
        "country": "UTO",
        "permit_number": "@number",
        "permit_expires_on": "@fact.expires_on",
        "category": "@began.category",
        "employer_code": "@employer",
        "start_date": "@day",
    },
    "NP-FACT": {"identity": "@identity", "question": None, "answer": None},
    "NP-COR-ASK": {
        "identity": "@identity",
        "proposed_address": "演示路1号",
        "ground": "@began.ground",
        "household_or_employer": "演示用人单位",
        "measure": "SUSPENDED_SENTENCE",
        "end_date": "@start+500",
        "bans": [],
    },
    "NP-COR-OPINION": {"stream_id": "@stream", "opinion": "DISAGREE", "reasons": "接收地住所不稳定，理由已书面说明"},
    "NP-COR-COPY": {"identity": "@identity", "documents": "@documents.legal"},
    "NP-COR-FILE": {"part": "@part", "parts": "@parts", "hash_list": "@hashes", "documents": "@documents.part"},
    "NP-COR-STATUS": {"stream_id": "@stream", "state": "REPORTED", "date": "@day"},
    "NP-RLS-COUNTY": {
        "identity": "@identity",
        "release_date": "@start+30",
        "place_of_release": "演示监所",
        "family_contact": None,
        "needs": ["HOUSING", "WORK"],
        "way_of_return": "NOT_AGREED",
    },
    "NP-RLS-LOCAL": {
        "identity": "@identity",
        "release_date": "@start+30",
        "way_of_return": "NOT_AGREED",
        "needs": ["HOUSING", "WORK"],
    },
    "NP-RLS-REG": {
        "identity": "@identity",
        "release_date": "@start+30",
        "certificate_number": "@number",
        "former_address": "@division.there",
    },
    "NP-RLS-MINOR": {
        "identity": "@identity",
        "release_date": "@start+30",
        "guardians": [],
        "who_fetches": "CIVIL_AFFAIRS",
    },
    "NP-RLS-ASSESS": {
        "stream_id": "@stream",
        "skills": ["演示技能"],
        "schooling": "演示学业",
        "needs": ["WORK"],
        "recommendations": "演示建议",
        "health": None,
    },
    "NP-RLS-ASSESS-LOCAL": {"stream_id": "@stream", "needs": ["WORK"], "recommendations": "演示建议"},
    "NP-RLS-ASSESS-REG": {
        "stream_id": "@stream",
        "assessment_delivered": True,
        "delivered_to": ["COUNTY_RESETTLEMENT", "JUDICIAL_OFFICE"],
        "date": "@day",
    },
    "NP-RLS-STATUS": {"stream_id": "@stream", "state": "CONFIRMED", "date": "@day", "way_of_return": "NOT_AGREED"},
    "NP-DRG": {
        "identity": "@identity",
        "start_date": "@start-100",
        "end_date": "@start+900",
        "agreement": "演示协议",
        "services": ["演示服务"],
    },
    "NP-MIN-TRACE": {"name_as_given": "@name", "apparent_age": 9, "home_facts": "演示线索"},
    "NP-MIN-HOME": {"stream_id": "@stream", "result": "SAFE", "conditions": "演示条件"},
    "NP-MIN-RETURN": {
        "identity": "@identity",
        "receiver": "@identity.other",
        "relation": "51",
        "date": "@day",
        "needs": ["SCHOOLING"],
    },
    "NP-ORDER": {"stream_id": "@about", "order": "ANSWER", "due_date": "@day+10"},
}
"""The contents of each profile."""
