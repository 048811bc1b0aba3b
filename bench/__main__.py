"""`python -m bench`: measure this hub and the straightforward one in one run, on the same events, and write the ratios.

Rounds of short turns: batches of 256 through the real hub and relay until every notification is on JetStream, against
one event a call at 16 in flight. The audits of the ledger that came out, in one process, in two and of hashes only,
three times in turn beside the bare reader of `bench.bare`; the memory of hub and audits at two lengths of it. Then the
median time of one event alone, which is also a batch alone: a signature and a checkpoint for each event would be
another ledger to audit. What an event costs the writer with few procedures and with all. On another ledger, openings,
and two gateways that seal and submit. Hub, relay, broker and whoever calls share the cores that there are.

Machines differ by a factor of three and more, and so does one machine by the hour. What is wanted a second is therefore
also told as a ratio to something simple that is measured in the same run, and that LIMITS measured on the machine that
the targets were set on: audits against the bare reader, openings and sealing against the straightforward hub.
`bench/results.json` holds every number; quote ratios and CPU time.
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
from typing import Any, Literal, NamedTuple

from rich.console import Console
from rich.table import Table

from bench.admission import measure_admission
from bench.alone import measure_alone
from bench.audit import WAYS, AuditFigures, Way, measure_audit
from bench.bare import DECODED, HASHED, BareFigures, measure_bare
from bench.openings import COUNTIES, measure_gateway, measure_openings
from bench.ours import OurHub
from bench.plain import PlainHub
from bench.projections import ProjectionFigures, measure_projections
from bench.sealing import measure_sealing
from bench.throughput import measure_throughput
from bench.workload import World

PLAIN_EVENTS = 1_142
"""Events a second of the straightforward hub with SQLite, 16 in flight, on the targets' machine: 1,007 to 1,277."""
OPENINGS_WANTED = 2_000
SEALED_WANTED = 3_000


class AuditTarget(NamedTuple):
    """What is asked of a way to audit.

    Attributes:
        what: Its name.
        wanted: Events a second.
        bare: The figure of the bare reader that does the comparable part.
        bare_wanted: Its events a second on the machine of the target.
    """

    what: str
    wanted: int
    bare: Literal["hashes_us", "decode_us"]
    bare_wanted: int


_AUDITS: dict[Way, AuditTarget] = {
    "one": AuditTarget("audit in one process", 30_000, "decode_us", DECODED),
    "two": AuditTarget("audit in two", 40_000, "decode_us", DECODED),
    "hashes": AuditTarget("audit of hashes only, in two", 200_000, "hashes_us", HASHED),
}
MIN_ROUNDS = 2
SEALED_ROUNDS = 3
AUDIT_TURNS = 3
"""How often the whole ledger is audited in each way, in turn."""
RESULTS = Path(__file__).parent / "results.json"
console = Console()


