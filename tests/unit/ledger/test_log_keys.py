"""Which keys of a log sign a checkpoint follows from its size and from what its entries said (ADR 0057)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import EvidenceError
from contracts.ids import Hash, TreeSize
from ledger.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from ledger.log_keys import LogKeys
from ledger.note import Cosigner, NoteSigner, add_lines
from ledger.policy import Log, Policy, Witness
from tests.unit.ledger.conftest import private_key

FIRST, SECOND, THIRD = (NoteSigner("pprd.example/test", private_key(number)) for number in (1, 2, 3))
ANNOUNCED, SWITCHED = 9, 19
KEYS = (
    LogKeys.of(FIRST.verifier)
    .announce(SECOND.verifier.public_key, ANNOUNCED)
    .switch(SECOND.verifier.public_key, SWITCHED)
)


def note(size: int, *signers: NoteSigner) -> bytes:
    return sign_checkpoint(Checkpoint(FIRST.name, TreeSize(size), Hash(bytes(range(32)))), *signers)


@pytest.mark.parametrize(
    ("size", "signers"),
    [(1, (FIRST,)), (9, (FIRST,)), (10, (FIRST, SECOND)), (19, (SECOND, FIRST)), (20, (SECOND,)), (10**9, (SECOND,))],
)
def test_a_size_is_believed_under_exactly_its_own_keys(size: int, signers: tuple[NoteSigner, ...]) -> None:
    """The checkpoint that counts the announcement bears both signatures, the one that counts the switch the new one."""
    assert parse_checkpoint(note(size, *signers), KEYS).size == size
    assert parse_checkpoint(note(size, *signers, THIRD), KEYS).size == size


@pytest.mark.parametrize(
    ("size", "signers", "code"),
    [
        (9, (SECOND,), "SIGNATURE_INVALID"),
        (10, (FIRST,), "CHECKPOINT_INVALID"),
        (10, (SECOND,), "CHECKPOINT_INVALID"),
        (20, (FIRST,), "LOG_KEY_RETIRED"),
        (20, (THIRD,), "SIGNATURE_INVALID"),
    ],
)
def test_a_size_that_lacks_one_of_its_keys_is_refused(size: int, signers: tuple[NoteSigner, ...], code: str) -> None:
    with pytest.raises(EvidenceError, match=code):
        parse_checkpoint(note(size, *signers), KEYS)


def test_a_bad_signature_of_one_of_two_keys_refuses_the_note() -> None:
    good, other = note(10, FIRST, SECOND), note(11, FIRST, SECOND)
    mixed = b"".join([*good.splitlines(keepends=True)[:-1], other.splitlines(keepends=True)[-1]])

    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        parse_checkpoint(mixed, KEYS)


def test_a_withdrawn_key_signs_only_while_it_was_announced() -> None:
    keys = LogKeys.of(FIRST.verifier).announce(SECOND.verifier.public_key, 9).withdraw(SECOND.verifier.public_key, 19)

    assert (keys.in_use, keys.announced) == (FIRST.verifier, None)
    assert parse_checkpoint(note(15, FIRST, SECOND), keys).size == 15
    assert parse_checkpoint(note(20, FIRST), keys).size == 20
    with pytest.raises(EvidenceError, match="LOG_KEY_RETIRED"):
        parse_checkpoint(note(20, SECOND), keys)
    with pytest.raises(EvidenceError, match="LOG_KEYS_INVALID"):
        keys.announce(SECOND.verifier.public_key, 30)


def test_steps_that_do_not_follow_are_refused() -> None:
    keys = LogKeys.of(FIRST.verifier)
    first, second, third = (signer.verifier.public_key for signer in (FIRST, SECOND, THIRD))
    waiting = keys.announce(second, 9)
    for step, public_key in (
        (keys.switch, second),
        (keys.withdraw, second),
        (keys.announce, first),
        (waiting.announce, third),
        (waiting.switch, first),
        (waiting.withdraw, third),
        (KEYS.announce, first),
    ):
        with pytest.raises(EvidenceError, match="LOG_KEYS_INVALID"):
            step(public_key, 30)


@given(st.lists(st.booleans(), max_size=6), st.integers(0, 100))
def test_at_every_size_one_key_signs_or_two_and_one_of_them_goes_on(ends: list[bool], size: int) -> None:
    """Whatever is announced, switched to or withdrawn: the chain has no gap."""
    keys = LogKeys.of(FIRST.verifier)
    for number, is_switch in enumerate(ends):
        public_key = NoteSigner(FIRST.name, private_key(50 + number)).verifier.public_key
        keys = keys.announce(public_key, 10 * number + 4)
        keys = (keys.switch if is_switch else keys.withdraw)(public_key, 10 * number + 9)

    here, next_ = keys.at(size), keys.at(size + 1)
    assert len(here) in (1, 2)
    assert set(here) & set(next_)
    assert keys.at(10**6) == (keys.in_use,)


def test_a_policy_that_follows_a_log_demands_its_keys_and_its_witnesses() -> None:
    witness = Cosigner("witness.example", private_key(100))
    policy = Policy((Log(FIRST.verifier),), (Witness("44-a", witness.verifier),), (), "44-a")
    followed = policy.following(KEYS)

    def cosigned(size: int, *signers: NoteSigner) -> bytes:
        signed = note(size, *signers)
        return add_lines(signed, [witness.line(signed.partition(b"\n\n")[0] + b"\n", seconds=5)])

    assert followed.verify(cosigned(20, SECOND)).cosigned_at == (("44-a", 5),)
    assert followed.verify(cosigned(5, FIRST)).checkpoint.size == 5
    for refused in (cosigned(20, FIRST), note(20, SECOND)):
        with pytest.raises(EvidenceError):
            followed.verify(refused)
    with pytest.raises(EvidenceError):
        policy.verify(cosigned(20, SECOND))
