"""Witnesses: what they sign, who must have signed, what they are asked (`docs/spec/witness.md`; C2SP tlog-witness)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from docs.spec.reference.note import (
    MAX_NUMBER,
    Checkpoint,
    LogKey,
    expect_safe,
    from_base64,
    from_decimal,
    parse_typed,
    parse_vkey,
    read_checkpoint,
    read_text,
    split_note,
    verify,
)
from docs.spec.reference.tree import check_consistency
from docs.spec.reference.unproved import UnprovedError, expect

ED25519, ML_DSA_44 = 0x04, 0x06
_LENGTHS = {ED25519: (32, 64), ML_DSA_44: (1_312, 2_420)}
"""Bytes of a public key and of a signature."""


class WitnessKey(NamedTuple):
    """The key of a witness: its name, the key id of 4 bytes, its type, the public key."""

    name: str
    key_id: bytes
    kind: int
    public_key: bytes


class Policy(NamedTuple):
    """Whom a reader believes. `groups` in order: name, how many, of whom; `quorum` is a name, or `none`."""

    logs: list[LogKey]
    witnesses: dict[str, WitnessKey]
    groups: list[tuple[str, int, list[str]]]
    quorum: str


class Request(NamedTuple):
    """A body of `add-checkpoint`."""

    old: int
    path: list[bytes]
    note: bytes


# -- what a witness signs


def parse_witness(text: str) -> WitnessKey:
    """Read the verifier key of a witness.

    Raises:
        UnprovedError: It is none.
    """
    name, key_id, typed = parse_typed(text)
    expect(typed[0] in _LENGTHS and len(typed) == 1 + _LENGTHS[typed[0]][0], "this is no key of a witness")
    if typed[0] == ED25519:
        expect_safe(typed[1:])
    return WitnessKey(name, key_id, typed[0], typed[1:])


def cosigned_bytes(text: bytes, seconds: int, key: WitnessKey) -> bytes:
    """What a witness signs for the text of a checkpoint at a time."""
    if key.kind == ED25519:
        return b"cosignature/v1\ntime %d\n" % seconds + text
    checkpoint = read_text(text)
    name, origin = key.name.encode(), checkpoint.origin.encode()
    expect(max(len(name), len(origin)) < 256, "a name is too long")
    return b"".join(
        (
            *(b"subtree/v1\n\0", bytes((len(name),)), name, seconds.to_bytes(8, "big")),
            *(bytes((len(origin),)), origin, bytes(8), checkpoint.size.to_bytes(8, "big"), checkpoint.root),
        )
    )


def cosigned_at(note: bytes, key: WitnessKey) -> int | None:
    """When a witness cosigned a checkpoint, in seconds; None if it did not.

    Raises:
        UnprovedError: Its line is wrong, or stands twice.
    """
    text, lines = split_note(note)
    found = [payload[4:] for name, payload in lines if (name, payload[:4]) == (key.name, key.key_id)]
    if not found:
        return None
    expect(len(found) == 1, f"{key.name} cosigned twice")
    expect(len(found[0]) == 8 + _LENGTHS[key.kind][1], "a cosignature has another length")
    seconds, signature = int.from_bytes(found[0][:8], "big"), found[0][8:]
    expect(seconds <= MAX_NUMBER, "the time of a cosignature is too large")
    signed = cosigned_bytes(text, seconds, key)
    if key.kind == ED25519:
        verify(key.public_key, signature, signed)
        return seconds
    try:
        MLDSA44PublicKey.from_public_bytes(key.public_key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        raise UnprovedError(f"the cosignature of {key.name} does not verify") from None
    return seconds


# -- who must have signed


def parse_policy(data: bytes) -> Policy:
    """Read a policy file.

    Raises:
        UnprovedError: It is none, or contradicts itself.
    """
    policy = Policy([], {}, [], "")
    quorums: list[str] = []
    for line in _lines(data):
        words = re.findall(r"[^ \t]+", line)
        names = {"none", *policy.witnesses, *(name for name, _, _ in policy.groups)}
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                policy.logs.append(parse_vkey(vkey))
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                expect(name not in names, f"{name} is named twice")
                policy.witnesses[name] = parse_witness(vkey)
            case ["group", name, count, *members]:
                expect(name not in names and names - {"none"} >= set(members), f"a name of group {name} does not fit")
                policy.groups.append((name, _threshold(count, len(members)), members))
            case ["quorum", name]:
                expect(name in names, f"quorum {name} is not known by now")
                quorums.append(name)
            case _:
                expect(not words or words[0].startswith("#"), "a line is no statement")
    expect(len(quorums) == 1, "a policy has one quorum")
    counted = [member for _, _, members in policy.groups for member in members]
    expect(len(counted) == len(set(counted)), "a member counts twice")
    keys = [*(log.public_key for log in policy.logs), *(key.public_key for key in policy.witnesses.values())]
    expect(len(keys) == len(set(keys)), "a key stands twice")
    return policy._replace(quorum=quorums[0])


def _lines(data: bytes) -> list[str]:
    expect(len(data) <= 65_536 and data.endswith(b"\n"), "a policy is too long or has no final newline")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise UnprovedError("a policy is UTF-8") from None
    expect(re.search("[\x00-\x08\x0b-\x1f]", text) is None, "a control character")
    return text[:-1].split("\n")


def _threshold(count: str, members: int) -> int:
    wanted = {"any": 1, "all": members}.get(count)
    if wanted is None:
        expect(re.fullmatch("[1-9][0-9]{0,4}", count, re.ASCII) is not None, "a group takes any, all or a number")
        wanted = int(count)
    expect(1 <= wanted <= members, "a group takes more members than it has")
    return wanted


def check_quorum(note: bytes, policy: Policy) -> dict[str, int]:
    """Check the cosignatures of known witnesses, and that the quorum is reached.

    Returns:
        Who cosigned, and when.

    Raises:
        UnprovedError: A known cosignature is bad, or too few are there.
    """
    seconds = {name: cosigned_at(note, key) for name, key in policy.witnesses.items()}
    cosigned = {name: at for name, at in seconds.items() if at is not None}
    seen = set(cosigned)
    for name, threshold, members in policy.groups:
        if len(seen.intersection(members)) >= threshold:
            seen.add(name)
    reached = policy.quorum == "none" or policy.quorum in seen
    expect(reached, f"quorum {policy.quorum} is not reached by {', '.join(cosigned) or 'nobody'}")
    return cosigned


def accept(note: bytes, policy: Policy) -> Checkpoint:
    """Read a checkpoint that a log of a policy has signed, and its quorum cosigned.

    Raises:
        UnprovedError: It is not.
    """
    text, lines = split_note(note)
    signers = [log for log in policy.logs if any((name, line[:4]) == (log.name, log.key_id) for name, line in lines)]
    expect(bool(signers), "no known log signed this")
    checkpoints = {read_checkpoint(note, log) for log in signers}
    expect(checkpoints == {read_text(text)}, "two logs signed one text")
    check_quorum(note, policy)
    return checkpoints.pop()


# -- what a witness is asked


def read_request(body: bytes) -> Request:
    """Read the form of a body of `add-checkpoint`.

    Raises:
        UnprovedError: It has another form.
    """
    head, blank, note = body.partition(b"\n\n")
    expect(bool(blank) and head.startswith(b"old ") and head.isascii(), "a request is old, hashes and a checkpoint")
    first, *lines = head.decode("ascii").split("\n")
    path = [from_base64(line) for line in lines]
    expect(len(path) <= 63 and all(len(value) == 32 for value in path), "at most 63 hashes of 32 bytes")
    return Request(from_decimal(first.removeprefix("old ")), path, note)


def answer(body: bytes, logs: Sequence[LogKey], size: int, root: bytes) -> int:
    """The status with which a witness answers.

    Args:
        body: Of the request.
        logs: Whom it witnesses.
        size: What it cosigned last of this log; 0 before the first.
        root: Of that size.
    """
    try:
        request = read_request(body)
        told = read_text(split_note(request.note)[0])
    except UnprovedError:
        return 400
    log = next((one for one in logs if one.name == told.origin), None)
    if log is None:
        return 404
    try:
        checkpoint = read_checkpoint(request.note, log)
    except UnprovedError as error:
        return 403 if "verify" in error.reason or "not one signature" in error.reason else 400
    if request.old > checkpoint.size:
        return 400
    if request.old != size:
        return 409
    try:
        check_consistency(request.old, checkpoint.size, request.path, root, checkpoint.root)
    except UnprovedError:
        return 422
    return 200
