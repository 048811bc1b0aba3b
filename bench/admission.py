"""What one event costs the writer when the hub carries few procedures, and when it carries all that are packaged.

Two ledgers in one process, rounds alternating, the same kinds of events; CPU time of the process for an event, from the
request's bytes to those of its answer. What the hub does for an event must not depend on how many procedures there are.
Run as `python -m bench.admission`; prints JSON.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.compose.hub_program import create_ledger, opened_hub
from adapters.compose.parts import bind_plainly, keep_loaded
from adapters.grpc.messages import Reply, batch_of_proto, batch_to_proto, parse, reply_to_proto
from bench.serve import hub_settings
from bench.workload import World
from hub.application import Application

FEW: Final = frozenset({"CORRECTION_TRANSFER", "RESIDENCE", "RESIDENCE_NOTIFICATION", "RESIDENCE_PERMIT"})
"""The procedures with which the exchange began."""
_OWN_CLASSES: Final = frozenset({"dir", "acc", "stt"})
_MATTERS: Final = 4096
_ROUNDS: Final = 4
_GROUP: Final = 4


class AdmissionFigures(NamedTuple):
    """CPU time for an event by set of procedures.

    Attributes:
        few: How many procedures the small set has, without the hub's own.
        all: How many the packaged set has.
        few_us: CPU microseconds for an event with the small set.
        all_us: With the packaged set.
        ratio: The second over the first.
        by_round_us: With the packaged set, as its ledger grows.
    """

    few: int
    all: int
    few_us: float
    all_us: float
    ratio: float
    by_round_us: list[float]


def measure_admission() -> AdmissionFigures:
    """Measure in a new process."""
    done = subprocess.run([sys.executable, "-m", "bench.admission"], check=True, stdout=subprocess.PIPE, text=True)
    return AdmissionFigures(*json.loads(done.stdout))


class _Hub(NamedTuple):
    application: Application
    world: World


@contextmanager
def _hub(folder: Path, procedures: frozenset[str] | None) -> Iterator[_Hub]:
    """A hub that carries some procedures beside its own; None carries all."""
    folder.mkdir()
    create_ledger(hub_settings(folder))
    world = World()
    with opened_hub(hub_settings(folder)) as application:
        application.record(list(world.directory(procedures)))
        if procedures is not None:
            known = application.rules.procedures
            kept = {k: p for k, p in known.items() if p.event_class in _OWN_CLASSES or p.id in procedures}
            application.rules = replace(application.rules, procedures=kept)
        yield _Hub(application, world)


def _event_us(hub: _Hub) -> float:
    """CPU microseconds for an event of one round."""
    requests = [batch_to_proto(batch).SerializeToString() for batch in hub.world.batches(_MATTERS, 256)]
    gc.collect()
    began = time.process_time()
    for at in range(0, len(requests), _GROUP):
        batches = [batch_of_proto(parse(pb.SubmitRequest, raw)) for raw in requests[at : at + _GROUP]]
        for answer in hub.application.submit(batches):
            if answer.refusal is not None or any(result.refusal for result in answer.results):
                raise RuntimeError("the hub refused an event of the bench")
            reply_to_proto(Reply(answer)).SerializeToString()
    return (time.process_time() - began) / (6 * _MATTERS) * 1e6


def main() -> None:
    """Measure here and print the figures."""
    with (
        tempfile.TemporaryDirectory(prefix="pprd-bench-") as folder,
        _hub(Path(folder) / "few", FEW) as few,
        _hub(Path(folder) / "all", None) as whole,
    ):
        keep_loaded()
        bind_plainly()
        rows = [(_event_us(few), _event_us(whole)) for _ in range(_ROUNDS)]
        counts = [
            sum(p.event_class not in _OWN_CLASSES for p in hub.application.rules.procedures.values())
            for hub in (few, whole)
        ]
    few_us, all_us = (statistics.median(column) for column in zip(*rows, strict=True))
    print(json.dumps([*counts, few_us, all_us, all_us / few_us, [row[1] for row in rows]]))


if __name__ == "__main__":
    main()
