"""Evidence packs: everything that shows that one event is recorded, as a text that a third party checks alone.

    pprd-pack/v1\\n
    policy <base64>\\n                         whose signatures count, as the maker of the pack says
    receipt <base64>\\n                        the .tlog-proof of the event, with its entry
    checkpoint <base64> <base64 hash>...\\n    1 to 8 signed notes, sizes ascending, counted from 0, the receipt's among
                                              them; the hashes lead from the one before
    place <position> <base64 hash>...\\n       where the event stands in its batch, and the path to the signed root
    entry <role> <checkpoint> <index> <base64> <base64 hash>...\\n
                                              what the event rests on, and its inclusion path

Roles, in this order: `genesis` once, `batch` once, `key` at most once (the event that registered the producer's key;
none for the hub's own events), `end` up to 4 times (events that destroyed sealed content). The lines stand in this
order and each content has one form. There is never a payload in it, sealed or not. Nothing is believed here but the
form; what a pack proves is said by `hub.evidence_pack`.

Source: docs/spec/evidence-pack.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.ids import Hash
from ledger.batch import MAX_BATCH
from ledger.note import MAX_NOTE_BYTES
from ledger.note_text import parse_base64, parse_decimal
from ledger.placed import Placed, base64_text, check_form, check_path, malformed, parse_hashes, parse_placed
from ledger.policy import MAX_POLICY_BYTES
from ledger.proof import MAX_PROOF_BYTES
from ledger.tiles import MAX_ENTRY_BYTES

PACK_HEADER: Final = "pprd-pack/v1"
MAX_PACK_BYTES: Final = 1 << 20
"""Longest text of a pack."""
MAX_CHECKPOINTS: Final = 8
MAX_ENDS: Final = 4


@dataclass(frozen=True, slots=True)
class Linked:
    """A checkpoint, and how it goes on from the one before it in the pack.

    Attributes:
        note: The signed note with all its signatures.
        path: Consistency path from the one before; empty for the first.
    """

    note: bytes
    path: tuple[Hash, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidencePack:
    """The content of a pack; nothing in it is checked but its form.

    Attributes:
        policy: A policy file; whoever judges compares its keys with those he knows, or takes his own.
        receipt: A `.tlog-proof`.
        checkpoints: Sizes ascending.
        position: Place of the event in its batch, from 0.
        place: Inclusion path of the event in the batch.
        genesis: Entry 0.
        batch: The batch entry.
        key: The event that registered the key which signed the batch; None if the genesis entry names it.
        ends: Events that destroyed content that the event had sealed.
    """

    policy: bytes
    receipt: bytes
    checkpoints: tuple[Linked, ...]
    position: int
    place: tuple[Hash, ...]
    genesis: Placed
    batch: Placed
    key: Placed | None = None
    ends: tuple[Placed, ...] = ()

    @property
    def entries(self) -> tuple[tuple[str, Placed], ...]:
        """All entries with their roles, in order."""
        key = () if self.key is None else (("key", self.key),)
        return (("genesis", self.genesis), ("batch", self.batch), *key, *(("end", part) for part in self.ends))


def format_pack(pack: EvidencePack) -> bytes:
    """Write the text of a pack.

    Raises:
        ContractError: EVIDENCE_MALFORMED, a part is out of its range.
    """
    _check(pack)
    lines = [PACK_HEADER, f"policy {base64_text(pack.policy)}", f"receipt {base64_text(pack.receipt)}"]
    lines += [_line("checkpoint", base64_text(one.note), one.path) for one in pack.checkpoints]
    lines.append(_line("place", str(pack.position), pack.place))
    lines += [f"entry {role} {part.words()}" for role, part in pack.entries]
    return "\n".join([*lines, ""]).encode("ascii")


def parse_pack(data: bytes) -> EvidencePack:
    """Read the form of a pack; there is one form of each.

    Raises:
        ContractError: EVIDENCE_MALFORMED, or NOTE_MALFORMED for a piece of base64 or a number.
    """
    if len(data) > MAX_PACK_BYTES:
        raise malformed(f"a pack has at most {MAX_PACK_BYTES} bytes, not {len(data)}")
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError as err:
        raise malformed(f"byte {err.start} is not ASCII") from err
    if lines.pop() or not lines or lines[0] != PACK_HEADER:
        raise malformed(f"a pack begins with {PACK_HEADER} and ends in a newline")
    pack = _read(lines[1:])
    if format_pack(pack) != data:
        raise malformed("the parts do not stand in their order")
    return pack


def _read(lines: list[str]) -> EvidencePack:
    once: dict[str, bytes] = {}
    checkpoints: list[Linked] = []
    places: list[Sequence[str]] = []
    entries: dict[str, list[Placed]] = {"genesis": [], "batch": [], "key": [], "end": []}
    for line in lines:
        match line.split(" "):
            case [("policy" | "receipt") as name, content]:
                once[name] = parse_base64(content)
            case ["checkpoint", note, *path]:
                checkpoints.append(Linked(parse_base64(note), parse_hashes(path)))
            case ["place", *words] if words:
                places.append(words)
            case ["entry", role, *words] if role in entries and len(words) >= 3:
                entries[role].append(parse_placed(words))
            case _:
                raise malformed(f"{line[:20]!r} begins no part of a pack")
    genesis, batch, key = entries["genesis"], entries["batch"], entries["key"]
    if len(once) != 2 or len(places) != 1 or len(genesis) != 1 or len(batch) != 1 or len(key) > 1:
        raise malformed("a pack has one policy, receipt, place, genesis entry and batch entry, and one key at most")
    ((position, *place),) = places
    return EvidencePack(
        policy=once["policy"],
        receipt=once["receipt"],
        checkpoints=tuple(checkpoints),
        position=parse_decimal(position),
        place=parse_hashes(place),
        genesis=genesis[0],
        batch=batch[0],
        key=key[0] if key else None,
        ends=tuple(entries["end"]),
    )


def _line(name: str, first: str, path: tuple[Hash, ...]) -> str:
    return " ".join([name, first, *map(base64_text, path)])


def _check(pack: EvidencePack) -> None:
    if len(pack.policy) > MAX_POLICY_BYTES or len(pack.receipt) > MAX_PROOF_BYTES:
        raise malformed("policy or receipt is too long")
    if not 1 <= len(pack.checkpoints) <= MAX_CHECKPOINTS or pack.checkpoints[0].path:
        raise malformed(f"a pack has 1 to {MAX_CHECKPOINTS} checkpoints, and nothing leads to the first")
    for one in pack.checkpoints:
        if len(one.note) > MAX_NOTE_BYTES:
            raise malformed(f"a checkpoint has at most {MAX_NOTE_BYTES} bytes")
        check_path(one.path)
    if not 0 <= pack.position < MAX_BATCH or len(pack.ends) > MAX_ENDS:
        raise malformed(f"a place is below {MAX_BATCH}, and at most {MAX_ENDS} events end content")
    check_path(pack.place)
    for _, part in pack.entries:
        check_form(part, len(pack.checkpoints))
        if len(part.content) > MAX_ENTRY_BYTES:
            raise malformed(f"an entry has at most {MAX_ENTRY_BYTES} bytes")
