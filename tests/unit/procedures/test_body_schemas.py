"""Each event of the procedures has a body schema that takes its valid body and gives it back (DOMAIN 5.2)."""

from typing import Any

import pytest

from contracts.procedure import load_procedures
from contracts.procedure_types import body_schema
from contracts.schema import load_registry
from tests.unit.procedures.scene import BODIES

DIRECTORY = load_procedures()["DIRECTORY", 1].events


def test_every_event_outside_the_directory_has_a_body_on_the_stage() -> None:
    events = {event for procedure in load_procedures().values() for event in procedure.events}

    assert events - DIRECTORY == set(BODIES)


@pytest.mark.parametrize("event", sorted(BODIES))
def test_a_valid_body_is_encoded_and_decoded(event: str) -> None:
    registry = load_registry()
    codec = registry.by_name(body_schema(event))

    name, body = registry.decode_body(codec.encode_single(dict(BODIES[event])))

    assert name == body_schema(event)
    assert body == BODIES[event]


@pytest.mark.parametrize("event", sorted(BODIES))
def test_every_field_of_a_body_is_explained(event: str) -> None:
    schema: Any = load_registry().by_name(body_schema(event)).schema

    assert schema["doc"]
    assert all(field.get("doc") for field in schema["fields"])


def test_a_suppressed_notice_tells_no_ground() -> None:
    """A safety hold is P3: nothing in the clear may hint at it (DOMAIN 7.5)."""
    schema: Any = load_registry().by_name("pprd.v1.ResidenceNoticeSuppressedBody").schema

    assert schema["fields"] == []
