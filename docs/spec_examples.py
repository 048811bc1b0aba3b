"""The examples in the pages of `docs/spec`, written from the vectors: `make docs`.

Between `<!-- example: NAME -->` and `<!-- end -->` a page holds what `EXAMPLES[NAME]` makes of the published files, and
nothing else; a test compares. So the bytes of a page are those of a vector.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from docs.ledger_parties import PUBLISHED

PAGES: Final = Path(__file__).resolve().parent / "spec"
"""The folder of the pages."""
_BLOCK: Final = re.compile(r"<!-- example: ([a-z-]+) -->\n(.*?)<!-- end -->", re.DOTALL)
_WIDTH: Final = 96


def rendered(page: str) -> str:
    """A page with its examples written again."""
    return _BLOCK.sub(lambda match: f"<!-- example: {match[1]} -->\n{EXAMPLES[match[1]]()}<!-- end -->", page)


def named(page: str) -> list[str]:
    """The examples of a page."""
    return [match[1] for match in _BLOCK.finditer(page)]


@cache
def _page(name: str) -> Any:
    return json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))


def _code(lines: Iterable[str]) -> str:
    return "".join(f"    {line}".rstrip() + "\n" for line in lines)


def _rows(*rows: tuple[str, object]) -> Iterator[str]:
    """Name and value, long hex on lines of its own."""
    width = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        text = str(value)
        first, *more = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)] or [""]
        yield f"{name:{width}}{first}"
        yield from (" " * width + line for line in more)


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    cells = [list(head), ["---"] * len(list(head)), *(list(map(str, row)) for row in rows)]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def _tree() -> str:
    tree = _page("tree")
    return _code(
        _rows(
            *((f'leaf("{data}")', leaf) for data, leaf in list(zip(tree["inputs"], tree["leaves"], strict=True))[:3]),
            ("node(leaf 0, leaf 1)", tree["node"]["hash"]),
            ("root of size 3", tree["roots"][3]),
            ("root of size 8", tree["roots"][8]),
        )
    )


def _checkpoint() -> str:
    note = _page("batches")["checkpoints"]["4"]
    vkey = _page("notes")["log"]
    return _code([f"vkey    {vkey['vkey']}", f"key id  {vkey['key_id']}", "", *note.splitlines()])


def _event() -> str:
    good = _page("events")["good"][0]
    return _pieces(good["pieces"], good["fields"]) + _code(_rows(("leaf", good["leaf"])))


def _pieces(pieces: list[dict[str, str]], fields: Mapping[str, Any]) -> str:
    rows = ((f"`{one['field']}`", _value(fields.get(one["field"], "")), f"`{one['hex']}`") for one in pieces)
    return _table(("piece", "value", "bytes"), rows) + "\n"


def _value(value: object) -> str:
    if isinstance(value, list | dict):
        return f"{len(value)}" if value else "none"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _event_optional() -> str:
    good = _page("events")["good"][1]
    wanted = ("class", "stream_seq", "counterpart_office", "occurred_at", "sealed", "correlation_id", "causation_id")
    ref = good["fields"]["sealed"][0]
    pieces = [one for one in good["pieces"] if one["field"] in wanted]
    said = ", ".join(f"{name} {_value(ref[name])}" for name in ("profile", "bucket_kib"))
    sealed = f"one row: {said}, recipients {' '.join(ref['recipients'])}"
    return _pieces(pieces, good["fields"] | {"sealed": sealed})


def _event_refused() -> str:
    rows = ((f"`{one['defect']}`", f"`{one['code']}`", one["field"] or "") for one in _page("events")["refused"])
    return _table(("defect", "code", "field"), rows)


def _batch() -> str:
    one = _page("batches")["batches"][0]
    steps = _rows(
        *((f"leaf[{at}]", leaf) for at, leaf in enumerate(one["leaves"])),
        ("node(leaf[0], leaf[1])", one["nodes"][0]),
        ("root", one["root"]),
        ("path of position 0", " ".join(one["paths"][0])),
        ("path of position 2", " ".join(one["paths"][2])),
    )
    pieces = _table(
        ("piece", "value", "bytes"),
        ((f"`{piece['field']}`", _value(one.get(piece["field"], "")), f"`{piece['hex']}`") for piece in one["pieces"]),
    )
    after = _rows(
        ("SHA-256(TBS)", f"{one['hash']}   prev_batch of the next one"),
        ("key id", one["key_id"]),
        ("signature", one["signature"]),
    )
    return _code(steps) + "\n" + pieces + "\n" + _code(after)


def _keys() -> str:
    rows = (
        (one["holder"], f"`{one['purpose']}`", f"`{one['seed']}`", f"`{one['public_key']}`", f"`{one['key_id']}`")
        for one in _page("batches")["keys"]
    )
    return _table(("holder", "purpose", "private", "public", "key id"), rows)


def _batch_refused() -> str:
    rows = ((f"`{one['defect']}`", f"`{one['code']}`") for one in _page("batches")["refused"])
    return _table(("defect", "code"), rows)


def _entries() -> str:
    return _code(
        line
        for one in _page("batches")["entries"][:3]
        for line in _rows(("index", f"{one['index']}, {one['kind']}"), ("bytes", one["bytes"]), ("leaf", one["leaf"]))
    )


def _receipt() -> str:
    batches = _page("batches")
    one, leaves = batches["receipts"][2], [entry["leaf"] for entry in batches["entries"]]
    run = ((f"leaf[{at}]", leaves[at]) for at in range(one["start"], one["end"]))
    sides = ((f"{side}[{at}]", value) for side in ("left", "right") for at, value in enumerate(one[side]))
    said = f"[{one['start']}, {one['end']}) of size {one['size']}"
    note = batches["checkpoints"][str(one["size"])].splitlines()
    return _code([*_rows(("range", said), *run, *sides), "", *note])


def _proof() -> str:
    return _code(_page("proofs")["good"][5]["file"].splitlines())


def _sealing() -> str:
    one = _page("sealing")
    inside = one["inside"]
    return _code(
        _rows(
            *((name, one[name]) for name in ("stream_id", "event_id", "profile", "bound", "plaintext")),
            *((name, one[name]) for name in ("content_key", "nonce", "opening", "commitment")),
            ("inside", f"opening || {inside['length']} || plaintext || {inside['zeros']} zeros"),
            ("envelope", f"{one['envelope'][:192]}… {len(one['envelope']) // 2} bytes"),
            ("ciphertext_hash", one["ciphertext_hash"]),
        )
    )


def _hpke() -> str:
    one = _page("sealing")["wrapped"][0]
    named = ("public_key", "ephemeral_seed", "enc", "dh", "shared_secret", "key_schedule_context", "secret", "key")
    return _code(_rows(*((name, one[name]) for name in (*named, "base_nonce", "wrapped"))))


def _sealing_refused() -> str:
    return _code([", ".join(one["defect"] for one in _page("sealing")["refused"][:5]) + ",",
                  ", ".join(one["defect"] for one in _page("sealing")["refused"][5:])])  # fmt: skip


def _heads() -> str:
    rows: list[tuple[str, object]] = []
    for one in _page("deliveries")["heads"]:
        for n, (leaf, head) in enumerate(zip(one["leaves"], one["heads"], strict=True), 1):
            rows += [(f"{one['point']} leaf {n}", leaf), (f"{one['point']} h_{n}", head)]
    return _code(_rows(*rows))


def _run() -> str:
    one = _page("deliveries")["runs"][0]
    return _code(
        _rows(
            (
                "run",
                f"{one['point']}:{one['first_n']}, one notification: entry {one['notifications'][0]['leaf_index']}",
            ),
            ("bytes", one["bytes"]),
        )
    )


def _run_refused() -> str:
    rows = ((f"`{one['defect']}`", f"`{one['code']}`") for one in _page("deliveries")["refused"])
    return _table(("defect", "code"), rows)


def _sealed_run() -> str:
    one = _page("deliveries")["sealed_run"]
    size, head = len(one["encoded"]) // 2, one["bytes"]
    return _code(
        _rows(
            ("point, its key", f"{one['point']} {one['key_id']}"),
            ("public key", one["public_key"]),
            ("ephemeral private", one["ephemeral_seed"]),
            ("info", one["info"]),
            ("run", f"{size} bytes, then 42, four bytes, {one['padding']} zeros: {one['bucket_kib']} KiB"),
            ("message", f"{head[:192]}… {len(head) // 2} bytes"),
        )
    )


def _delivery_receipt() -> str:
    one = _page("deliveries")["receipt"]
    names = ("point", "n", "head", "received_ms", "key_id", "tbs", "signature", "bytes")
    return _code(_rows(*((name, one[name]) for name in names)))


def _replay() -> str:
    rows = _page("replay")["entries"][-14:]
    return _table(
        ("index", "entry", "producer", "key", "state after", "told"),
        (
            (
                one["index"],
                one["event_type"] or one["kind"],
                one["producer"] or "",
                f"`{one['key_id']}`" if one["key_id"] else "",
                one["state"] or "",
                "; ".join(f"{point} {n} `{head[:16]}…`" for point, n, head in one["told"]),
            )
            for one in rows
        ),
    )


def _cosignature() -> str:
    told = _page("cosignatures")
    rows: list[tuple[str, object]] = [("text", repr(told["text"]).strip("'")), ("seconds", told["seconds"])]
    for one in told["good"]:
        shown = ((name, one[name].strip()) for name in ("vkey", "signed", "line"))
        rows += [
            ("", ""),
            *((name, text if len(text) < 400 else f"{text[:64]}… {len(text)} characters") for name, text in shown),
        ]
    return _code(_rows(*rows))


def _policy() -> str:
    told = _page("policies")
    notes = list(told["notes"])
    rows = (
        (f"`{' / '.join(one['policy'].splitlines()[3:])}`", *(f"`{one['accepts'][note]}`" for note in notes))
        for one in told["policies"]
    )
    return _table(("policy of witnesses a and b", *(f"cosigned by {note}" for note in notes)), rows)


def _witnessing() -> str:
    rows = (
        (one["known"]["size"], one["body"].split("\n")[0], one["why"], one["status"])
        for one in _page("witnessing")["requests"]
    )
    return _table(("cosigned last", "asked", "", "status"), rows)


def _bodies() -> str:
    rows = (
        (
            f"`{one['name']}`",
            "; ".join(f"{name} {_value(value)}" for name, value in one["fields"].items()),
            f"`{one['bytes']}`",
        )
        for one in _page("bodies")["good"]
    )
    return _table(("body", "fields", "bytes"), rows)


EXAMPLES: Final[Mapping[str, Callable[[], str]]] = {
    "tree": _tree,
    "checkpoint": _checkpoint,
    "event": _event,
    "event-optional": _event_optional,
    "event-refused": _event_refused,
    "batch": _batch,
    "keys": _keys,
    "batch-refused": _batch_refused,
    "entries": _entries,
    "receipt": _receipt,
    "proof": _proof,
    "sealing": _sealing,
    "hpke": _hpke,
    "sealing-refused": _sealing_refused,
    "heads": _heads,
    "run": _run,
    "run-refused": _run_refused,
    "sealed-run": _sealed_run,
    "delivery-receipt": _delivery_receipt,
    "replay": _replay,
    "cosignature": _cosignature,
    "policy": _policy,
    "witnessing": _witnessing,
    "bodies": _bodies,
}
"""What makes each example."""


if __name__ == "__main__":
    for file in sorted(PAGES.glob("*.md")):
        file.write_text(rendered(file.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{len(EXAMPLES)} examples written")
