"""Ids are UUIDv7 and codes of fixed form (DOMAIN 3.1, 3.4; RFC 9562, 5.7)."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import HUB_OFFICE, HUB_PRODUCER, REGIONS, is_office_id, is_point_id, is_uuid7, uuid7, uuid7_ms


@given(st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10))
def test_every_built_id_is_a_uuid_of_version_seven_and_keeps_its_time(unix_ms: int, entropy: bytes) -> None:
    value = uuid7(unix_ms=unix_ms, entropy=entropy)

    assert is_uuid7(value)
    assert uuid7_ms(value) == unix_ms
    assert uuid.UUID(bytes=value).version == 7
    assert uuid.UUID(bytes=value).variant == uuid.RFC_4122


def test_the_example_of_the_rfc_is_recognised() -> None:
    """RFC 9562, appendix A.6."""
    value = uuid.UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F").bytes

    assert is_uuid7(value)
    assert uuid7_ms(value) == 0x017F22E279B0


def test_later_ids_sort_later() -> None:
    assert uuid7(unix_ms=5, entropy=b"\xff" * 10) < uuid7(unix_ms=6, entropy=bytes(10))


def test_other_versions_variants_and_lengths_are_not_ids() -> None:
    good = uuid7(unix_ms=1, entropy=bytes(10))

    assert not is_uuid7(good[:15])
    assert not is_uuid7(good + b"\x00")
    assert not is_uuid7(uuid.UUID(int=1 << 64 | 4 << 76, version=4).bytes)
    assert not is_uuid7(good[:8] + b"\x00" + good[9:])


def test_wrong_arguments_are_errors_of_the_caller() -> None:
    with pytest.raises(ValueError, match="entropy"):
        uuid7(unix_ms=0, entropy=b"short")
    with pytest.raises(ValueError, match="milliseconds"):
        uuid7(unix_ms=1 << 48, entropy=bytes(10))


def test_the_eleven_regions_are_those_of_the_domain() -> None:
    assert len(set(REGIONS)) == 11
    assert list(REGIONS) == sorted(REGIONS)


@pytest.mark.parametrize("value", [HUB_OFFICE, "o0123abcz", "ojkmnpqrs"])
def test_office_ids_are_crockford_base_32_in_lower_case(value: str) -> None:
    assert is_office_id(value)


@pytest.mark.parametrize(
    "value", ["", "o", "o0000000", "o000000000", "x00000000", "o0000000I", "oilllllll", "o0000000\n"]
)
def test_other_forms_are_not_office_ids(value: str) -> None:
    assert not is_office_id(value)


@pytest.mark.parametrize("value", [HUB_PRODUCER, "44-node", "44-440106", "81-node"])
def test_points_are_a_node_or_a_county_of_a_region(value: str) -> None:
    assert is_point_id(value)


@pytest.mark.parametrize(
    "value", ["", "44", "44-hub", "00-node", "11-node", "44-450106", "44-44010", "44-node\n", "44-４40106"]
)
def test_other_forms_are_not_points(value: str) -> None:
    assert not is_point_id(value)
