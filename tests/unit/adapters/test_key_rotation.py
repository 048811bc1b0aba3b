"""Replacing a region's key loses no key: not between two steps, and none that something is sealed to."""

from pathlib import Path

import pytest

from adapters.keys.folder import make_region_keys, read_region_keys
from adapters.keys.key_lock import HKDF_SHA256, KeyLock
from adapters.keys.rotation import held_keys, make_first, make_next, switch
from contracts.errors import ExchangeError
from contracts.ids import OfficeId, PointId
from contracts.suite import HYBRID, X25519, public_of

OFFICE, POINT = OfficeId("oabcd1234"), PointId("44-node")
LOCK = KeyLock(HKDF_SHA256, bytes(32))
ROLES = ["batch", "broker", f"office-{OFFICE}", "open", f"point-{POINT}", "receipt"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_region_keys(tmp_path / "keys", offices=[OFFICE], points=[POINT], lock=LOCK)
    return tmp_path / "keys"


def which(folder: Path, role: str) -> list[str]:
    return [held.which for held in held_keys(folder, LOCK) if held.role == role]


@pytest.mark.parametrize("role", ROLES)
def test_a_next_key_waits_and_becomes_the_one_in_use_and_the_other_is_kept(folder: Path, role: str) -> None:
    before = next(held for held in held_keys(folder, LOCK) if held.role == role)
    made = make_next(folder, role, LOCK)
    waiting = which(folder, role)
    used = switch(folder, role, LOCK)

    assert sorted(waiting) == ["", "next"]
    assert used.key_id == made.key_id
    assert which(folder, role) == ["", before.key_id.hex()]
    assert all(held.is_locked for held in held_keys(folder, LOCK))


def test_a_switch_that_stopped_in_the_middle_is_gone_on_with(folder: Path) -> None:
    before = next(held for held in held_keys(folder, LOCK) if held.role == "batch")
    made = make_next(folder, "batch", LOCK)
    (folder / f"batch.{before.key_id.hex()}.key").hardlink_to(folder / "batch.key")
    used = switch(folder, "batch", LOCK)

    assert used.key_id == made.key_id
    assert which(folder, "batch") == ["", before.key_id.hex()]


def test_a_region_reads_all_keys_that_open_and_one_that_signs(folder: Path) -> None:
    first = read_region_keys(folder, LOCK)
    make_next(folder, f"office-{OFFICE}", LOCK, suite=HYBRID)
    make_next(folder, f"point-{POINT}", LOCK)
    made = make_next(folder, "batch", LOCK)
    waiting = read_region_keys(folder, LOCK)
    switch(folder, f"office-{OFFICE}", LOCK)
    switch(folder, "batch", LOCK)
    after = read_region_keys(folder, LOCK)

    assert public_of(waiting.offices[OFFICE]) == public_of(first.offices[OFFICE])
    assert public_of(after.more_offices[OFFICE][0]) == public_of(first.offices[OFFICE])
    assert len(public_of(after.offices[OFFICE])) > 32
    assert len(waiting.more_points[POINT]) == 1
    assert after.batch.public_key().public_bytes_raw() == made.public_raw


def test_an_algorithm_stands_beside_each_key(folder: Path) -> None:
    make_first(folder, "office-oabcd1235", LOCK, suite=HYBRID)
    found = {held.role: held.algorithm for held in held_keys(folder, LOCK)}

    assert found["batch"] == "Ed25519"
    assert found[f"office-{OFFICE}"] == X25519
    assert found["office-oabcd1235"] == HYBRID


@pytest.mark.parametrize(
    ("act", "code"),
    [
        pytest.param(lambda folder: make_next(folder, "batch/../x", LOCK), "KEY_ROLE_UNKNOWN", id="no role"),
        pytest.param(lambda folder: make_next(folder, "office-oabcd1239", LOCK), "KEY_MISSING", id="none to replace"),
        pytest.param(lambda folder: switch(folder, "batch", LOCK), "KEY_MISSING", id="no next one"),
        pytest.param(lambda folder: make_first(folder, "batch", LOCK), "KEY_EXISTS", id="a second first one"),
        pytest.param(
            lambda folder: make_next(folder, f"office-{OFFICE}", LOCK, suite="SM2"), "SUITE_UNKNOWN", id="suite"
        ),
    ],
)
def test_what_cannot_be_done_is_refused_and_leaves_the_folder_as_it_was(folder: Path, act: object, code: str) -> None:
    before = sorted(path.name for path in folder.iterdir())

    assert callable(act)
    with pytest.raises(ExchangeError) as error:
        act(folder)

    assert error.value.code == code
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_second_next_key_does_not_replace_the_one_that_waits(folder: Path) -> None:
    made = make_next(folder, "receipt", LOCK)
    with pytest.raises(ExchangeError, match="KEY_EXISTS"):
        make_next(folder, "receipt", LOCK)

    assert switch(folder, "receipt", LOCK).key_id == made.key_id
