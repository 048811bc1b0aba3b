"""An evidence pack has one form, and proves its event, its batch, its producer and its checkpoints or is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.compose.packing import end_of
from adapters.pack.words import words_of
from contracts.edition import load_contracts
from contracts.errors import ContractError, ExchangeError
from contracts.procedure_types import ERASE_ALL
from docs.ledger_packs import POLICY, SENT, PackSample, good_pack, pack_samples, read_body
from docs.ledger_parties import PUBLISHED
from hub.evidence_pack import ProvedPack, verify_pack
from ledger.pack import MAX_PACK_BYTES, format_pack, parse_pack
from ledger.policy import parse_policy

SAMPLES = list(pack_samples())


def judged(data: bytes) -> ProvedPack:
    """What a pack proves under its own policy."""
    pack = parse_pack(data)
    return verify_pack(pack, parse_policy(pack.policy), read_body=read_body, end_of=end_of)


@pytest.mark.parametrize("sample", [one for one in SAMPLES if one.check is None], ids=lambda one: one.name)
def test_a_good_pack_proves_its_event(sample: PackSample) -> None:
    proved = judged(sample.pack)

    assert format_pack(parse_pack(sample.pack)) == sample.pack
    assert proved.header == proved.proved.header
    assert proved.proved.checkpoint in [head.checkpoint for head in proved.heads]


def test_a_good_pack_says_who_signed_what_and_what_became_of_the_content() -> None:
    proved = judged(format_pack(good_pack()))

    assert proved.header.event_id == SENT
    assert (proved.batch.producer, proved.batch.n) == ("44-node", 3)
    assert [head.checkpoint.size for head in proved.heads] == [3, 6, 8]
    assert [name for name, _ in proved.proved.cosigned_at] == ["a"]
    assert proved.ends == ((7, "ContentEnded"),)


def test_whatever_destroys_content_ends_it_in_a_pack_and_on_its_page() -> None:
    """Also an order to erase, which closes the record besides: a pack of such a record could not be made."""
    contracts, sent = load_contracts(), judged(format_pack(good_pack())).header
    target, destroying = b"\x07" * 16, 0
    for (name, edition), procedure in contracts.procedures.items():
        for event, effect in procedure.effects.items():
            header = sent._replace(procedure=name, edition=edition, event_type=event)
            ended = end_of(header, {effect.on: target} if effect.on else {})
            is_end = effect.does.startswith("ERASE") and effect.does != ERASE_ALL

            assert ended == ((target if effect.on else sent.stream_id) if is_end else None), (name, event)
            assert (f"{name}/{edition}/{event}" in words_of(contracts)["ends"]) is is_end, (name, event)
            destroying += is_end
    assert destroying > 2


@pytest.mark.parametrize("sample", [one for one in SAMPLES if one.check is not None], ids=lambda one: one.name)
def test_a_wrong_pack_is_refused(sample: PackSample) -> None:
    with pytest.raises(ExchangeError):
        judged(sample.pack)


def test_every_check_has_a_pack_that_it_refuses() -> None:
    checks = {one.check for one in SAMPLES if one.check is not None}

    assert checks == {
        *("form", "policy", "receipt", "event", "signature", "witnesses"),
        *("inclusion", "chain", "genesis", "batch", "key", "producer", "ends"),
    }


def test_another_policy_than_the_one_in_the_pack_decides() -> None:
    """What a pack says about whom to trust is believed by nobody."""
    strange = parse_policy(POLICY.replace(b"quorum a", b"quorum none"))
    pack = replace(good_pack(), policy=b"log nobody\n")

    assert verify_pack(pack, strange, read_body=read_body, end_of=end_of).header.event_id == SENT


@given(st.data())
def test_a_changed_byte_is_refused_wherever_it_stands(data: st.DataObject) -> None:
    text = format_pack(good_pack())
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + bytes((text[at] ^ data.draw(st.integers(1, 255)),)) + text[at + 1 :]

    with pytest.raises(ExchangeError):
        judged(changed)


@given(st.binary(max_size=300))
def test_what_is_no_pack_is_refused_with_a_code_of_ours(data: bytes) -> None:
    with pytest.raises(ContractError):
        parse_pack(b"pprd-pack/v1\n" + data)


def test_a_text_that_is_too_long_is_not_read() -> None:
    with pytest.raises(ContractError, match="at most"):
        parse_pack(b"x" * (MAX_PACK_BYTES + 1))


def test_the_published_packs_are_the_samples() -> None:
    page = json.loads((PUBLISHED / "packs.json").read_text(encoding="utf-8"))
    first = page["good"][0]["pack"].split("\n")

    def text(row: Mapping[str, Any]) -> bytes:
        lines = row.get("pack", "").split("\n") if "pack" in row else list(first)
        for at, line in row.get("lines", {}).items():
            lines[int(at)] = line
        return "\n".join(lines).encode()

    rows = [*page["good"], *page["refused"]]
    assert [PackSample(row["name"], text(row), row.get("check")) for row in rows] == SAMPLES
