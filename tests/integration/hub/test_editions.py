"""Editions live side by side: old matters keep their rules, new ones get the new, and the audit agrees (DOMAIN 4.1)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.region.composer import Composer
from adapters.region.draft import Draft
from adapters.store.opening import open_store
from contracts.edition import Contracts
from contracts.errors import ConflictError, ExchangeError, FatalError, RuleError
from contracts.event import encode_event
from contracts.ids import LeafIndex, RegionCode
from contracts.instant import DAY_MS
from hub.application import Application
from hub.audit_errors import UnexplainedError
from hub.matter import unpack
from hub.own_batch import HubDraft
from hub.replay import Replay
from hub.submission import EventResult, Outcome
from tests.support.audit import MemoryShelf, audit
from tests.support.batches import Made
from tests.support.matters import correction
from tests.support.second_edition import two_editions
from tests.support.world import World


class Ledger:
    """A hub that knows two editions, founded under the first."""

    def __init__(self, path: Path, contracts: Contracts) -> None:
        self.path = path
        self.world = World(contracts=contracts)
        self.store = open_store(path)
        self.application: Application = self.world.found(self.store)

    def submit(self, made: Made) -> EventResult:
        """What becomes of one event."""
        (answer,) = self.application.submit([self.world.batches[made.region].batch([made])])
        return answer.results[0]

    def record(self, events: list[Made]) -> list[Made]:
        """Record events one after another."""
        for made in events:
            result = self.submit(made)
            assert (result.outcome, result.refusal) == (Outcome.ACCEPTED, None)
        return events

    def asked(self, edition: int) -> list[Made]:
        """A transfer under an edition, as far as the question to the new county."""
        self.world.edition = edition
        events = correction(self.world)
        self.record(events[:2])
        return events

    def missed(self) -> int:
        """Duties recorded as missed by now."""
        return self.application.run_timers()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.sqlite", two_editions(tmp_path / "2"))
    yield ledger
    audit(ledger.store, ledger.world)
    ledger.store.close()


def code_of(result: EventResult) -> str | None:
    return None if result.refusal is None else result.refusal.code


def test_an_old_matter_keeps_its_limit_and_a_new_one_gets_the_new(ledger: Ledger) -> None:
    old = ledger.asked(1)
    ledger.application.record([ledger.world.adoption(2, "2026-03-02")])
    new = ledger.asked(2)
    ledger.world.clock.ms += 4 * DAY_MS

    assert ledger.missed() == 1
    ledger.world.clock.ms += 4 * DAY_MS
    assert ledger.missed() == 1

    matters = ledger.store.matters([old[0].header.stream_id, new[0].header.stream_id])
    assert sorted(unpack(packed).edition for packed in matters.values()) == [1, 2]
    ledger.record(old[2:])
    ledger.record(new[2:])


def test_both_editions_take_new_matters_until_one_is_retired_and_then_old_matters_go_on(ledger: Ledger) -> None:
    world = ledger.world
    ledger.application.record([world.adoption(1, "2026-03-02"), world.adoption(2, "2026-03-02")])
    old = ledger.asked(1)
    ledger.asked(2)
    ledger.application.record([world.retirement(1, "2026-03-03")])
    ledger.asked(1)
    world.clock.ms += DAY_MS
    world.edition = 1
    late = correction(world)[0]

    result = ledger.submit(late)

    assert (code_of(result), result.refusal and result.refusal.field) == ("EDITION_NOT_IN_FORCE", "edition")
    ledger.record(old[2:])
    ledger.asked(2)
    ledger.application.publish_heads()
    assert ledger.application.directory.editions.newest(world.clock.now_ms(), world.rules.editions) == 2


def test_nothing_begins_under_an_edition_before_its_day(ledger: Ledger) -> None:
    world = ledger.world
    world.edition = 2
    assert code_of(ledger.submit(correction(world)[0])) == "EDITION_NOT_IN_FORCE"
    ledger.application.record([world.adoption(2, "2026-03-03")])
    assert code_of(ledger.submit(correction(world)[0])) == "EDITION_NOT_IN_FORCE"
    world.clock.ms += DAY_MS
    assert code_of(ledger.submit(correction(world)[0])) is None


def test_a_matter_cannot_change_its_edition(ledger: Ledger) -> None:
    ledger.application.record([ledger.world.adoption(2, "2026-03-02")])
    events = ledger.asked(1)
    header = events[2].header._replace(edition=2)

    result = ledger.submit(events[2]._replace(header=header, event=encode_event(header)))

    assert code_of(result) == "EVENT_NOT_OF_PROCEDURE"


def refusal(ledger: Ledger, draft: HubDraft) -> ExchangeError:
    with pytest.raises(ExchangeError) as caught:
        ledger.application.record([draft])
    return caught.value


def test_what_cannot_be_adopted_or_retired_is_refused_with_a_code(ledger: Ledger) -> None:
    world, application = ledger.world, ledger.application
    adoption = world.adoption(2, "2026-03-02")
    other = {**adoption.body, "manifest_hash": bytes(32)}
    unknown = {**adoption.body, "edition": 3}

    assert refusal(ledger, HubDraft("EditionAdopted", "DIRECTORY", other)).code == "EDITION_UNKNOWN"
    assert refusal(ledger, HubDraft("EditionAdopted", "DIRECTORY", unknown)).code == "EDITION_UNKNOWN"
    past = world.adoption(2, "2026-03-01")
    assert refusal(ledger, past).code == "GUARD_FAILED"
    application.record([world.adoption(1, "2026-03-02")])
    assert refusal(ledger, world.retirement(1, "2026-03-02")).code == "EDITION_NEEDED"
    application.record([adoption])
    again = HubDraft("EditionAdopted", "DIRECTORY", adoption.body)
    assert isinstance(refusal(ledger, again), ConflictError)
    application.record([world.retirement(1, "2026-03-04")])
    assert refusal(ledger, world.retirement(2, "2026-03-05")).code == "EDITION_NEEDED"


def test_a_hub_whose_release_lacks_an_adopted_edition_does_not_start(ledger: Ledger) -> None:
    ledger.application.record([ledger.world.adoption(2, "2026-03-02")])

    with pytest.raises(FatalError, match="EDITION_MISMATCH"):
        World().load(ledger.store)


def test_an_auditor_without_the_edition_says_so_at_the_entry_that_adopts_it(ledger: Ledger) -> None:
    (index,) = ledger.application.record([ledger.world.adoption(2, "2026-03-02")])
    replay = Replay(rules=World().rules, shelf=MemoryShelf())

    with pytest.raises(UnexplainedError, match="EDITION_UNKNOWN") as caught:
        replay.feed_all(ledger.store.entries(LeafIndex(0), LeafIndex(ledger.store.size())))

    assert caught.value.index == index


def composer(ledger: Ledger, world: World) -> Composer:
    """A gateway's composer with the ledger's directory and the release of a world."""
    return Composer(
        rules=world.rules,
        directory=ledger.application.directory,
        batch_key=world.gateways[RegionCode("44")].key_id("batch"),
        clock=ledger.world.clock,
    )


def test_a_gateway_without_the_edition_in_force_says_so_and_with_it_uses_it(ledger: Ledger) -> None:
    world = ledger.world
    office = world.office("44", "JUDICIAL_OFFICE")
    draft = Draft(
        ref="r1",
        office=office.office,
        procedure="CORRECTION_TRANSFER",
        event_type="TransferRequested",
        occurred_at=world.clock.now_ms(),
        body={"notice_id": world.fresh_id().hex(), "ground": "FAMILY", "papers": ["APPLICATION"]},
    )
    ledger.application.record([world.adoption(1, "2026-03-02"), world.adoption(2, "2026-03-02")])
    assert composer(ledger, World()).compose_unchecked(draft, None).header.edition == 1
    assert composer(ledger, world).compose_unchecked(draft, None).header.edition == 2
    ledger.application.record([world.retirement(1, "2026-03-02")])

    with pytest.raises(RuleError, match="EDITION_UNKNOWN") as caught:
        composer(ledger, World()).compose_unchecked(draft, None)

    assert caught.value.field == "edition"
    assert composer(ledger, world).compose_unchecked(draft, None).header.edition == 2
