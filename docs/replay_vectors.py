"""What follows from each entry of the small ledger in `tests/vectors/export`, as the second reader says it.

`docs.ledger_vectors` writes it; a test holds it to what the exchange's own replay derives. The ledger itself is frozen:
`python -m tests.support.small_ledger OUT` made it, and every later release must follow it as this one does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from docs.spec.reference.audit import Contracts, Replay
from docs.spec.reference.export import Export
from docs.spec.reference.note import parse_vkey, read_checkpoint

ROOT: Final = Path(__file__).resolve().parents[1]
EXPORT: Final = ROOT / "tests" / "vectors" / "export"


def replay_page() -> dict[str, Any]:
    """The entries, the heads at the end, and the keys with the indexes at which they are valid."""
    export = Export(EXPORT)
    key = parse_vkey(export.vkey())
    checkpoint = read_checkpoint(export.read("log/checkpoint"), key)
    replay = Replay(Contracts.of(ROOT / "contracts"), key)
    steps = [replay.take(entry) for _, entry in export.entries(checkpoint.size)]
    return {
        "vkey": export.vkey(),
        "size": checkpoint.size,
        "root": checkpoint.root,
        "entries": [{"index": index, **step._asdict()} for index, step in enumerate(steps)],
        "heads": {point: [n, head] for point, (n, head) in sorted(replay.heads.items())},
        "keys": [
            {"key_id": name, **one._asdict()}
            for name, one in sorted(replay.directory.keys.items(), key=lambda item: (item[1].since, item[0]))
        ],
    }
