"""A matter is read back from the store exactly as it was (hub.matter_bytes)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import FatalError
from contracts.ids import EventId, Hash, OfficeId, RegionCode, StreamId
from contracts.procedure_types import ERASE, ERASE_COPIES
from hub.matter import Duty, Matter, Party, pack, unpack
from hub.matter_bytes import has_duties, has_ends
from hub.matter_types import ContentEnd

words = st.from_regex(r"\A[A-Za-z0-9_-]{1,12}\Z")
facts = st.tuples(
    words, st.one_of(words, st.just(""), st.integers(-(2**62), 2**62), st.booleans(), st.binary(max_size=32))
)
matters = st.builds(
    Matter,
    stream_id=st.binary(min_size=16, max_size=16).map(StreamId),
    procedure=words,
    edition=st.integers(1, 2**31),
    state=words,
    next_seq=st.integers(0, 2**31),
    head=st.binary(min_size=32, max_size=32).map(Hash),
    opened_at=st.integers(0, 2**48),
    parties=st.lists(st.builds(Party, words, words, words.map(RegionCode), words.map(OfficeId)), max_size=4).map(tuple),
    regions=st.lists(st.tuples(words, words.map(RegionCode)), max_size=3).map(tuple),
    counties=st.lists(st.tuples(words, words), max_size=3).map(tuple),
    holders=st.lists(words.map(OfficeId), max_size=4).map(tuple),
    duties=st.lists(
        st.builds(Duty, words, words, words, st.integers(0, 2**48), st.binary(min_size=16, max_size=16).map(EventId)),
        max_size=3,
    ).map(tuple),
    facts=st.lists(facts, max_size=3).map(tuple),
    sealers=st.lists(words.map(OfficeId), max_size=3).map(tuple),
    ends=st.lists(
        st.builds(
            ContentEnd,
            st.sampled_from((ERASE, ERASE_COPIES)),
            st.integers(0, 2**48),
            st.binary(min_size=16, max_size=16).map(EventId),
        ),
        max_size=3,
    ).map(tuple),
).flatmap(
    lambda matter: st.sets(st.sampled_from(matter.holders or (None,))).map(
        lambda told: matter._replace(told=tuple(office for office in told if office is not None))
    )
)


@given(matters)
def test_what_was_packed_is_unpacked(matter: Matter) -> None:
    read = unpack(pack(matter))

    assert read == matter
    assert has_ends(pack(matter)) == bool(matter.ends)
    assert [type(value) for _, value in read.facts] == [type(value) for _, value in matter.facts]
    assert all(isinstance(duty, Duty) for duty in read.duties)
    assert all(isinstance(party, Party) for party in read.parties)


@given(matters)
def test_whether_limits_run_in_a_matter_is_told_from_its_bytes(matter: Matter) -> None:
    assert has_duties(pack(matter)) is bool(matter.duties)


@given(st.binary(max_size=200))
def test_other_bytes_are_reported_as_damage(data: bytes) -> None:
    with pytest.raises(FatalError) as caught:
        unpack(data)

    assert caught.value.code == "STORE_DAMAGED"


def test_a_cut_or_changed_matter_is_reported_as_damage() -> None:
    matter = Matter(
        StreamId(bytes(16)),
        "P",
        1,
        "S",
        1,
        Hash(bytes(32)),
        0,
        (Party("A", "B", RegionCode("44"), OfficeId("o")),),
        (),
        (),
        (),
        (Duty("R", "A", "B", 1, EventId(bytes(16))),),
        (("f", "v"),),
    )
    data = pack(matter)

    for bad in (
        data[:-10],
        data[:70],
        b"\x02" + data[1:],
        data.replace(b"A B 44 o", b"A B 44"),
        data.replace(b"f sv", b"f ?v"),
    ):
        with pytest.raises(FatalError):
            unpack(bad)
