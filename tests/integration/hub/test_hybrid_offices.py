"""An office with a hybrid key gets and opens content like every other; its key is held to its suite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.keys.folder import make_region_keys, read_region_keys
from adapters.store.opening import open_store
from contracts.errors import ConflictError, ContractError
from contracts.ids import OfficeId, PointId
from contracts.sealing import Associated, RecipientKey, WrappedKey, open_sealed
from contracts.signing import key_id
from contracts.suite import HYBRID, HybridPrivateKey, new_sealing_key, office_key, public_of
from hub.application import Application
from hub.own_batch import HubDraft
from hub.submission import Outcome
from tests.support.audit import audit
from tests.support.batches import Made
from tests.support.matters import notification
from tests.support.world import World


class Ledger:
    """A hub whose origin's household office has rotated to a hybrid key."""

    def __init__(self, folder: Path) -> None:
        self.world = World()
        self.store = open_store(folder / "ledger.sqlite")
        self.application: Application = self.world.found(self.store)
        self.office = self.world.office("45", "COUNTY_PSB_HOUSEHOLD")

    def change(self, **key: object) -> None:
        stream = self.application.directory.stream_of("office", self.office.office)
        body = {"office": self.office.office, "point": None, "areas": None, "key": key}
        self.application.record([HubDraft("OfficeChanged", "DIRECTORY", body, stream_id=stream)])

    def submit(self, made: Made) -> tuple[Outcome, str | None]:
        (answer,) = self.application.submit([self.world.batches[made.region].batch([made])])
        (result,) = answer.results
        return result.outcome, None if result.refusal is None else result.refusal.code


def test_content_reaches_an_office_with_a_hybrid_key(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    private = new_sealing_key(HYBRID)
    public = public_of(private)
    ledger.change(**office_key(public))
    before = notification(ledger.world)
    refused = ledger.submit(before[0]), ledger.submit(before[1])
    new = RecipientKey(ledger.office.office, key_id("office", public), public, HYBRID)
    ledger.world.replace_office(replace(ledger.office, key=new))
    made = notification(ledger.world)
    outcomes = [ledger.submit(one)[0] for one in made[:2]]
    sent = made[1].header
    (ref,) = sent.sealed
    index = ledger.store.recorded([sent.event_id])[sent.event_id]
    envelope = ledger.store.payload(index, 0)
    found = ledger.store.wrapped_key(index, 0, ledger.office.office)
    assert envelope is not None
    assert found is not None
    plaintext = open_sealed(
        envelope=envelope,
        wrapped=WrappedKey(ledger.office.office, *found),
        private=private,
        associated=Associated(sent.stream_id, sent.event_id, ref.profile),
        ref=ref,
    )

    assert refused[1] == (Outcome.REFUSED, "SEALING_KEY_OLD")
    assert outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert plaintext
    audit(ledger.store, ledger.world)


def test_a_key_that_is_not_of_its_suite_is_not_registered(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    right = office_key(public_of(new_sealing_key(HYBRID)))
    for wrong in ({"suite": "HPKE_X25519"}, {"mlkem_key": None}, {"mlkem_key": b"\xff" * 1184}):
        with pytest.raises(ContractError) as error:
            ledger.change(**right | wrong)
        assert error.value.code in {"BODY_FIELD", "KEY_UNSAFE"}


def test_half_of_a_key_has_its_holder_already(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    private = new_sealing_key(HYBRID)
    assert isinstance(private, HybridPrivateKey)
    ledger.change(**office_key(public_of(private)))
    with pytest.raises(ConflictError) as error:
        ledger.change(**office_key(public_of(private.x25519)))

    assert error.value.code == "DIRECTORY_TAKEN"


def test_hybrid_keys_are_kept_in_files_and_read_again(tmp_path: Path) -> None:
    office = OfficeId("oabcd1234")
    made = make_region_keys(tmp_path / "keys", offices=[office], points=[PointId("44-node")], suite=HYBRID)
    read = read_region_keys(tmp_path / "keys")

    assert isinstance(read.offices[office], HybridPrivateKey)
    assert public_of(read.offices[office]) == public_of(made.offices[office])
