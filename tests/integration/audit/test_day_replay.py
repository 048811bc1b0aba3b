"""A matter on any day: as recorded, as occurred, as one office knew it (LEDGER 10, DOMAIN 9.5)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.nats.messages import encode_receipt
from adapters.store.opening import open_store
from adapters.store.relay_store import SqliteRelayStore
from contracts.errors import EvidenceError
from contracts.hiding import load_hiding
from contracts.ids import Hash, KeyId, LeafIndex, OfficeId, PointId
from contracts.instant import DAY_MS
from hub.day_replay import Acknowledged, By, DayReplay, Past, Standing, Told, counted
from hub.delivery_receipt import DeliveryReceipt, sign_receipt
from tests.support.delivering_ledger import DeliveringLedger
from tests.support.matters import notification
from tests.support.order_matters import seal_order
from tests.support.world import MORNING_MS, World

POINT = PointId("45-node")


class Days:
    """A ledger that recorded one event of a notice a day, and the office that was told on the second."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "hub").mkdir(parents=True)
        self.store = open_store(folder / "hub" / "ledger.sqlite")
        self.ledger = DeliveringLedger(self.store)
        self.world: World = self.ledger.world
        self.made = notification(self.world, "44", "45")
        self.origin = self.world.office("45", "COUNTY_PSB_HOUSEHOLD").office
        for one in self.made:
            self.ledger.record([one])
            self.world.clock.advance(DAY_MS)

    @property
    def stream_id(self) -> bytes:
        """The notice."""
        return self.made[0].header.stream_id

    def receipt(self, n: int, day: int) -> DeliveryReceipt:
        """The region of the origin signs on a day."""
        gateway = self.world.gateways[POINT[:2]]
        (run,) = self.store.runs(POINT, n, 1)
        return sign_receipt(
            point=POINT,
            n=n,
            head=run.head_after,
            received_ms=MORNING_MS + day * DAY_MS,
            key_id=gateway.key_id("receipt"),
            private=gateway.keys["receipt"],
        )

    def replay(self, **only: object) -> DayReplay:
        """The whole ledger, derived."""
        replay = DayReplay(self.world.rules, load_hiding(), **only)  # type: ignore[arg-type]
        for entry in self.store.entries(LeafIndex(0), LeafIndex(self.store.size())):
            replay.take(entry)
        return replay

    def known(self, day: int, receipts: Sequence[DeliveryReceipt]) -> Standing | None:
        """What the origin knew of the notice at the end of a day."""
        replay = self.replay(stream_id=self.stream_id, office=self.origin)
        acknowledged = Acknowledged(replay.check_receipts(receipts))
        return next(replay.standings(By.KNOWN, MORNING_MS + day * DAY_MS + DAY_MS // 2, acknowledged), None)


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path / "data")


def test_what_was_recorded_by_a_day_is_all_before_it(days: Days) -> None:
    replay = days.replay(stream_id=days.stream_id)

    states = [
        [standing.state for standing in replay.standings(By.RECORDED, MORNING_MS + day * DAY_MS)]
        for day in range(-1, 4)
    ]

    assert states == [[], ["PREPARED"], ["SENT"], ["DELIVERED"], ["ACKNOWLEDGED"]]


def test_what_had_occurred_by_a_day_counts_whenever_it_was_recorded(days: Days) -> None:
    """All four events occurred on the first morning; three were recorded on later days."""
    replay = days.replay(stream_id=days.stream_id)

    (recorded,) = replay.standings(By.RECORDED, MORNING_MS)
    (occurred,) = replay.standings(By.OCCURRED, MORNING_MS)

    assert (len(recorded.events), len(occurred.events), occurred.state) == (1, 4, "ACKNOWLEDGED")


def test_an_office_knows_what_its_region_has_signed_for_and_not_before(days: Days) -> None:
    receipts = [days.receipt(1, 1)]

    nothing, sent = days.known(0, receipts), days.known(1, receipts)

    assert nothing is None
    assert sent is not None
    assert (sent.state, [past.event_type for past in sent.events], sent.between) == ("SENT", ["ResidenceNoticeSent"], 1)


def test_without_a_receipt_an_office_knows_only_what_it_made(days: Days) -> None:
    standing = days.known(9, [])

    assert standing is not None
    assert {past.office for past in standing.events} == {days.origin}


def test_a_receipt_from_before_the_recording_makes_nobody_know_the_future(days: Days) -> None:
    """A region's clock may go wrong: what was not recorded was not known."""
    early = [days.receipt(1, -5)]

    assert days.known(0, early) is None
    assert days.known(1, early) is not None


def test_a_receipt_for_another_head_or_by_another_key_stops_the_replay(days: Days) -> None:
    replay = days.replay()
    good = days.receipt(1, 1)

    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        replay.check_receipts([good._replace(received_ms=1)])
    gateway = days.world.gateways[POINT[:2]]
    other = sign_receipt(
        point=POINT,
        n=1,
        head=Hash(bytes(32)),
        received_ms=1,
        key_id=gateway.key_id("receipt"),
        private=gateway.keys["receipt"],
    )
    with pytest.raises(EvidenceError, match="HEAD_MISMATCH"):
        replay.check_receipts([other])


def test_a_matter_that_was_ordered_sealed_is_as_if_it_never_was(tmp_path: Path) -> None:
    days = Days(tmp_path / "data")
    made = seal_order(days.world)
    for one in made:
        days.ledger.record([one])
    target = made[0].header.stream_id

    replay = days.replay()
    found = {s.stream_id for by in By for s in replay.standings(by, days.world.clock.now_ms() + DAY_MS)}

    assert days.stream_id in found
    assert target not in found


def test_the_program_answers_for_people_and_machines_and_hides_what_is_sealed(tmp_path: Path) -> None:
    days = Days(tmp_path / "data")
    with SqliteRelayStore(days.folder / "relay" / "relay.sqlite") as relay:
        receipt = days.receipt(1, 1)
        relay.keep_receipt(receipt, encode_receipt(receipt))
    made = seal_order(days.world)
    for one in made:
        days.ledger.record([one])
    base = ["replay", "--data", str(days.folder), "--office", days.origin]
    stream = ["--stream", str(UUID(bytes=days.stream_id))]

    before = CliRunner().invoke(app, [*base, *stream, "--at", "2026-03-02"])
    after = CliRunner().invoke(app, [*base, *stream, "--at", "2026-03-03", "--json"])
    sealed = CliRunner().invoke(
        app, [*base, "--stream", str(UUID(bytes=made[0].header.stream_id)), "--at", "2026-04-01", "--by", "recorded"]
    )
    unknown = CliRunner().invoke(app, [*base, "--stream", str(UUID(int=7)), "--at", "2026-04-01", "--by", "recorded"])

    assert (before.exit_code, "NOT_FOUND" in before.output) == (3, True)
    assert (after.exit_code, '"state": "SENT"' in after.output) == (0, True)
    assert (sealed.exit_code, sealed.output) == (3, unknown.output)


# -- the rules themselves, on any past

_OFFICES = [OfficeId("a"), OfficeId("b")]
_TIMES = st.integers(0, 20)


@st.composite
def pasts(draw: st.DrawFn) -> list[Past]:
    """Events of one matter in the order of recording, told to some of two offices of one point."""
    recorded = sorted(draw(st.lists(_TIMES, min_size=1, max_size=8)))
    found, n = [], 0
    for seq, at in enumerate(recorded):
        told = draw(st.sets(st.sampled_from(_OFFICES)))
        n += bool(told)
        found.append(
            Past(
                LeafIndex(seq),
                seq,
                "Event",
                f"STATE_{seq}",
                draw(_TIMES),
                at,
                draw(st.sampled_from([*_OFFICES, OfficeId("c")])),
                {office: Told(POINT, n) for office in told},
            )
        )
    return found


RECEIPTS = st.lists(
    st.builds(
        lambda n, at: DeliveryReceipt(POINT, n, Hash(bytes(32)), at, KeyId(bytes(8)), bytes(64)),
        st.integers(1, 9),
        _TIMES,
    ),
    max_size=8,
)


@given(pasts(), RECEIPTS, _TIMES, _TIMES)
def test_what_is_known_is_recorded_and_later_nothing_is_known_less(
    events: list[Past], receipts: list[DeliveryReceipt], one: int, other: int
) -> None:
    early, late = sorted((one, other))
    acknowledged = Acknowledged(receipts)

    known = [set(counted_seqs(events, By.KNOWN, at, acknowledged)) for at in (early, late)]
    recorded = [set(counted_seqs(events, By.RECORDED, at, acknowledged)) for at in (early, late)]
    occurred = [set(counted_seqs(events, By.OCCURRED, at, acknowledged)) for at in (early, late)]

    assert known[0] <= recorded[0]
    assert known[1] <= recorded[1]
    for now, then in (known, recorded, occurred):
        assert now <= then


def counted_seqs(events: list[Past], by: By, at: int, acknowledged: Acknowledged) -> list[int]:
    """Places of the events that count for the first office."""
    return [past.seq for past in counted(events, by, at, office="a", acknowledged=acknowledged)]


@given(pasts(), RECEIPTS, _TIMES)
def test_nobody_knows_what_he_neither_made_nor_was_told_and_signed_for(
    events: list[Past], receipts: list[DeliveryReceipt], at: int
) -> None:
    for past in counted(events, By.KNOWN, at, office="a", acknowledged=Acknowledged(receipts)):
        told = past.told.get(_OFFICES[0])
        signed = told is not None and any(row.n >= told.n and row.received_ms <= at for row in receipts)
        assert past.office == "a" or signed