async def measure(
    *, rounds: int, matters: int, plain_events: int, alone: int, openings: int, payloads: int, folder: Path
) -> dict[str, Any]:
    """Run everything.

    Args:
        rounds: How often each hub is measured, alternating.
        matters: Matters a round for our hub, six events each.
        plain_events: Events a round for the straightforward hub.
        alone: Events sent one after another for the latency.
        openings: Payloads opened in each of `SEALED_ROUNDS` rounds.
        payloads: Payloads that each of two gateways seals in a round.
        folder: Empty.
    """
    load = [os.getloadavg()[0]]
    plain_world = World()
    list(plain_world.directory())
    rows: list[dict[str, float]] = []
    audits: list[AuditFigures] = []
    projections: list[ProjectionFigures] = []
    bare: list[BareFigures] = []
    async with OurHub(folder / "ours", World()) as ours, PlainHub(folder / "plain", plain_world) as plain:
        await ours.throughput(512)
        await plain.throughput(256)
        for number in range(rounds):
            console.print(f"round {number + 1} of {rounds}", style="dim")
            rows.append(await measure_throughput(ours, plain, matters=matters, plain_events=plain_events))
            load.append(os.getloadavg()[0])
            _tell(rows[-1])
            ours.note_memory()
            if number in {0, rounds - 1}:
                for _ in range(AUDIT_TURNS if number else 1):
                    audits += [measure_audit(ours.data, ours.vkey, way) for way in WAYS]
                    bare.append(measure_bare(ours.data))
                projections.append(measure_projections(ours.data))
        for row in rows:
            row |= (one := await measure_alone(ours, plain, alone))
            _tell(one)
    return {
        "machine": {"python": platform.python_version(), "cpus": len(os.sched_getaffinity(0)), "load": load},
        "rounds": rows,
        "median": {name: statistics.median(row[name] for row in rows) for name in rows[0]},
        "hub_memory_mib_by_events": ours.memory,
        "audit": [figures._asdict() for figures in audits],
        "bare": [figures._asdict() for figures in bare],
        "admission": measure_admission()._asdict(),
        "projections": [figures._asdict() for figures in projections],
        **await measure_sealed(openings=openings, payloads=payloads, folder=folder),
    }


def _tell(row: dict[str, float]) -> None:
    console.print("  ".join(f"{name} {value:,.2f}" for name, value in row.items()), style="dim")


