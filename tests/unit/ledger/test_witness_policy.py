"""A policy is read strictly; a checkpoint is believed when a log signed it and the quorum has seen it (LEDGER 8)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError, EvidenceError, ExchangeError
from contracts.ids import Hash, TreeSize
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.note import Cosigner, KeyType, NoteSigner, NoteVerifier, add_lines, sign_note
from ledger.policy import Group, Policy, Witness, format_policy, parse_policy
from tests.unit.ledger.conftest import private_key


@pytest.fixture(scope="module")
def keys(log: NoteSigner, witnesses: list[Cosigner]) -> dict[str, str]:
    """The written keys of the log (`L`) and the witnesses (`W0` to `W4`)."""
    return {"L": log.verifier.vkey} | {f"W{number}": item.verifier.vkey for number, item in enumerate(witnesses)}


_TWO_LEVELS = """# who has to have seen a checkpoint
log {L} https://log.example/

witness a {W0}
witness b {W1} https://b.example/w
\twitness  c\t{W2}\x20
witness d {W3}
group coast 2 a b c
group all-of-it all coast d
quorum all-of-it
"""


@pytest.fixture(scope="module")
def policy(keys: dict[str, str]) -> Policy:
    """Two of a, b and c, and d."""
    return parse_policy(_TWO_LEVELS.format(**keys).encode())


@pytest.fixture(scope="module")
def checkpoint(log: NoteSigner) -> Checkpoint:
    """What is cosigned here."""
    return Checkpoint(log.name, TreeSize(9), Hash(bytes(range(32))))


def _cosigned(checkpoint: Checkpoint, log: NoteSigner, cosigners: list[Cosigner]) -> bytes:
    lines = [cosigner.line(checkpoint.text(), seconds=100 + at) for at, cosigner in enumerate(cosigners)]
    return add_lines(sign_checkpoint(checkpoint, log), lines)


def test_a_policy_is_read_and_written_back(policy: Policy, log: NoteSigner) -> None:
    assert policy.logs[0].verifier == log.verifier
    assert policy.logs[0].url == "https://log.example/"
    assert [(witness.name, witness.url) for witness in policy.witnesses][:2] == [
        ("a", None),
        ("b", "https://b.example/w"),
    ]
    assert policy.groups == (Group("coast", 2, ("a", "b", "c")), Group("all-of-it", 2, ("coast", "d")))
    assert parse_policy(format_policy(policy)) == policy


@pytest.mark.parametrize(
    ("seen", "is_reached"),
    [("abcd", True), ("abd", True), ("bcd", True), ("abc", False), ("ad", False), ("d", False), ("", False)],
)
def test_a_quorum_of_two_levels_is_counted(
    policy: Policy, checkpoint: Checkpoint, log: NoteSigner, witnesses: list[Cosigner], seen: str, is_reached: bool
) -> None:
    note = _cosigned(checkpoint, log, [witnesses["abcd".index(name)] for name in seen])

    assert policy.is_reached(seen) == is_reached
    if is_reached:
        witnessed = policy.verify(note)
        assert witnessed.checkpoint == checkpoint
        assert witnessed.cosigned_at == tuple((name, 100 + at) for at, name in enumerate(seen))
    else:
        with pytest.raises(EvidenceError, match="CHECKPOINT_INVALID"):
            policy.verify(note)


@given(threshold=st.integers(1, 5), seen=st.sets(st.sampled_from("01234")))
def test_a_group_takes_as_many_as_it_says(keys: dict[str, str], threshold: int, seen: set[str]) -> None:
    lines = [f"witness {number} {keys[f'W{number}']}" for number in range(5)]
    policy = parse_policy("\n".join([*lines, f"group g {threshold} 0 1 2 3 4", "quorum g", ""]).encode())

    assert policy.is_reached(seen) == (len(seen) >= threshold)
    assert not policy.is_reached({"5", "g", "none"})


@pytest.mark.parametrize(("word", "threshold"), [("any", 1), ("all", 2), ("1", 1), ("2", 2)])
def test_any_and_all_are_thresholds(keys: dict[str, str], word: str, threshold: int) -> None:
    text = "witness a {W0}\nwitness b {W1}\ngroup g " + word + " a b\nquorum g\n"

    assert parse_policy(text.format(**keys).encode()).groups[0].threshold == threshold


def test_no_quorum_needs_the_log_alone(
    keys: dict[str, str], checkpoint: Checkpoint, log: NoteSigner, witnesses: list[Cosigner]
) -> None:
    policy = parse_policy("log {L}\nquorum none\n".format(**keys).encode())

    assert policy.verify(_cosigned(checkpoint, log, witnesses)).cosigned_at == ()
    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        policy.verify(sign_checkpoint(checkpoint, NoteSigner(log.name, private_key(100))))


def test_one_witness_can_be_the_quorum(
    keys: dict[str, str], checkpoint: Checkpoint, log: NoteSigner, witnesses: list[Cosigner]
) -> None:
    policy = parse_policy("log {L}\nwitness a {W0}\nquorum a\n".format(**keys).encode())

    assert policy.verify(_cosigned(checkpoint, log, witnesses[:1])).cosigned_at == (("a", 100),)
    with pytest.raises(EvidenceError, match="CHECKPOINT_INVALID"):
        policy.verify(_cosigned(checkpoint, log, witnesses[1:]))


def test_cosignatures_without_the_logs_own_are_refused(
    policy: Policy, checkpoint: Checkpoint, witnesses: list[Cosigner]
) -> None:
    lines = [cosigner.line(checkpoint.text(), seconds=1) for cosigner in witnesses]

    with pytest.raises(EvidenceError, match="CHECKPOINT_INVALID"):
        policy.verify(checkpoint.text() + b"\n" + b"".join(lines))


def test_a_log_speaks_for_its_own_origin_only(policy: Policy, log: NoteSigner, witnesses: list[Cosigner]) -> None:
    text = Checkpoint("pprd.example/other", TreeSize(9), Hash(bytes(32))).text()
    lines = [cosigner.line(text, seconds=1) for cosigner in witnesses]

    with pytest.raises(EvidenceError, match="CHECKPOINT_INVALID"):
        policy.verify(add_lines(sign_note(text, [log]), lines))


def test_one_bad_known_cosignature_refuses_the_checkpoint(
    policy: Policy, checkpoint: Checkpoint, log: NoteSigner, witnesses: list[Cosigner]
) -> None:
    bad = witnesses[2].line(b"another text\n", seconds=1)
    note = add_lines(_cosigned(checkpoint, log, [witnesses[0], witnesses[1], witnesses[3]]), [bad])

    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        policy.verify(note)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("quorum none", id="no final newline"),
        pytest.param("log {L}\n", id="no quorum"),
        pytest.param("quorum none\nquorum none\n", id="two quorums"),
        pytest.param("quorum\n", id="quorum of nothing"),
        pytest.param("quorum a\n", id="quorum not defined"),
        pytest.param("quorum a\nwitness a {W0}\n", id="quorum before its definition"),
        pytest.param("quorum none none\n", id="one item too many"),
        pytest.param("Quorum none\n", id="another word"),
        pytest.param("log\nquorum none\n", id="log without key"),
        pytest.param("log {L} u v\nquorum none\n", id="log with two URLs"),
        pytest.param("log {W0}\nquorum none\n", id="log with the key of a witness"),
        pytest.param("log {L}\nlog {L}\nquorum none\n", id="log twice"),
        pytest.param("witness a {L}\nquorum a\n", id="witness with the key of a log"),
        pytest.param("witness a {W0}\nwitness a {W1}\nquorum a\n", id="name twice"),
        pytest.param("witness a {W0}\nwitness b {W0}\nquorum a\n", id="witness key twice"),
        pytest.param("witness none {W0}\nquorum none\n", id="witness called none"),
        pytest.param("witness a {W0} u v\nquorum none\n", id="witness with two URLs"),
        pytest.param("witness a {W0}\ngroup g 1\nquorum g\n", id="group without members"),
        pytest.param("witness a {W0}\ngroup g 0 a\nquorum g\n", id="threshold of nothing"),
        pytest.param("witness a {W0}\ngroup g 2 a\nquorum g\n", id="threshold above the members"),
        pytest.param("witness a {W0}\ngroup g 01 a\nquorum g\n", id="threshold with a leading zero"),
        pytest.param("witness a {W0}\ngroup g +1 a\nquorum g\n", id="threshold with a sign"),
        pytest.param("witness a {W0}\ngroup g most a\nquorum g\n", id="threshold in another word"),
        pytest.param("witness a {W0}\ngroup a 1 a\nquorum a\n", id="group of itself"),
        pytest.param("witness a {W0}\ngroup none 1 a\nquorum none\n", id="group called none"),
        pytest.param("witness a {W0}\ngroup g 1 none\nquorum g\n", id="none as a member"),
        pytest.param("group g 1 a\nwitness a {W0}\nquorum g\n", id="member defined later"),
        pytest.param("witness a {W0}\ngroup g 2 a a\nquorum g\n", id="member twice"),
        pytest.param("witness a {W0}\ngroup g 1 a\ngroup h 1 a\nquorum h\n", id="member of two groups"),
        pytest.param("quorum none\r\n", id="carriage return"),
        pytest.param("quorum\u00a0none\n", id="another space"),
        pytest.param("# \x00\nquorum none\n", id="NUL in a comment"),
        pytest.param("quorum none\n" + "#" * 70_000 + "\n", id="too long"),
    ],
)
def test_a_policy_of_another_form_is_refused(keys: dict[str, str], text: str) -> None:
    with pytest.raises(ContractError, match="POLICY_MALFORMED"):
        parse_policy(text.format(**keys).encode())


def test_a_policy_that_is_not_utf8_or_has_a_bad_key_is_refused() -> None:
    with pytest.raises(ContractError, match="POLICY_MALFORMED"):
        parse_policy(b"# \xff\nquorum none\n")
    with pytest.raises(ContractError, match="NOTE_MALFORMED"):
        parse_policy(b"log nokey\nquorum none\n")


def test_a_log_is_no_witness_of_its_own(log: NoteSigner) -> None:
    """Cosignatures do not bind a name: the same key under another name and type would count for two."""
    own = NoteVerifier("witness.example", KeyType.COSIGNATURE, log.verifier.public_key)

    with pytest.raises(ContractError, match="POLICY_MALFORMED"):
        parse_policy(f"log {log.verifier.vkey}\nwitness a {own.vkey}\nquorum a\n".encode())


@pytest.mark.parametrize(("name", "url"), [("", None), ("a b", None), ("a", ""), ("a", "http://x y")])
def test_a_policy_that_could_not_be_written_is_not_made(witnesses: list[Cosigner], name: str, url: str | None) -> None:
    with pytest.raises(ContractError, match="POLICY_MALFORMED"):
        Policy((), (Witness(name, witnesses[0].verifier, url),), (), "none")


@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_refused(data: bytes) -> None:
    with suppress(ExchangeError):
        policy = parse_policy(data)
        assert parse_policy(format_policy(policy)) == policy


@given(
    words=st.lists(
        st.sampled_from(
            ["log", "witness", "group", "quorum", "none", "a", "b", "any", "all", "1", "\n", "#", "W0", "L"]
        ),
        max_size=30,
    )
)
def test_any_words_are_a_policy_or_refused(keys: dict[str, str], words: list[str]) -> None:
    data = " ".join(keys.get(word, word) for word in words).encode() + b"\n"
    with suppress(ExchangeError):
        policy = parse_policy(data)
        assert parse_policy(format_policy(policy)) == policy
