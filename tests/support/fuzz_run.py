"""`make fuzz`: a million inputs through every parser, or as many as ARGS say, and what became of them.

python -m tests.support.fuzz_run [COUNT [NAME ...]]
"""

from __future__ import annotations

import sys
import time

from tests.support.fuzz import fuzz
from tests.support.fuzz_targets import NAMES, target

COUNT = 1_000_000


def main(arguments: list[str]) -> None:
    """Feed the named parsers, all of them if none is named."""
    count = int(arguments[0]) if arguments else COUNT
    for name in arguments[1:] or NAMES:
        start = time.process_time()
        outcome = fuzz(target(name), count=count, seed=0)
        refused = ", ".join(f"{code} {times}" for code, times in outcome.codes.most_common(4))
        line = (
            f"{name:26} {outcome.inputs:9} inputs {time.process_time() - start:7.1f} s CPU, {outcome.accepted} read,"
            f" slowest {outcome.slowest_ns / 1e6:.2f} ms for {outcome.slowest_bytes} bytes; refused: {refused}\n"
        )
        sys.stdout.write(line)
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
