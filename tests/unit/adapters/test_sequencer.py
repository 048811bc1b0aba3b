"""One writer: order, groups, bounds, what happens to those who wait when it stops or fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from functools import partial

import pytest

from adapters.sequencer import MAX_OPENINGS, Sequencer
from contracts.errors import AccessError, ExchangeError, FatalError, UnavailableError
from contracts.ids import KeyId, LeafIndex, OfficeId
from contracts.sealing import WrappedKey
from hub.openings import Each, Opened, OpenRequest
from hub.submission import BatchAnswer, EventReceipt, SubmittedBatch


def batch(name: str, events: int = 1) -> SubmittedBatch:
    return SubmittedBatch(name.encode(), b"", b"", (b"E",) * events)


def request(name: str) -> OpenRequest:
    return OpenRequest(
        request_id=name.encode(),
        event_id=b"",
        ciphertext_hash=b"",
        office="",
        officer=b"",
        role="",
        purpose="",
        reason="",
        reason_commitment=b"",
        approval=b"",
        created_ms=0,
        producer="",
        key_id=b"",
        signature=b"",
    )


class FakeRecorder:
    """Answers with the batch's own header, or the request's id; holds the writer at a gate while it is closed.

    A request called `refused` is refused.
    """

    def __init__(self, *, is_open: bool = True, fails_with: Exception | None = None) -> None:
        self.groups: list[list[str]] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.fails_with = fails_with
        self.asked = threading.Event()
        self.durable = threading.Event()
        self.durable.set()
        self.checkers: set[int] = set()
        self.unfinished = 0
        self.durable_fails_with: Exception | None = None
        if is_open:
            self.gate.set()

    def begin(self, batches: Sequence[SubmittedBatch]) -> Callable[[], list[BatchAnswer]]:
        self.entered.set()
        assert self.gate.wait(10)
        self.threads.add(threading.get_ident())
        self.unfinished += 1
        self.groups.append([b.tbs.decode() for b in batches])
        if self.fails_with is not None:
            raise self.fails_with
        return partial(self.finish, batches)

    def begin_openings(
        self, requests: Sequence[OpenRequest], wait: Callable[[], None], each: Each
    ) -> Callable[[], list[Opened | ExchangeError]]:
        self.asked.set()
        assert [error and error.code for error in each(self.check, requests)] == [
            r.request_id.decode() for r in requests
        ]
        wait()
        assert self.unfinished == 0
        finish = self.begin([batch(r.request_id.decode()) for r in requests])
        return lambda: [self.opened(answer.batch_id) for answer in finish()]

    def check(self, request: OpenRequest) -> ExchangeError | None:
        """A result that says whose it is."""
        self.checkers.add(threading.get_ident())
        return AccessError(request.request_id.decode(), "")

    @staticmethod
    def opened(name: bytes) -> Opened | ExchangeError:
        if name == b"refused":
            return AccessError("OPEN_NO_TASK", "no")
        return Opened(b"", WrappedKey(OfficeId(""), KeyId(b""), b""), EventReceipt(b"", LeafIndex(0), (), b""), name)

    def finish(self, batches: Sequence[SubmittedBatch]) -> list[BatchAnswer]:
        """Make the group durable, unless it is held up or fails."""
        assert self.durable.wait(10)
        self.unfinished -= 1
        if self.durable_fails_with is not None:
            raise self.durable_fails_with
        return [BatchAnswer(b.tbs, None, ()) for b in batches]


def run(test: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 20))


async def held(recorder: FakeRecorder, sequencer: Sequencer) -> asyncio.Future[BatchAnswer]:
    """Let the writer start on a first batch and stand at the gate."""
    first = asyncio.ensure_future(sequencer.submit(batch("first")))
    await asyncio.to_thread(recorder.entered.wait, 10)
    return first


def test_what_waits_while_the_writer_works_becomes_one_group_in_order() -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        async with Sequencer(recorder) as sequencer:
            first = await held(recorder, sequencer)
            waiting = [await sequencer.enqueue(batch(str(number))) for number in range(20)]
            recorder.gate.set()

            answers = [await answer for answer in waiting]

            assert (await first).batch_id == b"first"
            assert [answer.batch_id for answer in answers] == [str(number).encode() for number in range(20)]
        assert recorder.groups == [["first"], [str(number) for number in range(20)]]
        assert len(recorder.threads) == 1
        assert threading.get_ident() not in recorder.threads

    run(scenario)


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ([400, 400, 224, 1], [["0", "1", "2"], ["3"]]),
        ([1000, 25], [["0"], ["1"]]),
        ([2000, 1], [["0"], ["1"]]),
        ([1, 2000, 1], [["0"], ["1"], ["2"]]),
    ],
)
def test_a_group_holds_at_most_1024_events_or_one_larger_batch(sizes: list[int], groups: list[list[str]]) -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        async with Sequencer(recorder) as sequencer:
            await held(recorder, sequencer)
            waiting = [await sequencer.enqueue(batch(str(n), size)) for n, size in enumerate(sizes)]
            recorder.gate.set()
            await asyncio.gather(*waiting)
        assert recorder.groups[1:] == groups

    run(scenario)


def test_a_job_runs_on_the_writers_thread_between_the_groups_before_and_after_it() -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        async with Sequencer(recorder) as sequencer:
            await held(recorder, sequencer)
            before = await sequencer.enqueue(batch("before"))
            job = asyncio.ensure_future(sequencer.call(lambda: (threading.get_ident(), len(recorder.groups))))
            await asyncio.sleep(0)
            after = await sequencer.enqueue(batch("after"))
            recorder.gate.set()

            thread, groups_before = await job

            await before
            await after
            assert {thread} == recorder.threads
            assert groups_before == 2
        assert recorder.groups == [["first"], ["before"], ["after"]]

    run(scenario)


def test_openings_that_wait_share_a_group_and_never_one_with_batches() -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        async with Sequencer(recorder) as sequencer:
            await held(recorder, sequencer)
            names = [str(number) for number in range(MAX_OPENINGS + 1)]
            openings = [asyncio.ensure_future(sequencer.open(request(name))) for name in names]
            await asyncio.sleep(0)
            after = await sequencer.enqueue(batch("after"))
            last = asyncio.ensure_future(sequencer.open(request("last")))
            await asyncio.sleep(0)
            recorder.gate.set()

            opened = await asyncio.gather(*openings)

            await after
            await last
            assert [one.access_event.decode() for one in opened] == names
            assert len(recorder.checkers) == 2
        assert recorder.groups == [["first"], names[:-1], names[-1:], ["after"], ["last"]]

    run(scenario)


def test_a_refused_opening_is_told_to_who_asked_and_its_neighbours_are_given() -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        async with Sequencer(recorder) as sequencer:
            await held(recorder, sequencer)
            asked = [asyncio.ensure_future(sequencer.open(request(name))) for name in ("one", "refused", "two")]
            await asyncio.sleep(0)
            recorder.gate.set()

            told = await asyncio.gather(*asked, return_exceptions=True)

            assert isinstance(told[1], AccessError)
            assert [one.access_event for one in told if isinstance(one, Opened)] == [b"one", b"two"]
            assert not sequencer.failure.done()
        assert recorder.groups == [["first"], ["one", "refused", "two"]]

    run(scenario)


def test_openings_are_looked_at_at_once_and_decided_when_the_commit_before_them_is_durable() -> None:
    """They are read from the store: the recorder of this test asserts that nothing is unfinished then."""

    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        recorder.durable.clear()
        async with Sequencer(recorder) as sequencer:
            first = await held(recorder, sequencer)
            opening = asyncio.ensure_future(sequencer.open(request("opening")))
            await asyncio.sleep(0)
            behind = await sequencer.enqueue(batch("behind"))
            recorder.gate.set()
            assert await asyncio.to_thread(recorder.asked.wait, 10)
            await asyncio.sleep(0.02)

            assert recorder.groups == [["first"]]
            assert not first.done()
            recorder.durable.set()
            await asyncio.gather(first, opening, behind)
        assert recorder.groups == [["first"], ["opening"], ["behind"]]

    run(scenario)


def test_no_opening_is_decided_after_a_commit_that_failed() -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        recorder.durable.clear()
        recorder.durable_fails_with = OSError("disk gone")
        async with Sequencer(recorder) as sequencer:
            first = await held(recorder, sequencer)
            opening = asyncio.ensure_future(sequencer.open(request("opening")))
            await asyncio.sleep(0)
            recorder.gate.set()
            assert await asyncio.to_thread(recorder.asked.wait, 10)
            recorder.durable.set()

            told = await asyncio.gather(first, opening, return_exceptions=True)

            assert [type(one) for one in told] == [FatalError] * 2
            assert await sequencer.failure is told[0]
        assert recorder.groups == [["first"]]

    run(scenario)


def test_a_group_that_waits_is_decided_while_the_one_before_becomes_durable_and_is_answered_after_it() -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        recorder.durable.clear()
        async with Sequencer(recorder) as sequencer:
            first = await held(recorder, sequencer)
            second = await sequencer.enqueue(batch("second"))
            third = await sequencer.enqueue(batch("third", 1024))
            recorder.gate.set()
            while len(recorder.groups) < 2:  # noqa: ASYNC110 - the writer is another thread, there is no event
                await asyncio.sleep(0.001)

            assert not first.done()
            recorder.durable.set()

            assert [(await one).batch_id for one in (first, second, third)] == [b"first", b"second", b"third"]
        assert recorder.groups == [["first"], ["second"], ["third"]]

    run(scenario)


def test_what_was_decided_after_a_group_that_was_not_recorded_is_told_the_failure_and_nothing_follows() -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        recorder.durable.clear()
        recorder.durable_fails_with = OSError("disk")
        async with Sequencer(recorder) as sequencer:
            first = await held(recorder, sequencer)
            second = await sequencer.enqueue(batch("second"))
            third = await sequencer.enqueue(batch("third", 1024))
            job = asyncio.ensure_future(sequencer.call(lambda: None))
            await asyncio.sleep(0)
            recorder.gate.set()
            while len(recorder.groups) < 2:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.001)
            recorder.durable.set()

            for waiting in (first, second, third, job):
                with pytest.raises(FatalError):
                    await waiting
            assert (await sequencer.failure).code == "STATE_UNKNOWN"

    run(scenario)


def test_an_error_of_ours_from_a_job_is_its_answer_and_the_writer_goes_on() -> None:
    def refuse() -> None:
        raise AccessError("OPEN_FORBIDDEN", "no")

    async def scenario() -> None:
        async with Sequencer(FakeRecorder()) as sequencer:
            with pytest.raises(AccessError, match="OPEN_FORBIDDEN"):
                await sequencer.call(refuse)

            assert (await sequencer.submit(batch("next"))).batch_id == b"next"
            assert not sequencer.failure.done()

    run(scenario)


@pytest.mark.parametrize("bound", ["events", "bytes"])
def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(bound: str) -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        limits = {"max_queue_events": 5} if bound == "events" else {"max_queue_bytes": 5}
        async with Sequencer(recorder, **limits) as sequencer:
            await held(recorder, sequencer)
            waiting = [await sequencer.enqueue(batch("a", 4), size_bytes=5)]

            with pytest.raises(UnavailableError, match="OVERLOADED") as refused:
                await sequencer.enqueue(batch("b"), size_bytes=1)

            assert refused.value.retry_after_ms >= 20
            recorder.gate.set()
            await asyncio.gather(*waiting)
            assert sequencer.waiting_events == 0
            assert (await sequencer.submit(batch("c"), size_bytes=5)).batch_id == b"c"

    run(scenario)


def test_a_batch_larger_than_the_bound_is_taken_when_nothing_else_waits() -> None:
    async def scenario() -> None:
        async with Sequencer(FakeRecorder(), max_queue_events=5) as sequencer:
            assert (await sequencer.submit(batch("large", 100))).batch_id == b"large"

    run(scenario)


def test_who_waits_for_room_is_let_in_in_order() -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        async with Sequencer(recorder, max_queue_events=3) as sequencer:
            await held(recorder, sequencer)
            await sequencer.enqueue(batch("full", 2))
            patient = [
                asyncio.ensure_future(sequencer.submit(batch(f"patient-{n}"), patience_seconds=10)) for n in range(8)
            ]
            await asyncio.sleep(0.05)
            assert not any(answer.done() for answer in patient)
            recorder.gate.set()

            await asyncio.gather(*patient)

        order = [name for group in recorder.groups for name in group]
        assert order == ["first", "full", *(f"patient-{n}" for n in range(8))]

    run(scenario)


def test_patience_ends() -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        async with Sequencer(recorder, max_queue_events=1) as sequencer:
            first = await held(recorder, sequencer)
            with pytest.raises(UnavailableError, match="OVERLOADED"):
                await sequencer.enqueue(batch("late"), patience_seconds=0.05)
            recorder.gate.set()
            await first

    run(scenario)


def test_draining_finishes_what_waits_and_takes_nothing_more() -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        sequencer = Sequencer(recorder, max_queue_events=20)
        sequencer.start()
        first = await held(recorder, sequencer)
        waiting = [await sequencer.enqueue(batch(str(number))) for number in range(19)]
        patient = asyncio.ensure_future(sequencer.submit(batch("patient"), patience_seconds=10))
        await asyncio.sleep(0)
        draining = asyncio.ensure_future(sequencer.drain())
        await asyncio.sleep(0)

        with pytest.raises(UnavailableError, match="SHUTTING_DOWN"):
            await sequencer.enqueue(batch("late"))
        with pytest.raises(UnavailableError, match="SHUTTING_DOWN"):
            await patient
        recorder.gate.set()
        await draining

        assert first.done()
        assert all(answer.done() for answer in waiting if isinstance(answer, asyncio.Future))
        assert sum(len(group) for group in recorder.groups) == 20
        await sequencer.drain()

    run(scenario)


@pytest.mark.parametrize(
    ("raised", "code"),
    [(FatalError("STORE_FAILED", "unknown"), "STORE_FAILED"), (KeyError("secret"), "STATE_UNKNOWN")],
)
def test_a_failed_commit_stops_the_writer_and_tells_everyone_who_waits(raised: Exception, code: str) -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False, fails_with=raised)
        sequencer = Sequencer(recorder)
        sequencer.start()
        first = await held(recorder, sequencer)
        waiting = [await sequencer.enqueue(batch(str(number), 600)) for number in range(3)]
        job = asyncio.ensure_future(sequencer.call(lambda: 1))
        await asyncio.sleep(0)
        recorder.gate.set()

        failure = await sequencer.failure

        assert failure.code == code
        assert "secret" not in failure.message
        for answer in (first, *waiting, job):
            with pytest.raises(FatalError, match=code):
                await answer
        assert recorder.groups == [["first"]]
        with pytest.raises(UnavailableError, match="SHUTTING_DOWN"):
            await sequencer.enqueue(batch("late"))
        await sequencer.drain()

    run(scenario)


def test_a_foreign_error_from_a_job_stops_the_writer() -> None:
    def stumble() -> None:
        raise ValueError("half done")

    async def scenario() -> None:
        async with Sequencer(FakeRecorder()) as sequencer:
            with pytest.raises(FatalError, match="STATE_UNKNOWN"):
                await sequencer.call(stumble)
            assert (await sequencer.failure).code == "STATE_UNKNOWN"

    run(scenario)


def test_what_was_taken_is_recorded_even_if_nobody_waits_any_more() -> None:
    async def scenario() -> None:
        recorder = FakeRecorder(is_open=False)
        async with Sequencer(recorder) as sequencer:
            await held(recorder, sequencer)
            gone = asyncio.ensure_future(sequencer.submit(batch("gone")))
            await asyncio.sleep(0)
            gone.cancel()
            recorder.gate.set()
            await sequencer.submit(batch("after"))
            assert sequencer.waiting_events == 0
        assert recorder.groups == [["first"], ["gone", "after"]]

    run(scenario)


def test_listeners_are_called_once_a_group() -> None:
    async def scenario() -> None:
        calls: list[int] = []
        recorder = FakeRecorder(is_open=False)
        async with Sequencer(recorder) as sequencer:
            sequencer.listen(lambda: calls.append(1))
            await held(recorder, sequencer)
            waiting = [await sequencer.enqueue(batch(str(number))) for number in range(50)]
            recorder.gate.set()
            await asyncio.gather(*waiting)
        assert len(calls) == 2

    run(scenario)
