"""The reading half of a divided audit, as a process of its own: `python -P -m adapters.compose.audit_reader`.

Its start is waited for, so it imports what it needs and no more.

It writes to standard output what `adapters.compose.audit_jobs` reads: frames of four bytes of length and a marshalled
value. A frame of entries is a list, the last frame a tuple of what was counted; a reader that finds anything wrong
ends without that last frame, and says nothing: the audit in one process names it.
"""

from __future__ import annotations

import gc
import marshal
import os
import sys
from collections.abc import Callable
from typing import IO, Any, Final

from adapters.compose.local_source import Opened, opened_local
from adapters.store.store_shelf import StoreShelf
from contracts.errors import ExchangeError
from contracts.schema import load_registry
from hub.audit_forward import EntryForward, Forward, Passed
from hub.audit_pass import LedgerPass
from hub.audit_tree import TileTree

FRAME_HEAD: Final = 4
WHOLE: Final = "whole"
HASHES: Final = "hashes"
"""What to read: everything, or what `--hashes-only` asks for."""


def write_frame(out: IO[bytes], value: Any) -> None:
    """Write one value, and let it go at once: the other half may be waiting."""
    data = marshal.dumps(value)
    out.write(len(data).to_bytes(FRAME_HEAD, "big"))
    out.write(data)
    out.flush()


def read(source_text: str, size: int, vkey: str, out: IO[bytes], *, what: str) -> bool:
    """Read a ledger up to a size and pass on all of it; says whether everything was right.

    Args:
        source_text: A data folder or an exported folder.
        size: Of the checkpoint.
        vkey: The log's verifier key.
        out: Where frames go.
        what: `WHOLE` or `HASHES`.

    Raises:
        ExchangeError: Not everything was right.
    """

    def send(passed: Passed[Any]) -> None:
        write_frame(out, list(passed))

    with opened_local(source_text, size=size) as opened:
        if what == HASHES:
            walked = LedgerPass(name=source_text, source=opened.source, registry=load_registry, vkey=vkey)
            checkpoint, _ = walked.begin()
            walked.walk(EntryForward(send), TileTree(opened.source, checkpoint.size))
            counted = (checkpoint.origin, checkpoint.root.hex(), walked.checkpoints, None)
            is_right = checkpoint.size == size
        else:
            is_right, counted = _whole(source_text, opened, size, vkey, send)
        if is_right:
            write_frame(out, counted)
    return is_right


def _whole(
    source_text: str, opened: Opened, size: int, vkey: str, send: Callable[[Passed[Any]], None]
) -> tuple[bool, tuple[Any, ...]]:
    from adapters.compose.parts import contracts_in_force
    from hub.audit_hashes import HashAudit

    rules = contracts_in_force(is_sandbox=True)
    ids = opened.shelf if isinstance(opened.shelf, StoreShelf) else None
    forward = Forward(source=opened.source, rules=rules, shelf=ids, send=send)
    report = HashAudit(name=source_text, source=opened.source, rules=rules, vkey=vkey, follower=forward).run()
    if report.problem is not None or report.size != size:
        return False, ()
    forward.finish(size)
    count = forward.payloads.count()
    return True, (report.origin, report.root, report.checkpoints, None if count is None else tuple(count))


def main() -> int:
    """Read what the arguments name."""
    source_text, size, vkey, what = sys.argv[1:]
    gc.disable()  # nothing that an audit makes refers to itself
    try:
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
            return 0 if read(source_text, int(size), vkey, out, what=what) else 1
    except (ExchangeError, BrokenPipeError):
        return 1


if __name__ == "__main__":
    sys.exit(main())
