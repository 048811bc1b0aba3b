"""`python -m bench.directory`: a ledger with a directory of real size; how long a start takes, a lookup, how much
memory.

The ledger is made first. Then a process of its own loads it as the hub does, from every directory event, and measures
in CPU time of the process: quote nothing else, other people use the machine. Wanted: start below 5 s, a lookup below
10 us, memory below 400 MiB.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from adapters.compose.hub_program import create_ledger, opened_hub
from adapters.compose.parts import SystemClock, contracts_in_force
from bench.offices import directory_drafts, made_offices
from bench.serve import hub_settings
from contracts.community import load_communities_list
from contracts.division import load_divisions
from hub.application import Application
from ledger.batch import MAX_BATCH

LOOKUPS = 50_000


def make(data: Path, offices: int) -> None:
    """Record a ledger with a directory of so many offices."""
    create_ledger(hub_settings(data))
    with opened_hub(hub_settings(data)) as application:
        drafts = list(directory_drafts(offices))
        for start in range(0, len(drafts), MAX_BATCH):
            application.record(drafts[start : start + MAX_BATCH])


def measure(data: Path) -> dict[str, float]:
    """Load the ledger as the hub does and look offices up; run in a process of its own."""
    before = time.process_time()
    contracts_in_force(is_sandbox=True)
    contracts_s = time.process_time() - before
    before = time.process_time()
    with opened_hub(hub_settings(data)) as application:
        load_s = time.process_time() - before
        return {"contracts_s": contracts_s, "load_s": load_s} | _asked(application, contracts_s + load_s)


def _asked(application: Application, start_s: float) -> dict[str, float]:
    before = time.process_time()
    committees = load_communities_list()
    committees_s = time.process_time() - before
    draw = random.Random(7)
    types = sorted({office.office_type for office in made_offices(2_000)})
    towns = [row.code for row in load_divisions() if row.level >= 3 and not row.is_stat_only]
    places = [draw.choice(towns) for _ in range(LOOKUPS // 2)]
    places += [draw.choice(committees.codes_of_town(town) or [town]) for town in places]
    asked = [(draw.choice(types), place) for place in places]
    serving, now_ms = application.directory.serving, SystemClock().now_ms()
    before = time.process_time()
    found = sum(serving(kind, place, now_ms) is not None for kind, place in asked)
    lookup_us = (time.process_time() - before) / len(asked) * 1e6
    return {
        "offices": sum(1 for _ in application.directory.offices()),
        "committees_s": committees_s,
        "start_s": start_s + committees_s,
        "lookup_us": lookup_us,
        "found_share": found / len(asked),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Make, measure, show."""
    parser = argparse.ArgumentParser(prog="python -m bench.directory", description=__doc__.splitlines()[0])
    parser.add_argument("--offices", type=int, default=50_000)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure is not None:
        print(json.dumps(measure(arguments.measure)))
        return
    with tempfile.TemporaryDirectory(prefix="pprd-bench-") as folder:
        make(Path(folder), arguments.offices)
        command = [sys.executable, "-m", "bench.directory", "--measure", folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    for name, value in json.loads(done.stdout).items():
        print(f"{name:14} {value:,.2f}")


if __name__ == "__main__":
    main()
