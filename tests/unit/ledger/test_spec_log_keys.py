"""Reads the vectors of log-keys.md as its page says, with nothing of ours: only hashes, Ed25519 and plain Avro."""

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any, Final, NamedTuple

import fastavro
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

CONTRACTS: Final = Path(__file__).resolve().parents[3] / "contracts"
PAGE: Final = json.loads((CONTRACTS / "conformance" / "ledger" / "log-keys.json").read_text(encoding="utf-8"))
EVENTS: Final = {"LogKeyAnnounced": "announced", "LogKeySwitched": "switched", "LogKeyWithdrawn": "withdrawn"}


class WrongError(Exception):
    """What the page refuses."""


class Key(NamedTuple):
    raw: bytes
    since: int
    until: int | None

    def signs(self, size: int) -> bool:
        return self.since <= size and (self.until is None or size <= self.until)


def schema(name: str) -> Any:
    return fastavro.parse_schema(json.loads((CONTRACTS / "avro" / f"{name}.avsc").read_text(encoding="utf-8")))


def single_object(data: bytes, name: str) -> dict[str, Any]:
    return dict(fastavro.schemaless_reader(io.BytesIO(data[10:]), schema(name)))  # type: ignore[arg-type]


def note_id(name: str, raw: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n\x01" + raw).digest()[:4]


def read_note(note: str, keys: list[Key], origin: str) -> tuple[int, bytes]:
    """Size and root, if every key of the size has signed."""
    text, _, lines = note.rpartition("\n\n")
    name, size, root = text.split("\n")
    signatures = {}
    for line in lines.splitlines():
        _, signer, encoded = line.split(" ")
        data = base64.b64decode(encoded)
        if signer == origin:
            signatures[data[:4]] = data[4:]
    wanted = [key for key in keys if key.signs(int(size))]
    if name != origin or not wanted:
        raise WrongError
    for key in wanted:
        try:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(
                signatures[note_id(origin, key.raw)], f"{text}\n".encode()
            )
        except (KeyError, InvalidSignature) as error:
            raise WrongError from error
    return int(size), base64.b64decode(root)


def fold(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2."""
    number, last, node = index, size - 1, leaf
    for sibling in path:
        if number & 1 or number == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        number, last = number >> 1, last >> 1
    if last:
        raise WrongError
    return node


def apply(keys: list[Key], event: dict[str, Any], body: dict[str, Any], index: int) -> list[Key]:
    going_on = [key for key in keys if key.until is None]
    announced = going_on[1] if len(going_on) > 1 else None
    if event["event_type"] == "LogKeyAnnounced":
        if announced is not None or any(key.raw == body["public_key"] for key in keys):
            raise WrongError
        return [*keys, Key(body["public_key"], index + 1, None)]
    id_of = hashlib.sha256(b"pprd-key/v1\n\0log\0" + (b"" if announced is None else announced.raw)).digest()[:8]
    if announced is None or id_of != body["key_id"]:
        raise WrongError
    ends = going_on[0] if event["event_type"] == "LogKeySwitched" else announced
    return [key._replace(until=index) if key == ends else key for key in keys]


def read_chain(chain: str) -> tuple[str, list[Key]]:
    header, *lines, end = chain.split("\n")
    if header != "pprd-log-keys/v1" or end or not lines:
        raise WrongError
    origin, keys, before = "", list[Key](), -1
    for line in lines:
        data = base64.b64decode(line)
        if base64.b64encode(data).decode() != line:
            raise WrongError
        head, _, note = data.decode().partition("\n\n")
        _, extra, number, *path = head.split("\n")
        entry, index = base64.b64decode(extra.removeprefix("extra ")), int(number.removeprefix("index "))
        record = entry.removeprefix(b"pprd-entry/v1\n\0")
        if index <= before or (index == 0) != (before == -1):
            raise WrongError
        if index == 0:
            genesis = single_object(record, "entry_genesis")
            origin, keys = genesis["origin"], [Key(base64.b64decode(genesis["log_key"].split("+", 2)[2])[1:], 0, None)]
        else:
            try:
                bare = single_object(record, "entry_event")["event"].removeprefix(b"pprd-event/v1\n\0")
                event = single_object(bare, "event_header")
            except Exception as error:
                raise WrongError from error
            if event["event_type"] not in EVENTS or event["producer_region"] != "00":
                raise WrongError
            body = single_object(event["body"], f"body/log_key_{EVENTS[event['event_type']]}")
            keys = apply(keys, event, body, index)
        size, root = read_note(note, keys, origin)
        if fold(hashlib.sha256(b"\0" + entry).digest(), index, size, [base64.b64decode(one) for one in path]) != root:
            raise WrongError
        before = index
    return origin, keys


def test_the_chain_gives_the_published_keys() -> None:
    origin, keys = read_chain(PAGE["chain"])

    told = [(row["vkey"].split("+")[0], row["since"], row["until"]) for row in PAGE["keys"]]
    assert [(origin, key.since, key.until) for key in keys] == told
    assert [base64.b64decode(row["vkey"].split("+", 2)[2])[1:] for row in PAGE["keys"]] == [key.raw for key in keys]


def test_a_checkpoint_is_good_under_exactly_the_keys_of_its_size() -> None:
    origin, keys = read_chain(PAGE["chain"])

    def is_good(row: dict[str, Any]) -> bool:
        try:
            return read_note(row["note"], keys, origin)[0] == int(row["size"])
        except WrongError:
            return False

    assert [is_good(row) for row in PAGE["checkpoints"]] == [row["result"] == "accepted" for row in PAGE["checkpoints"]]


@pytest.mark.parametrize("row", PAGE["refused"], ids=lambda row: str(row["reason"]))
def test_a_refused_chain_breaks_a_sentence_of_the_page(row: dict[str, Any]) -> None:
    with pytest.raises(WrongError):
        read_chain(row["chain"])
