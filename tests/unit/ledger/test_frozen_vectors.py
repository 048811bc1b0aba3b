"""What a lax parser lets through is refused, defect by defect; vectors are what their generator makes (LEDGER 2)."""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from contracts.errors import ExchangeError
from docs.ledger_defects import refused
from docs.ledger_parties import LOG, ML_DSA_WITNESS, PUBLISHED, WITNESS
from docs.ledger_vectors import FROZEN, KINDS, made
from ledger.checkpoint import parse_checkpoint, parse_checkpoint_text
from ledger.note import NoteVerifier, parse_note
from ledger.policy import parse_policy
from ledger.proof import parse_proof
from ledger.tiles import decode_bundle, parse_tile_path
from ledger.witness import NOTHING_KNOWN, check_growth, open_request

_KEYS = [LOG.verifier, WITNESS.verifier, ML_DSA_WITNESS.verifier]
_MADE = made()
_CODES = {(one.kind, one.defect): one.code for one in refused()}

READERS: Mapping[str, Callable[[bytes], object]] = {
    "notes": lambda data: parse_checkpoint_text(parse_note(data, _KEYS).text),
    "checkpoints": lambda data: parse_checkpoint(data, LOG.verifier),
    "keys": lambda data: NoteVerifier.parse(data.decode()),
    "policies": parse_policy,
    "proofs": parse_proof,
    "bundles": decode_bundle,
    "requests": lambda data: check_growth(open_request(data, {LOG.name: [LOG.verifier]}), NOTHING_KNOWN),
    "tile-names": lambda data: parse_tile_path(data.decode()),
}


def test_every_kind_has_a_reader_and_its_files() -> None:
    assert set(READERS) == set(KINDS) == {kind for kind, _ in _CODES}
    assert {(path.parent.name, path.name) for kind in KINDS for path in (FROZEN / kind).iterdir()} == set(_CODES)


@pytest.mark.parametrize(("kind", "defect"), list(_CODES))
def test_a_frozen_defect_is_refused(kind: str, defect: str) -> None:
    data = (FROZEN / kind / defect).read_bytes()

    with pytest.raises(ExchangeError) as caught:
        READERS[kind](data)
    assert caught.value.code == _CODES[kind, defect]


@pytest.mark.parametrize("path", list(_MADE), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_of_vectors_is_what_its_generator_makes(path: Path) -> None:
    assert path.read_bytes() == _MADE[path], "say `make vectors`"


def test_nothing_else_is_published() -> None:
    written = {path for path in _MADE if path.parent == PUBLISHED}

    assert set(PUBLISHED.iterdir()) == written | {PUBLISHED / "README.md"}


def test_the_published_refusals_are_refused_as_they_say() -> None:
    rows = json.loads((PUBLISHED / "refused.json").read_text(encoding="utf-8"))["refused"]
    assert len(rows) > 100
    for row in rows:
        with pytest.raises(ExchangeError) as caught:
            READERS[row["kind"]](base64.b64decode(row["base64"]))
        assert caught.value.code == row["code"], row["defect"]
