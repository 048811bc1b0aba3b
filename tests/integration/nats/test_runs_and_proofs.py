"""A run proves each of its notifications to somebody who trusts only the ledger's key, and nothing less passes."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.nats.messages import decode_run, encode_run
from adapters.store.opening import open_store
from contracts.errors import EvidenceError, FatalError
from contracts.ids import Hash, LeafIndex, PointId, TreeSize
from hub.notification import KeyAt, NotificationRun, Received, known_keys, verify_run
from hub.ports import Run
from hub.run_builder import RunBuilder
from hub.submission import Outcome
from ledger.heads import HEAD_ZERO
from ledger.note import NoteSigner
from tests.support.delivering_ledger import DeliveringLedger
from tests.support.matters import notification

pytestmark = pytest.mark.integration

Change = Callable[[NotificationRun], NotificationRun]


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeliveringLedger]:
    """Commits of many sizes: single events, whole batches, several batches, batches with refused events."""
    store = open_store(tmp_path_factory.mktemp("runs") / "ledger.sqlite")
    ledger = DeliveringLedger(store)
    ledger.notices(300, origin="45")
    ledger.notices(40, destination="43", origin="44")
    for _ in range(3):
        ledger.case()
    refuse_some(ledger)
    ledger.notices(1)
    yield ledger
    store.close()


def refuse_some(ledger: DeliveringLedger) -> None:
    """A batch whose every third event is refused, so that positions and indexes part."""
    matters = [notification(ledger.world) for _ in range(9)]
    ledger.record([matter[0] for matter in matters])
    broken = [matter[2] if at % 3 == 0 else matter[1] for at, matter in enumerate(matters)]
    (answer,) = ledger.application.submit([ledger.world.batches["44"].batch(broken)])
    assert [result.outcome for result in answer.results].count(Outcome.REFUSED) == 3


def test_a_run_from_before_a_revocation_stays_good(tmp_path: Path) -> None:
    """A key is judged at the index of the event: what it signed before it was revoked goes on to verify."""
    store = open_store(tmp_path / "ledger.sqlite")
    ledger = DeliveringLedger(store)
    ledger.notices(1)
    ledger.application.record([ledger.world.revocation("44")])
    run = RunBuilder(store).build(all_runs(ledger)[0])

    assert len(check(ledger, run, HEAD_ZERO)) == 1
    store.close()


def all_runs(ledger: DeliveringLedger) -> list[Run]:
    return [run for _, run in ledger.store.runs_after(0, 10_000)]


def keys_of(ledger: DeliveringLedger) -> KeyAt:
    return known_keys(ledger.application.directory)


def check(ledger: DeliveringLedger, run: NotificationRun, known_head: Hash) -> list[Received]:
    return verify_run(
        run, point=PointId("45-node"), known_head=known_head, verifier=ledger.world.verifier, key_at=keys_of(ledger)
    )


def test_every_run_of_a_ledger_verifies_and_their_heads_follow_each_other(delivered: DeliveringLedger) -> None:
    """LEDGER 10: counters without gap, heads from zero to the ledger's own."""
    builder, standings = RunBuilder(delivered.store), dict[PointId, tuple[int, Hash]]()

    for run in all_runs(delivered):
        n, head = standings.get(run.point, (0, HEAD_ZERO))
        received = verify_run(
            decode_run(encode_run(builder.build(run))),
            point=run.point,
            known_head=head,
            verifier=delivered.world.verifier,
            key_at=keys_of(delivered),
        )
        assert [one.n for one in received] == list(range(n + 1, n + 1 + len(run.indexes)))
        assert [one.leaf_index for one in received] == list(run.indexes)
        standings[run.point] = (received[-1].n, received[-1].head)

    assert standings == delivered.store.heads()
    assert max(len(run.indexes) for run in all_runs(delivered)) == 256


def test_a_run_is_the_same_whenever_and_by_whomever_it_is_built(delivered: DeliveringLedger) -> None:
    """What the relay publishes, what it publishes again and what `GetRuns` answers are one."""
    runs = all_runs(delivered)
    in_order = RunBuilder(delivered.store)
    expected = [in_order.build(run) for run in runs]
    shuffled = random.Random(7).sample(range(len(runs)), len(runs))

    again = RunBuilder(delivered.store)

    assert {at: again.build(runs[at]) for at in shuffled} == dict(enumerate(expected))


def test_a_row_that_the_ledger_does_not_bear_out_is_damage(delivered: DeliveringLedger) -> None:
    run = all_runs(delivered)[0]

    for wrong in (
        run._replace(size=TreeSize(run.size + 1)),
        run._replace(indexes=(run.indexes[0] - 1, *run.indexes[1:])),
        run._replace(indexes=(0,)),
    ):
        with pytest.raises(FatalError, match="STORE_DAMAGED"):
            RunBuilder(delivered.store).build(wrong)


@pytest.fixture(scope="module")
def good(delivered: DeliveringLedger) -> NotificationRun:
    """The second run of three hundred notices of one commit: 44 of them, from the two batches of that commit."""
    return RunBuilder(delivered.store).build(delivered.store.runs(PointId("45-node"), 257, 1)[0])


def flip(data: bytes, at: int = -1) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def on_first(**changes: Callable[[NotificationRun], Any]) -> Change:
    """Change fields of a run's first notification."""

    def change(run: NotificationRun) -> NotificationRun:
        made: dict[str, Any] = {name: make(run) for name, make in changes.items()}
        first = run.notifications[0]._replace(**made)
        return run._replace(notifications=(first, *run.notifications[1:]))

    return change


