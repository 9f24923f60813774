"""The memory of a web worker, at first and after many callbacks, and its import time."""

import os
import subprocess
import sys
from pathlib import Path

from bench.contestants import OURS, ROOT
from bench.load import requests, wrk
from bench.plan import BODY_BYTES, FEW_CONNECTIONS, Bench
from bench.progress import count_rounds
from bench.report import Growth, Ratio, Section
from bench.service import Running, prepare_database, serving

_PORTION_COUNT = 10
_TIMEOUT_SECONDS = 300
_IMPORT_COUNT = 7
_IMPORT = """
import time
began = time.process_time()
import app
print(time.process_time() - began)
"""
_MEGABYTE = 1e6


def measure(bench: Bench) -> Section:
    """Send many callbacks in portions, and read the workers' memory after each."""
    database = prepare_database(OURS, bench.server, name="footprint")
    with serving(OURS, database, bench.folder) as service:
        held = [_memory(service)]
        for portion in count_rounds(_PORTION_COUNT):
            _send(bench, service, portion)
            held.append(_memory(service))
        if service.rows() != bench.plan.endurance:
            raise wrk.SpoiledRunError(
                f"{service.rows()} of {bench.plan.endurance} callbacks are stored"
            )
    imports = _import_seconds(bench.folder)
    taken = range(0, bench.plan.endurance + 1, bench.plan.endurance // _PORTION_COUNT)

    return Section(
        title="A web worker's memory, and its start",
        ratios=[
            Ratio(name="memory in the end (MB)", rounds=[held[-1]], at_most=90),
            Ratio(
                name="growth over the second half",
                rounds=[held[-1] / held[_PORTION_COUNT // 2]],
                at_most=1.02,
            ),
            Ratio(name="`import app` (s of CPU)", rounds=imports, at_most=0.5),
        ],
        growths=[
            Growth(
                name="memory",
                across="callbacks",
                unit="MB",
                lines={"a web worker": [(n, [each]) for n, each in zip(taken, held, strict=True)]},
            )
        ],
        note="The memory is the larger worker's resident set, with what it shares with others.",
    )


def _send(bench: Bench, service: Running, portion: int) -> None:
    count = bench.plan.endurance // _PORTION_COUNT
    first = 2_000_000 + portion * count
    load = requests.write_callbacks(bench.folder / "portion", count, BODY_BYTES, first=first)
    run = wrk.run(service.port, load, seconds=_TIMEOUT_SECONDS, connections=FEW_CONNECTIONS)
    if run.answered != count:
        raise wrk.SpoiledRunError(f"{run.answered} of {count} callbacks in {_TIMEOUT_SECONDS} s")


def _memory(service: Running) -> float:
    """Return the memory of the largest worker in MB."""
    return max(worker.memory_info().rss for worker in service.workers()) / _MEGABYTE


def _import_seconds(folder: Path) -> list[float]:
    """Return the CPU seconds of `import app`, with compiled modules."""
    _import_once(folder)  # compiles them

    return [_import_once(folder) for _ in range(_IMPORT_COUNT)]


def _import_once(folder: Path) -> float:
    """Return the CPU seconds, without the start and the end of the interpreter."""
    environment = {"PATH": os.defpath, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", _IMPORT],
        check=True,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
    )

    return float(done.stdout)
