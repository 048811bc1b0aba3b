"""A region counts who has cosigned the heads that it is shown, and tells where one waits too long (ADR 0068)."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from adapters.region.quorum import Quorum
from contracts.ids import Hash, TreeSize
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.note import Cosigner, NoteSigner, add_lines
from ledger.policy import NO_QUORUM, Group, Log, Policy, Witness

LOG = NoteSigner("ledger.example/pprd", Ed25519PrivateKey.from_private_bytes((1).to_bytes(32, "big")))
WITNESSES = {
    name: Cosigner(f"{name}.witness.example", Ed25519PrivateKey.from_private_bytes(at.to_bytes(32, "big")))
    for at, name in enumerate(("a", "b", "c"), 2)
}
STRANGER = Cosigner("a.witness.example", Ed25519PrivateKey.from_private_bytes((9).to_bytes(32, "big")))


def policy(quorum: str = "two") -> Policy:
    members = tuple(Witness(name, one.verifier) for name, one in WITNESSES.items())
    return Policy((Log(LOG.verifier),), members, (Group("two", 2, tuple(WITNESSES)),), quorum)


def head(size: int, *cosigners: Cosigner) -> tuple[Checkpoint, bytes]:
    checkpoint = Checkpoint(LOG.name, TreeSize(size), Hash(bytes(32)))
    lines = [one.line(checkpoint.text(), seconds=5) for one in cosigners]
    return checkpoint, add_lines(sign_checkpoint(checkpoint, LOG), lines)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_lines_of_one_head_count_together_whoever_showed_them() -> None:
    quorum = Quorum(policy(), Clock())
    quorum.hear(*head(5, WITNESSES["a"]))
    quorum.hear(*head(6, WITNESSES["b"]))
    quorum.hear(*head(5, WITNESSES["a"]))
    assert quorum.reached == 0
    quorum.hear(*head(5, WITNESSES["c"]))
    assert quorum.reached == 5
    quorum.hear(*head(6, WITNESSES["a"]))
    assert quorum.reached == 6


def test_lines_of_others_and_bad_ones_count_for_nothing() -> None:
    quorum = Quorum(policy(), Clock())
    checkpoint, note = head(5, WITNESSES["a"], WITNESSES["b"])
    quorum.hear(*head(5, STRANGER, WITNESSES["a"]))
    quorum.hear(checkpoint, note[:-8] + b"AAAAAA=\n")

    assert quorum.reached == 0


def test_the_oldest_head_that_waits_is_told_once_it_waits_too_long() -> None:
    clock = Clock()
    quorum = Quorum(policy(), clock)
    quorum.hear(*head(5))
    clock.seconds = 400
    quorum.hear(*head(7))
    assert not quorum.tell(600)
    clock.seconds = 700
    with capture_logs() as lines:
        assert quorum.tell(600)
    assert [(line["event"], line["size"], line["count"], line["lag_seconds"]) for line in lines] == [
        ("quorum.missed", 7, 2, 700)
    ]

    quorum.hear(*head(6, WITNESSES["a"], WITNESSES["b"]))
    assert quorum.waiting_seconds() == 300
    quorum.hear(*head(7, WITNESSES["a"], WITNESSES["b"]))
    assert (quorum.waiting_seconds(), quorum.tell(600)) == (0, False)


def test_a_policy_without_a_quorum_waits_for_nobody() -> None:
    clock = Clock()
    quorum = Quorum(policy(NO_QUORUM), clock)
    quorum.hear(*head(5))
    clock.seconds = 1e6

    assert (quorum.is_demanded, quorum.tell(1)) == (False, False)


def test_what_waits_is_bounded_and_the_oldest_stays() -> None:
    clock = Clock()
    quorum = Quorum(policy(), clock)
    for size in range(1, 3000):
        quorum.hear(*head(size))
        clock.seconds += 1

    assert quorum.waiting_seconds() == clock.seconds
