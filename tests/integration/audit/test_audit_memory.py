"""What an audit keeps is bounded: matters and event ids go to disk and come back as they were."""

import pytest

from adapters.store.shelf import SpillingShelf
from contracts.ids import Hash, RegionCode, StreamId, uuid7
from hub.audit_errors import UnexplainedError
from hub.matter import Matter, pack


def matter(number: int, state: str = "OPEN") -> Matter:
    stream_id = StreamId(uuid7(unix_ms=number, entropy=bytes(10)))
    regions = (("SIDE", RegionCode("44")),)
    return Matter(stream_id, "P", 1, state, number, Hash(bytes(32)), number, (), regions, (), (), (), ())


def event_id(number: int) -> bytes:
    return uuid7(unix_ms=number, entropy=bytes(10))


def test_every_matter_comes_back_in_its_newest_state() -> None:
    with SpillingShelf(max_matters=4, max_events=4) as shelf:
        for state in ("OPEN", "MOVED", "CLOSED"):
            for number in range(30):
                shelf.put(matter(number).stream_id, matter(number, state))

        assert not shelf.is_in_memory
        assert [shelf.matter(matter(n).stream_id) for n in range(30)] == [matter(n, "CLOSED") for n in range(30)]
        assert list(shelf.matters()) == [(matter(n).stream_id, pack(matter(n, "CLOSED"))) for n in range(30)]


@pytest.mark.parametrize("bound", [4, 1000])
def test_the_stream_of_every_event_is_found_again(bound: int) -> None:
    with SpillingShelf(max_matters=4, max_events=bound) as shelf:
        for number in reversed(range(30)):
            shelf.add_event(event_id(number), b"stream %d" % number, number)

        assert [shelf.stream_of(event_id(n)) for n in range(30)] == [b"stream %d" % n for n in range(30)]
        assert shelf.stream_of(event_id(31)) is None


@pytest.mark.parametrize("bound", [4, 1000])
def test_an_event_id_that_comes_again_is_found_at_the_latest_in_the_end(bound: int) -> None:
    def derive(shelf: SpillingShelf) -> None:
        for index, number in enumerate([*range(20), 3]):
            shelf.add_event(event_id(number), b"stream", index)
        shelf.finish()

    with SpillingShelf(max_matters=4, max_events=bound) as shelf, pytest.raises(UnexplainedError) as found:
        derive(shelf)

    assert (found.value.index, found.value.code) == (20, "EVENT_ID_REUSED")
    assert "entry 3" in found.value.message
