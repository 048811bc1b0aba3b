"""Mutated bytes: the verifier of the page refuses exactly what our own readers refuse, and fails in no other way."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

import pytest

from contracts.errors import ExchangeError
from docs.ledger_parties import LOG, NOTE, WITNESS, cosigned
from ledger.note import parse_note
from tests.support.browser import JsVerifier
from tests.support.fuzz import Target, mutated
from tests.support.fuzz_targets import target

pytestmark = pytest.mark.integration

SEVERAL: Final = 150
SAME: Final[Mapping[str, str]] = {
    "note": "v.splitNote(data)",
    "checkpoint text": "await v.readCheckpointText(v.fromUtf8(data))",
    "verifier key": "await v.parseVkey(new TextDecoder('utf-8', { ignoreBOM: true }).decode(data))",
    "policy": "await v.parsePolicy(data)",
    "proof file": "await v.parseProof(data)",
    "evidence pack": "v.parsePack(data)",
    "entry": "v.readEntry(v.words, data)",
    "batch header": "v.readTbs(data)",
}
"""Read by both alike."""
WIDER: Final[Mapping[str, str]] = {"event": "v.readEvent(v.words, data)", "body": "v.readSingle(v.words.schemas, data)"}
"""The page reads their form; which codes and ids a field may hold was checked when they were recorded."""


def refused_by_ours(one: Target, data: bytes) -> bool:
    """Whether our own reader refuses."""
    try:
        one.read(data)
    except ExchangeError:
        return True
    return False


def compared(js: JsVerifier, one: Target, read: str) -> list[tuple[bool, bool, bytes]]:
    """For each input whether ours and the page's reader refuse it."""
    inputs = [*one.seeds, *mutated(one, count=SEVERAL, seed=55)]
    rows = [base64.b64encode(data).decode() for data in inputs]
    theirs = js.refusals(f"const data = v.fromBase64(row); {read};", rows)
    return [(refused_by_ours(one, data), bool(why), data) for data, why in zip(inputs, theirs, strict=True)]


@pytest.mark.parametrize("name", list(SAME))
def test_what_ours_refuses_the_page_refuses_and_nothing_else(js: JsVerifier, name: str) -> None:
    found = compared(js, target(name), SAME[name])

    assert [data[:400] for ours, theirs, data in found if ours is not theirs] == []
    assert sum(ours for ours, _, _ in found) > SEVERAL // 4


@pytest.mark.parametrize("name", list(WIDER))
def test_the_page_reads_every_event_that_can_be_recorded(js: JsVerifier, name: str) -> None:
    found = compared(js, target(name), WIDER[name])

    assert [data[:400] for ours, theirs, data in found if theirs and not ours] == []
    assert sum(theirs for _, theirs, _ in found) > SEVERAL // 4


def test_signatures_are_judged_alike(js: JsVerifier) -> None:
    keys = [LOG.verifier, WITNESS.verifier]
    one = Target("signed note", (NOTE, cosigned(WITNESS)), lambda data: parse_note(data, keys))
    read = f"""
      const keys = await Promise.all({[key.vkey for key in keys]}.map(v.parseVkey));
      const note = await v.readNote(data, keys);
      if (!note.verified.length) throw new v.Refusal("no known key signed")
    """

    found = compared(js, one, read)

    assert [data[:400] for ours, theirs, data in found if ours is not theirs] == []
    assert sum(not ours for ours, _, _ in found) > 2
