"""`python -m bench`: measure this hub and the straightforward one in one run, on the same events, and write the ratios.

Alternating rounds: batches of 256 through the real hub and relay until every notification is on JetStream, against one
event a call at 16 in flight; then the median time of one event alone. At the end the audit of the ledger that came out,
and the memory of hub and audit at two lengths of it. `bench/results.json` holds every number; quote ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.audit import AuditFigures, measure_audit
from bench.ours import OurHub
from bench.plain import PlainHub
from bench.projections import ProjectionFigures, measure_projections
from bench.workload import World

RESULTS = Path(__file__).parent / "results.json"
console = Console()


async def measure(*, rounds: int, matters: int, plain_events: int, alone: int, folder: Path) -> dict[str, Any]:
    """Run everything.

    Args:
        rounds: How often each hub is measured, alternating.
        matters: Matters a round for our hub, six events each.
        plain_events: Events a round for the straightforward hub.
        alone: Events sent one after another for the latency.
        folder: Empty.
    """
    plain_world = World()
    list(plain_world.directory())
    rows: list[dict[str, float]] = []
    audits: list[AuditFigures] = []
    projections: list[ProjectionFigures] = []
    async with OurHub(folder / "ours", World()) as ours, PlainHub(folder / "plain", plain_world) as plain:
        await ours.throughput(512)
        await plain.throughput(256)
        for number in range(rounds):
            console.print(f"round {number + 1} of {rounds}", style="dim")
            row = {
                "ours_events_per_second": await ours.throughput(matters),
                "plain_events_per_second": await plain.throughput(plain_events),
                "ours_alone_ms": await ours.alone(alone),
                "plain_alone_ms": await plain.alone(alone),
            }
            row["throughput_ratio"] = row["ours_events_per_second"] / row["plain_events_per_second"]
            row["latency_ratio"] = row["ours_alone_ms"] / row["plain_alone_ms"]
            rows.append(row)
            console.print("  ".join(f"{name} {value:,.2f}" for name, value in row.items()), style="dim")
            ours.note_memory()
            if number in {0, rounds - 1}:
                audits.append(measure_audit(ours.data, ours.vkey))
                projections.append(measure_projections(ours.data))
    return {
        "machine": {"python": platform.python_version(), "cpus": len(os.sched_getaffinity(0))},
        "rounds": rows,
        "median": {name: statistics.median(row[name] for row in rows) for name in rows[0]},
        "hub_memory_mib_by_events": ours.memory,
        "audit": [figures._asdict() for figures in audits],
        "projections": [figures._asdict() for figures in projections],
    }


def show(result: dict[str, Any]) -> None:
    """Print the table for people."""
    median, (short, *_, whole) = result["median"], result["audit"]
    table = Table("what", "this hub", "straightforward", "ratio", "wanted", title="medians of one run")
    table.add_row(
        "events a second, batches of 256 against 16 in flight",
        f"{median['ours_events_per_second']:,.0f}",
        f"{median['plain_events_per_second']:,.0f}",
        f"{median['throughput_ratio']:.1f}",
        ">= 20 and >= 15,000/s",
    )
    table.add_row(
        "one event alone, median ms to its answer",
        f"{median['ours_alone_ms']:.2f}",
        f"{median['plain_alone_ms']:.2f}",
        f"{median['latency_ratio']:.2f}",
        "<= 1.3",
    )
    table.add_row("audit, events a second", f"{whole['events_per_second']:,.0f}", "", "", ">= 30,000/s")
    table.add_row(
        f"audit, peak MiB at {short['entries']:,} and {whole['entries']:,} entries",
        f"{short['peak_mib']:.0f} and {whole['peak_mib']:.0f}",
        "",
        "",
        "flat",
    )
    few, *_, all_ = result["projections"]
    table.add_row(
        "rebuild of the projections, entries a CPU second",
        f"{all_['entries_per_cpu_second']:,.0f}",
        "",
        "",
        ">= 20,000/s",
    )
    table.add_row(
        f"rebuild, peak MiB at {few['entries']:,} and {all_['entries']:,} entries",
        f"{few['peak_mib']:.0f} and {all_['peak_mib']:.0f}",
        "",
        "",
        "flat",
    )
    table.add_row("a page of a work list of 10,000, CPU ms at most", f"{all_['page_cpu_ms']:.2f}", "", "", "< 50")
    memory = result["hub_memory_mib_by_events"]
    table.add_row(
        f"hub, MiB after {memory[0][0]:,} and {memory[-1][0]:,} events",
        f"{memory[0][1]:.0f} and {memory[-1][1]:.0f}",
        "",
        "",
        "flat",
    )
    console.print(table)
    console.print(f"audit: {whole['unexplained']} unexplained", style="green" if not whole["unexplained"] else "red")


def main() -> None:
    """Measure, write, show."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--matters", type=int, default=8192, help="a round, six events each")
    parser.add_argument("--plain-events", type=int, default=3000)
    parser.add_argument("--alone", type=int, default=300)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pprd-bench-") as folder:
        result = asyncio.run(measure(**vars(arguments), folder=Path(folder)))
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    show(result)


if __name__ == "__main__":
    main()
