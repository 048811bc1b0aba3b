"""The verifier of the page is a second reader of the formats: of every vector it says what ours says (LEDGER)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final

import pytest

from docs.ledger_packs import pack_samples
from docs.ledger_parties import LOG, ML_DSA_WITNESS, PUBLISHED, WITNESS
from tests.support.browser import JsVerifier

pytestmark = pytest.mark.integration

VECTORS: Final = Path(__file__).parents[2] / "vectors"
KEYS: Final = [LOG.verifier.vkey, WITNESS.verifier.vkey, ML_DSA_WITNESS.verifier.vkey]


def page(name: str) -> Any:
    return json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))


def text64(data: bytes) -> str:
    return base64.b64encode(data).decode()


_NOTE = """
  const keys = await Promise.all(row.keys.map(v.parseVkey));
  const note = await v.readNote(v.fromBase64(row.data), keys);
  if (!note.verified.length && !note.unchecked.length) throw new v.Refusal("no known key signed");
  const checkpoint = await v.readCheckpointText(note.text);
  if (row.isLog && checkpoint.origin !== keys[0].name) throw new v.Refusal("another log");
"""
BODIES = {
    "notes": _NOTE,
    "checkpoints": _NOTE,
    "keys": "await v.parseVkey(new TextDecoder().decode(v.fromBase64(row.data)));",
    "policies": "await v.parsePolicy(v.fromBase64(row.data));",
    "proofs": "await v.parseProof(v.fromBase64(row.data));",
}


@pytest.mark.parametrize("kind", list(BODIES))
def test_every_frozen_defect_is_refused(js: JsVerifier, kind: str) -> None:
    files = sorted((VECTORS / kind).iterdir())
    keys = KEYS[:1] if kind == "checkpoints" else KEYS
    rows = [{"data": text64(file.read_bytes()), "keys": keys, "isLog": kind == "checkpoints"} for file in files]

    found = js.refusals(BODIES[kind], rows)

    assert len(files) > 10
    assert [file.name for file, why in zip(files, found, strict=True) if not why] == []


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_outside_merkle_vectors_are_judged_as_published(js: JsVerifier, kind: str) -> None:
    """But for two roots that are no hashes, as in tests/vectors/README.md."""
    rows = [json.loads(line) for line in (VECTORS / f"merkle_{kind}.jsonl").read_text("utf-8").splitlines()]
    body = {
        "inclusion": """
          const [index, size] = [BigInt(row.leafIdx), BigInt(row.treeSize)];
          const path = (row.proof ?? []).map(v.fromBase64);
          const [leaf, root] = [row.leafHash, row.root].map(v.fromBase64);
          await v.verifyInclusion({ leaf, index, size, path, root });
        """,
        "consistency": """
          const [size1, size2, path] = [BigInt(row.size1), BigInt(row.size2), (row.proof ?? []).map(v.fromBase64)];
          const [root1, root2] = [row.root1, row.root2].map(v.fromBase64);
          await v.verifyConsistency({ size1, size2, path, root1, root2 });
        """,
    }[kind]
    for row in rows:
        # A number of JavaScript does not hold all of these.
        row.update({name: str(row[name]) for name in ("leafIdx", "treeSize", "size1", "size2") if name in row})

    found = js.refusals(body, rows)

    is_no_hash = [kind == "consistency" and len(base64.b64decode(row["root1"])) != 32 for row in rows]
    assert len(rows) == 98
    assert [bool(why) for why in found] == [row["wantErr"] or odd for row, odd in zip(rows, is_no_hash, strict=True)]


def test_every_published_proof_of_the_tree_holds(js: JsVerifier) -> None:
    tree = page("tree")
    inclusion = """
      const path = row.path.map(v.fromHex), [leaf, root] = [row.leaf, row.root].map(v.fromHex);
      await v.verifyInclusion({ leaf, index: BigInt(row.index), size: BigInt(row.size), path, root });
    """
    consistency = """
      const path = row.path.map(v.fromHex), [root1, root2] = [row.old_root, row.new_root].map(v.fromHex);
      await v.verifyConsistency({ size1: BigInt(row.old), size2: BigInt(row.new), path, root1, root2 });
    """

    assert set(js.refusals(inclusion, tree["inclusion"])) == {""}
    assert set(js.refusals(consistency, tree["consistency"])) == {""}


def test_policies_say_what_is_published_but_for_lines_that_no_browser_checks(js: JsVerifier) -> None:
    """With an ML-DSA-44 line the answer is neither yes nor no."""
    policies = page("policies")
    said = """
      async ([policy, note]) => {
        const v = globalThis.verifier, known = await v.parsePolicy(v.toBytes(policy));
        try {
          await v.readSigned(known, v.toBytes(note));
          return (await v.readCosigners(known, v.toBytes(note))).state;
        } catch (error) { return error instanceof v.Refusal ? "refused" : String(error); }
      }
    """
    found: dict[tuple[str, str], str] = {}
    for row in policies["policies"]:
        for name, expected in row["accepts"].items():
            state = js.call(said, [row["policy"], policies["notes"][name]])
            found[row["policy"].splitlines()[-2:][0] + " " + row["policy"].splitlines()[-1], name] = state
            if state == "unable":
                assert expected == "accepted"
                assert "b" in name
            else:
                assert (state != "refused") is (expected == "accepted")

    assert len(found) == 20
    assert list(found.values()).count("unable") == 3


def test_proof_files_prove_their_entry_and_no_other(js: JsVerifier) -> None:
    proofs = page("proofs")
    body = """
      const proof = await v.parseProof(v.toBytes(row.file));
      const policy = await v.parsePolicy(v.toBytes(row.policy));
      const { size, root } = await v.readSigned(policy, proof.note);
      const entry = v.fromHex(row.entry);
      if (proof.extra && v.toHex(proof.extra) !== row.entry) throw new v.Refusal("another entry");
      await v.verifyInclusion({ leaf: await v.hashLeaf(entry), index: proof.index, size, path: proof.path, root });
    """
    policy = f"log {proofs['vkey']}\nquorum none\n"
    good = [row | {"policy": policy} for row in (*proofs["good"], proofs["without_extra"], proofs["cosigned"])]
    wrong = [row | {"policy": policy} for row in proofs["wrong"]]

    assert set(js.refusals(body, good)) == {""}
    assert "" not in js.refusals(body, wrong)


def test_entries_are_read_by_their_kinds(js: JsVerifier) -> None:
    found = page("entries")
    read = """
      ([entries, tbs]) => {
        const v = globalThis.verifier, batch = v.readTbs(v.fromHex(tbs));
        return [entries.map((entry) => v.readEntry(v.words, v.fromHex(entry)).kind), batch.producer, batch.n];
      }
    """

    kinds, producer, n = js.call(read, [[entry["bytes"] for entry in found["entries"]], found["batch"]["tbs"]])

    assert kinds == ["GenesisEntry", "BatchEntry", "EventEntry", "GenesisEntry"]
    assert (producer, n) == (found["batch"]["producer"], found["batch"]["n"])


def test_every_published_pack_is_judged_by_the_check_that_is_named(js: JsVerifier) -> None:
    samples = list(pack_samples())
    judge = """
      async (packs) => {
        const v = globalThis.verifier, found = [];
        for (const pack of packs) {
          const { verdict, checks } = await v.verifyPack(v.words, v.fromBase64(pack));
          const failed = checks.find(({ state }) => state === "fail")?.name ?? null;
          found.push([verdict, failed, checks.map(({ why }) => why[0])]);
        }
        return found;
      }
    """

    found = js.call(judge, [text64(sample.pack) for sample in samples])

    for sample, (verdict, check, whys) in zip(samples, found, strict=True):
        assert (verdict, check) == ("fail" if sample.check else "pass", sample.check), (sample.name, whys)
        assert not any("unforeseen" in why for why in whys), (sample.name, whys)
    assert len(samples) > 60
