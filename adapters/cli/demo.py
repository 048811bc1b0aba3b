"""`pprd demo`: eleven regions on this machine, played and audited. Exit 0 only if the audit is clean."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson

DEFAULT_DATA = Path("var/demo")
EXIT_UNEXPLAINED = 1
EXIT_TERMINATED = 143


def demo_command(
    data: Annotated[Path, typer.Option("--data", help="Where to play; kept for the other verbs.")] = DEFAULT_DATA,
    matters: Annotated[int, typer.Option(min=200, max=20_000, help="How many matters.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same matters.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete an earlier demonstration in the folder.")] = False,
    as_json: AsJson = False,
) -> None:
    """Play 2,000 matters of every procedure between eleven regions, print what happened, audit the whole ledger.

    Every identity is synthetic. The folder keeps the ledger, the regions' files and the logs.
    """
    from adapters.cli.audit import show_report
    from adapters.compose.auditing import run_audit
    from adapters.compose.folder import DataFolder
    from adapters.demo.conductor import Play, clear_folder, play
    from adapters.demo.outlook import outlook_of
    from adapters.demo.pack import leave_pack
    from adapters.demo.show import Show, print_tables
    from adapters.demo.tally import tally_of

    began = time.monotonic()
    with told(as_json=as_json):
        clear_folder(data, is_fresh=fresh)
        with Show(out, is_quiet=as_json) as show:
            _run(play(Play(data, seed=seed, matters=matters), show))
        played = time.monotonic() - began
        store = DataFolder(data).ledger()
        try:
            tally = tally_of(store, now_ms=time.time_ns() // 1_000_000)
            pack = leave_pack(data, store)
        finally:
            store.close()
        outlook = outlook_of(data)
        report = run_audit(str(data), vkey=None, progress=lambda done, size: None)
    took = time.monotonic() - began
    if as_json:
        statistics = [asdict(one) for one in outlook]
        found = {"statistics": statistics, "seconds": round(took, 1), "audit": report.to_json(), "pack": str(pack)}
        say_json(tally.to_json() | found)
    else:
        print_tables(out, tally, outlook)
        show_report(report)
        out.print(
            f"Played in {played:.1f} s, with tables and audit {took:.1f} s. Everything is in {data}:", markup=False
        )
        for verb in ("audit {}", "overdue --data {}", "due --days 30 --data {}", "projections indicators --data {}"):
            out.print(f"  pprd {verb.format(data)}", markup=False)
        out.print(f"  pprd tasks --data {data} --region 45", markup=False)
        out.print(f"An event that checks itself in a browser, without a network: {pack}", markup=False)
    if report.problem is not None:
        raise typer.Exit(EXIT_UNEXPLAINED)


def _run(playing: Coroutine[Any, Any, object]) -> None:
    """Run to the end, or until a signal asks to end; then everything that was started has ended."""
    try:
        asyncio.run(playing)
    except asyncio.CancelledError as error:
        raise typer.Exit(EXIT_TERMINATED) from error