def on_batch(at: int) -> Change:
    """Change one byte of the batch entry, counted from its end."""

    def change(run: NotificationRun) -> NotificationRun:
        batch = run.batches[0]
        return run._replace(batches=(batch._replace(entry=flip(batch.entry, at)), *run.batches[1:]))

    return change


CHANGES: dict[str, tuple[Change, set[str]]] = {
    "another point": (lambda run: run._replace(point=PointId("44-node")), {"RUN_INVALID"}),
    "no notification": (lambda run: run._replace(notifications=()), {"RUN_INVALID"}),
    "counters from zero": (lambda run: run._replace(first_n=0), {"RUN_INVALID"}),
    "counters beyond all": (lambda run: run._replace(first_n=(1 << 63) - 2), {"RUN_INVALID"}),
    "counters shifted": (lambda run: run._replace(first_n=run.first_n + 1), {"HEAD_MISMATCH"}),
    "another head before": (lambda run: run._replace(head_before=Hash(flip(run.head_before))), {"HEAD_MISMATCH"}),
    "another head after": (lambda run: run._replace(head_after=Hash(flip(run.head_after))), {"HEAD_MISMATCH"}),
    "one left out": (lambda run: run._replace(notifications=run.notifications[1:]), {"HEAD_MISMATCH"}),
    "one twice": (
        lambda run: run._replace(notifications=(run.notifications[0], *run.notifications)),
        {"RUN_INVALID"},
    ),
    "two exchanged": (lambda run: run._replace(notifications=run.notifications[1::-1]), {"RUN_INVALID"}),
    "too many": (lambda run: run._replace(notifications=run.notifications * 6), {"RUN_INVALID"}),
    "no such batch": (on_first(batch=lambda run: len(run.batches)), {"RUN_INVALID"}),
    "an event changed": (on_first(event=lambda run: flip(run.notifications[0].event)), {"INCLUSION_INVALID"}),
    "another event": (on_first(event=lambda run: run.notifications[1].event), {"INCLUSION_INVALID"}),
    "no event": (on_first(event=lambda run: b"\0" * 70_000), {"RUN_INVALID"}),
    "another index": (on_first(leaf_index=lambda run: run.notifications[0].leaf_index - 1), {"INCLUSION_INVALID"}),
    "an index beyond": (
        lambda run: run._replace(notifications=(run.notifications[0]._replace(leaf_index=LeafIndex(1 << 40)),)),
        {"INCLUSION_INVALID"},
    ),
    "a path changed": (on_first(path=lambda run: flip(run.notifications[0].path)), {"INCLUSION_INVALID"}),
    "a path cut": (on_first(path=lambda run: run.notifications[0].path[:-32]), {"INCLUSION_INVALID"}),
    "half a hash": (on_first(path=lambda run: run.notifications[0].path + b"\0"), {"INCLUSION_INVALID"}),
    "another place": (on_first(position=lambda run: run.notifications[0].position + 1), {"INCLUSION_INVALID"}),
    "a place too early": (on_first(position=lambda run: 0), {"INCLUSION_INVALID", "RUN_INVALID"}),
    "a batch path changed": (
        on_first(batch_path=lambda run: flip(run.notifications[0].batch_path)),
        {"INCLUSION_INVALID"},
    ),
    "a batch of another place": (
        lambda run: run._replace(batches=(run.batches[0]._replace(leaf_index=LeafIndex(3)),)),
        {"RUN_INVALID"},
    ),
    "no batch entry": (
        lambda run: run._replace(batches=(run.batches[0]._replace(entry=b"nothing"),)),
        {"RUN_INVALID"},
    ),
    "an event as batch": (
        lambda run: run._replace(batches=(run.batches[0]._replace(entry=run.notifications[0].event),)),
        {"RUN_INVALID"},
    ),
    "another signature": (on_batch(-20), {"SIGNATURE_INVALID", "RUN_INVALID"}),
    "another checkpoint": (lambda run: run._replace(checkpoint=flip(run.checkpoint, 40)), {"SIGNATURE_INVALID"}),
    "no checkpoint": (lambda run: run._replace(checkpoint=b""), {"RUN_INVALID"}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_is_changed_in_a_run_shows(delivered: DeliveringLedger, good: NotificationRun, name: str) -> None:
    change, codes = CHANGES[name]
    assert len(check(delivered, good, good.head_before)) == len(good.notifications)

    with pytest.raises(EvidenceError) as refused:
        check(delivered, change(good), good.head_before)

    assert refused.value.code in codes


def test_a_run_is_believed_only_where_the_region_stands(delivered: DeliveringLedger, good: NotificationRun) -> None:
    with pytest.raises(EvidenceError, match="HEAD_MISMATCH"):
        check(delivered, good, HEAD_ZERO)


def test_a_checkpoint_of_another_key_is_not_believed(delivered: DeliveringLedger, good: NotificationRun) -> None:
    other = NoteSigner(delivered.world.log_signer.name, delivered.world.hub_key).verifier

    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        verify_run(good, point=good.point, known_head=good.head_before, verifier=other, key_at=keys_of(delivered))


@pytest.mark.parametrize("purpose", ["open", "receipt", None])
def test_a_batch_key_must_be_the_producers_own_and_valid(
    delivered: DeliveringLedger, good: NotificationRun, purpose: str | None
) -> None:
    """A key that is unknown or revoked at the event's index, or registered for something else, signs nothing."""
    directory, gateway = delivered.application.directory, delivered.world.gateways[next(iter(delivered.world.gateways))]
    key = None if purpose is None else directory.signing_key(gateway.key_id(purpose), LeafIndex(delivered.store.size()))

    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        verify_run(
            good,
            point=good.point,
            known_head=good.head_before,
            verifier=delivered.world.verifier,
            key_at=lambda key_id, at: key,
        )
