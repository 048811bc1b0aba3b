"""Policies: which logs are known, and which witnesses must have cosigned a checkpoint.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> <k|any|all> <member> ...
    quorum <name|none>

One statement a line; items are parted by spaces and tabs; empty lines and lines that begin with `#` say nothing. Names
are defined before they are used; a name is a member of one group at most, so that nobody counts twice, and there is
exactly one quorum. A public key stands once in the whole policy: cosignatures do not bind a name, and who runs a ledger
is no witness for it.

Source: LEDGER, section 8; C2SP tlog-policy.
"""

import re
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, replace
from typing import Final

from contracts.errors import ContractError, EvidenceError
from ledger.checkpoint import Checkpoint, parse_checkpoint, parse_checkpoint_text
from ledger.log_keys import LogKeys
from ledger.note import WITNESS_TYPES, KeyType, NoteVerifier, parse_note, split_note

MAX_POLICY_BYTES: Final = 65_536
NO_QUORUM: Final = "none"
_find_control = re.compile("[\x00-\x08\x0b-\x1f\x7f]").search
_is_item = re.compile("[^\x00-\x20\x7f]+").fullmatch
_is_count = re.compile("[1-9][0-9]{0,4}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose checkpoints are believed.

    Attributes:
        verifier: Its key, of type 0x01; the name is the origin.
        url: Where it is found, None if that is not said.
    """

    verifier: NoteVerifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody who cosigns checkpoints.

    Attributes:
        name: Name within the policy.
        verifier: Its key, of type 0x04 or 0x06.
        url: Prefix for submissions, None if that is not said.
    """

    name: str
    verifier: NoteVerifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses or groups of which some must have seen a checkpoint.

    Attributes:
        name: Name within the policy.
        threshold: How many members it takes, from 1 to all.
        members: Names defined before, each a member of no other group.
    """

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint that a policy accepts.

    Attributes:
        checkpoint: What was signed.
        cosigned_at: For each witness of the policy that cosigned it, its name and the seconds since the epoch.
    """

    checkpoint: Checkpoint
    cosigned_at: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What makes a checkpoint believable; checked as a whole when it is made.

    Attributes:
        logs: Any of them may have signed.
        witnesses: In the order of their definition.
        groups: In the order of their definition.
        quorum: Name of the witness or group that must have seen a checkpoint, `none` if nobody has to.
        log_keys: Every key that one of the logs had, where that was found out; a policy file does not say it.
    """

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str
    log_keys: LogKeys | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself: ContractError POLICY_MALFORMED."""
        _check_keys((log.verifier for log in self.logs), {KeyType.ED25519})
        _check_keys((witness.verifier for witness in self.witnesses), WITNESS_TYPES)
        keys = {log.verifier.public_key for log in self.logs}
        for witness in self.witnesses:
            if witness.verifier.public_key in keys:
                raise _malformed(f"witness {witness.name!r} has the key of a log")
        for url in [log.url for log in self.logs] + [witness.url for witness in self.witnesses]:
            if url is not None and not _is_item(url):
                raise _malformed(f"{url!r} is no URL")
        self._check_names()

    def following(self, log_keys: LogKeys) -> "Policy":
        """The same policy for a log whose key was replaced: what its keys sign then follows from the size.

        Args:
            log_keys: Found out from a key of this policy.
        """
        return replace(self, log_keys=log_keys)

    def _check_names(self) -> None:
        defined: set[str] = set()
        members: set[str] = set()
        items: tuple[Witness | Group, ...] = (*self.witnesses, *self.groups)
        for item in items:
            if item.name == NO_QUORUM or item.name in defined or not _is_item(item.name):
                raise _malformed(f"name {item.name!r} is taken or no name")
            if isinstance(item, Group):
                if not 1 <= item.threshold <= len(item.members):
                    raise _malformed(f"group {item.name!r} has {len(item.members)} members and takes {item.threshold}")
                for member in item.members:
                    if member not in defined or member in members:
                        raise _malformed(f"member {member!r} of {item.name!r} is not defined before or counts twice")
                    members.add(member)
            defined.add(item.name)
        if self.quorum != NO_QUORUM and self.quorum not in defined:
            raise _malformed(f"quorum {self.quorum!r} is not defined")

    @property
    def verifiers(self) -> tuple[NoteVerifier, ...]:
        """Every key, those of logs first."""
        return (*(log.verifier for log in self.logs), *(witness.verifier for witness in self.witnesses))

    def verify(self, note: bytes, read_text: Callable[[bytes], Checkpoint] = parse_checkpoint_text) -> Witnessed:
        """Read a checkpoint and check all signatures that this policy knows.

        Args:
            note: The signed note.
            read_text: Reads its text; another one for logs that are not ours.

        Raises:
            ContractError: NOTE_MALFORMED.
            EvidenceError: SIGNATURE_INVALID, a known signature is bad or there is none; CHECKPOINT_INVALID, no log of
                the policy signed it for its own origin, or the quorum is not reached.
        """
        logs = self._logs_of(note)
        read = parse_note(note, [*logs, *(item.verifier for item in self.witnesses)])
        checkpoint = read_text(read.text)
        signed = {item.verifier: item.seconds for item in read.verified}
        if not any(log in signed and log.name == checkpoint.origin for log in logs):
            raise EvidenceError("CHECKPOINT_INVALID", f"no known log signed this checkpoint of {checkpoint.origin!r}")
        seconds = {witness.name: signed.get(witness.verifier) for witness in self.witnesses}
        cosigned_at = tuple((name, at) for name, at in seconds.items() if at is not None)
        if not self.is_reached({name for name, _ in cosigned_at}):
            names = ", ".join(name for name, _ in cosigned_at) or "nobody"
            raise EvidenceError("CHECKPOINT_INVALID", f"quorum {self.quorum!r} is not reached by {names}")
        return Witnessed(checkpoint, cosigned_at)

    def _logs_of(self, note: bytes) -> list[NoteVerifier]:
        """The keys of logs that count under a note; of a log whose key was replaced all must have signed."""
        logs = [log.verifier for log in self.logs]
        keys = self.log_keys
        if keys is None or parse_checkpoint_text(split_note(note)[0]).origin != keys.origin:
            return logs
        size = parse_checkpoint(note, keys).size
        return [*(log for log in logs if log.name != keys.origin), *keys.at(size)]

    def is_reached(self, cosigners: Iterable[str]) -> bool:
        """Say whether witnesses with these names, whose cosignatures were verified, reach the quorum."""
        seen = {witness.name for witness in self.witnesses} & set(cosigners)
        for group in self.groups:
            if len(seen.intersection(group.members)) >= group.threshold:
                seen.add(group.name)
        return self.quorum == NO_QUORUM or self.quorum in seen


def parse_policy(data: bytes) -> Policy:
    """Read a policy file.

    Args:
        data: UTF-8, at most 65,536 bytes, each line ending in a newline.

    Raises:
        ContractError: POLICY_MALFORMED, or NOTE_MALFORMED or KEY_UNSAFE for a verifier key.
    """
    logs: list[Log] = []
    witnesses: list[Witness] = []
    groups: list[Group] = []
    quorums: list[str] = []
    defined = {NO_QUORUM}
    for number, line in enumerate(_lines(data), 1):
        match [item for item in re.split("[ \t]+", line) if item]:
            case []:
                continue
            case [comment, *_] if comment.startswith("#"):
                continue
            case ["log", vkey, *url] if len(url) <= 1:
                logs.append(Log(NoteVerifier.parse(vkey), *url))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                witnesses.append(Witness(name, NoteVerifier.parse(vkey), *url))
                defined.add(name)
            case ["group", name, count, *members] if defined.issuperset(members):
                groups.append(Group(name, _threshold(count, len(members), number), tuple(members)))
                defined.add(name)
            case ["quorum", name] if name in defined:
                quorums.append(name)
            case _:
                raise _malformed(f"line {number} is no statement, or uses a name before it is defined")
    if len(quorums) != 1:
        raise _malformed(f"a policy has one quorum, not {len(quorums)}")
    return Policy(tuple(logs), tuple(witnesses), tuple(groups), quorums[0])


def format_policy(policy: Policy) -> bytes:
    """Write a policy file; `parse_policy` gives the same policy back."""
    lines = [f"log {log.verifier.vkey} {log.url or ''}" for log in policy.logs]
    lines += [f"witness {item.name} {item.verifier.vkey} {item.url or ''}" for item in policy.witnesses]
    lines += [f"group {item.name} {item.threshold} {' '.join(item.members)}" for item in policy.groups]
    lines.append(f"quorum {policy.quorum}")
    return "".join(f"{line.rstrip()}\n" for line in lines).encode()


def _lines(data: bytes) -> list[str]:
    if len(data) > MAX_POLICY_BYTES or not data.endswith(b"\n"):
        raise _malformed(f"a policy has at most {MAX_POLICY_BYTES} bytes and ends in a newline")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as err:
        raise _malformed(f"byte {err.start} is not UTF-8") from err
    if _find_control(text):
        raise _malformed("a policy has no control character but tab and newline")
    return text[:-1].split("\n")


def _threshold(count: str, members: int, number: int) -> int:
    match count:
        case "any":
            return 1
        case "all":
            return members
        case _ if _is_count(count):
            return int(count)
        case _:
            raise _malformed(f"line {number}: {count[:40]!r} is not any, all or a number")


def _check_keys(verifiers: Iterable[NoteVerifier], key_types: Set[KeyType]) -> None:
    keys: set[bytes] = set()
    for verifier in verifiers:
        if verifier.key_type not in key_types:
            wanted = " or ".join(f"{key_type:#04x}" for key_type in sorted(key_types))
            raise _malformed(f"key {verifier.name!r} is of type {verifier.key_type:#04x}, not {wanted}")
        if verifier.public_key in keys:
            raise _malformed(f"key {verifier.name!r} stands twice")
        keys.add(verifier.public_key)


def _malformed(message: str) -> ContractError:
    return ContractError("POLICY_MALFORMED", message)
