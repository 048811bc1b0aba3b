"""What follows from each entry of the small ledger in `tests/vectors/export`, as the second reader says it.

`docs.ledger_vectors` writes it; a test holds it to what the exchange's own replay derives. The ledger itself is frozen:
`python -m tests.support.small_ledger OUT` made it, and every later release must follow it as this one does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from docs.spec.reference.audit import Contracts, Replay, log_keys_of
from docs.spec.reference.export import Export

ROOT: Final = Path(__file__).resolve().parents[1]
EXPORT: Final = ROOT / "tests" / "vectors" / "export"


def replay_page() -> dict[str, Any]:
    """The entries, the heads at the end, and the keys with the indexes at which they are valid."""
    export = Export(EXPORT)
    contracts = Contracts.of(ROOT / "contracts")
    log_keys = log_keys_of(export, contracts)
    checkpoint = log_keys.read(export.read("log/checkpoint"))
    replay = Replay(contracts, log_keys.spans[0].key)
    steps = [replay.take(entry) for _, entry in export.entries(checkpoint.size)]
    return {
        "vkey": export.vkey(),
        "size": checkpoint.size,
        "root": checkpoint.root,
        "log_keys": [{**span.key._asdict(), "since": span.since, "until": span.until} for span in log_keys.spans],
        "entries": [{"index": index, **step._asdict()} for index, step in enumerate(steps)],
        "heads": {point: [n, head] for point, (n, head) in sorted(replay.heads.items())},
        "keys": [
            {"key_id": name, **one._asdict()}
            for name, one in sorted(replay.directory.keys.items(), key=lambda item: (item[1].since, item[0]))
        ],
    }
