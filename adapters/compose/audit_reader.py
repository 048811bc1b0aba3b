"""The reading half of a divided audit, as a process of its own: `python -P -m adapters.compose.audit_reader`.

It writes to standard output what `adapters.compose.audit_jobs` reads: frames of four bytes of length and a marshalled
value. A frame of entries is a list, the last frame a tuple of what was counted; a reader that finds anything wrong
ends without that last frame, and says nothing: the audit in one process names it.
"""

from __future__ import annotations

import gc
import marshal
import os
import sys
from typing import IO, Any

from adapters.compose.audit_sources import opened_source
from adapters.compose.parts import contracts_in_force
from adapters.store.store_shelf import StoreShelf
from contracts.errors import ExchangeError
from hub.audit_forward import Forward, Passed
from hub.audit_hashes import HashAudit

FRAME_HEAD = 4


def write_frame(out: IO[bytes], value: Any) -> None:
    """Write one value, and let it go at once: the other half may be waiting."""
    data = marshal.dumps(value)
    out.write(len(data).to_bytes(FRAME_HEAD, "big"))
    out.write(data)
    out.flush()


def read(source_text: str, size: int, vkey: str, out: IO[bytes]) -> bool:
    """Read a ledger up to a size and pass on all of it; says whether everything was right.

    Args:
        source_text: A data folder or an exported folder.
        size: Of the checkpoint.
        vkey: The log's verifier key.
        out: Where frames go.
    """

    def send(passed: Passed) -> None:
        write_frame(out, [passed.size, passed.is_signed, passed.entries])

    with opened_source(source_text, size=size) as (source, shelf, _, _):
        rules = contracts_in_force(is_sandbox=True)
        ids = shelf if isinstance(shelf, StoreShelf) else None
        forward = Forward(source=source, rules=rules, shelf=ids, send=send)
        report = HashAudit(name=source_text, source=source, rules=rules, vkey=vkey, follower=forward).run()
        if report.problem is not None or report.size != size:
            return False
        forward.finish(size)
        count = forward.payloads.count()
        write_frame(out, (report.origin, report.root, report.checkpoints, None if count is None else tuple(count)))
    return True


def main() -> int:
    """Read what the arguments name."""
    source_text, size, vkey = sys.argv[1:]
    gc.disable()  # nothing that an audit makes refers to itself
    try:
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
            return 0 if read(source_text, int(size), vkey, out) else 1
    except (ExchangeError, BrokenPipeError):
        return 1


if __name__ == "__main__":
    sys.exit(main())