async def measure_sealed(*, openings: int, payloads: int, folder: Path) -> dict[str, Any]:
    """Run openings and sealing, on a ledger of their own; arguments as in `measure`."""
    world = World(counties=COUNTIES)
    opened, sealed = [], []
    opening_load = [os.getloadavg()[0]]
    async with OurHub(folder / "sealed", world) as hub:
        for number in range(SEALED_ROUNDS):
            console.print(f"openings, round {number + 1} of {SEALED_ROUNDS}", style="dim")
            opened.append(await measure_openings(hub, world, openings))
            opening_load.append(os.getloadavg()[0])
        console.print("openings by a gateway", style="dim")
        reading = folder / "reading"
        reading.mkdir()
        by_gateway = await measure_gateway(hub, world, reading, openings // 3)
        load = [os.getloadavg()[0]]
        for number in range(SEALED_ROUNDS):
            console.print(f"sealing, round {number + 1} of {SEALED_ROUNDS}", style="dim")
            gateways = folder / f"gateways-{number}"
            gateways.mkdir()
            sealed.append(await measure_sealing(hub, gateways, payloads))
            load.append(os.getloadavg()[0])
    return {
        "openings": [figures._asdict() for figures in opened],
        "openings_load": opening_load,
        "gateway_openings": by_gateway._asdict(),
        "sealing": [figures._asdict() for figures in sealed],
        "sealed_load": load,
    }


def show(result: dict[str, Any]) -> None:
    """Print the table for people."""
    median, rounds = result["median"], result["rounds"]
    plain = median["plain_events_per_second"]
    ratios = [row["throughput_ratio"] for row in rounds]
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
    table.add_row(
        "the same, least and last round", "", "", f"{min(ratios):.1f}, {ratios[-1]:.1f}", ">= 20 in every round"
    )
    for way, target in _AUDITS.items():
        short, *turns = (row for row in result["audit"] if row["way"] == way)
        whole = sorted(turns, key=lambda row: row["events_per_second"])[len(turns) // 2]
        bare = 1e6 / statistics.median(row[target.bare] for row in result["bare"][1:])
        table.add_row(
            f"{target.what}: events a second, median of {len(turns)}; CPU us an event; against the bare reader's"
            " entries a second",
            f"{whole['events_per_second']:,.0f}; {whole['event_us']:.1f}",
            f"{bare:,.0f}",
            f"{whole['entries_per_second'] / bare:.2f}",
            f">= {target.wanted:,}/s, or {target.wanted / target.bare_wanted:.2f}",
        )
        table.add_row(
            f"{target.what}: peak MiB at {short['entries']:,} and {whole['entries']:,} entries",
            f"{short['peak_mib']:.0f} and {whole['peak_mib']:.0f}",
            "",
            "",
            "flat",
        )
    admission = result["admission"]
    table.add_row(
        f"writer, CPU us an event with {admission['all']} procedures against {admission['few']}",
        f"{admission['all_us']:.1f}",
        f"{admission['few_us']:.1f}",
        f"{admission['ratio']:.2f}",
        "<= 1.25",
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
    opened = max(result["openings"], key=lambda row: row["openings_per_second"])
    table.add_row(
        f"openings, each recorded first, {opened['in_flight']} at once: best round, a second;"
        " CPU us of hub and of caller",
        f"{opened['openings_per_second']:,.0f}; {opened['hub_cpu_us']:.0f} and {opened['caller_cpu_us']:.0f}",
        f"{plain:,.0f}",
        f"{opened['openings_per_second'] / plain:.2f}",
        f">= {OPENINGS_WANTED:,}/s, or {OPENINGS_WANTED / PLAIN_EVENTS:.2f}",
    )
    read = result["gateway_openings"]
    table.add_row(
        f"openings by a whole gateway, {read['in_flight']} officers at once, each proved, kept and read: a second;"
        " CPU us of gateway and of hub",
        f"{read['openings_per_second']:,.0f}; {read['gateway_cpu_us']:.0f} and {read['hub_cpu_us']:.0f}",
        "",
        "",
        "",
    )
    sealed = max(result["sealing"], key=lambda row: row["payloads_per_second"])
    table.add_row(
        f"payloads of {sealed['bucket_kib']} KiB sealed to {sealed['recipients']} offices and submitted by"
        f" {sealed['gateways']} gateways: best round, a second; CPU us of gateway and of hub",
        f"{sealed['payloads_per_second']:,.0f}; {sealed['gateway_cpu_us']:.0f} and {sealed['hub_cpu_us']:.0f}",
        f"{plain:,.0f}",
        f"{sealed['payloads_per_second'] / plain:.2f}",
        f">= {SEALED_WANTED:,}/s, or {SEALED_WANTED / PLAIN_EVENTS:.2f}",
    )
    memory = result["hub_memory_mib_by_events"]
    table.add_row(
        f"hub, MiB after {memory[0][0]:,} and {memory[-1][0]:,} events",
        f"{memory[0][1]:.0f} and {memory[-1][1]:.0f}",
        "",
        "",
        "flat",
    )
    console.print(table)
    unexplained = sum(row["unexplained"] for row in result["audit"])
    console.print(f"audits: {unexplained} unexplained", style="red" if unexplained else "green")


def main() -> None:
    """Measure, write, show."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help=f"at least {MIN_ROUNDS}")
    parser.add_argument("--matters", type=int, default=12_288, help="a round, six events each")
    parser.add_argument("--plain-events", type=int, default=4000)
    parser.add_argument("--alone", type=int, default=300)
    parser.add_argument("--openings", type=int, default=3000, help="a round; an office may ask for 600 in an hour")
    parser.add_argument("--payloads", type=int, default=4000, help="a round and gateway")
    parser.add_argument(
        "--sealed-only", action="store_true", help="openings and sealing; the rest of the results stays"
    )
    arguments = vars(parser.parse_args())
    if arguments["rounds"] < MIN_ROUNDS:
        parser.error(f"--rounds: at least {MIN_ROUNDS}, for memory is told at two lengths of the ledger")
    is_part = arguments.pop("sealed_only")
    with tempfile.TemporaryDirectory(prefix="pprd-bench-") as folder:
        if is_part:
            part = {name: arguments[name] for name in ("openings", "payloads")}
            result = json.loads(RESULTS.read_text("utf-8")) | asyncio.run(measure_sealed(**part, folder=Path(folder)))
        else:
            result = asyncio.run(measure(**arguments, folder=Path(folder)))
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    show(result)


if __name__ == "__main__":
    main()
