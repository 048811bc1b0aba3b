"""What the hub itself records is checked like everything else, and before anything is recorded (DOMAIN 5.2)."""

from pathlib import Path

import pytest

from adapters.store.opening import open_store
from contracts.errors import ConflictError, ContractError
from hub.own_batch import HubDraft
from tests.support.world import World


def test_a_draft_whose_body_has_a_wrong_form_is_not_recorded_at_all(place: Path) -> None:
    world, store = World(), open_store(place)
    application = world.found(store)
    size = store.size()
    region = HubDraft("RegionRegistered", "DIRECTORY", {"region": "Zhang San"})

    with pytest.raises(ContractError, match="BODY_FIELD") as caught:
        application.record([region])

    assert caught.value.field == "region"
    assert store.size() == size


def test_a_refused_draft_is_told_by_the_family_of_its_code(place: Path) -> None:
    world, store = World(), open_store(place)
    application = world.found(store)

    with pytest.raises(ConflictError, match="DIRECTORY_TAKEN"):
        application.record([HubDraft("RegionRegistered", "DIRECTORY", {"region": "44"})])
