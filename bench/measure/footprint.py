"""What a web worker holds in memory, at first and after many callbacks; what importing takes."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.contestants import OURS, ROOT
from bench.load import requests, wrk
from bench.plan import FEW, SIZE, Bench
from bench.report import Figure, Ratio, Section
from bench.service import Running, prepared, serving

_PORTIONS = 10
_PATIENCE = 300  # seconds
_IMPORTS = 7
_MEGABYTE = 1e6


def measure(bench: Bench) -> Section:
    """Send many callbacks, in portions, and look at the workers after each."""
    database = prepared(OURS, bench.server, name="footprint")
    held = []
    with serving(OURS, database, bench.folder) as service:
        held.append(_memory(service))
        for portion in range(_PORTIONS):
            _send(bench, service, portion)
            held.append(_memory(service))
    imports = _import_seconds(bench.folder)

    return Section(
        title=f"A web worker's memory over {bench.plan.endurance:,} callbacks, and its start",
        ratios=[
            Ratio(name="memory in the end (PSS, MB)", rounds=[held[-1][0]], at_most=90),
            Ratio(
                name="growth over the second half",
                rounds=[held[-1][0] / held[_PORTIONS // 2][0]],
                at_most=1.02,
            ),
            Ratio(name="`import app` (s)", rounds=imports, at_most=0.5),
        ],
        figures=[
            Figure(name=f"{kind} after {portion * 100 // _PORTIONS} %", unit="MB", rounds=[value])
            for portion, pair in enumerate(held)
            for kind, value in zip(("PSS", "RSS"), pair, strict=True)
        ],
    )


def _send(bench: Bench, service: Running, portion: int) -> None:
    count = bench.plan.endurance // _PORTIONS
    first = 2_000_000 + portion * count
    load = requests.write_callbacks(bench.folder / "portion", count, SIZE, first=first)
    run = wrk.run(service.port, load, seconds=_PATIENCE, connections=FEW)
    if run.answered != count:
        raise wrk.Spoilt(f"{run.answered} of {count} callbacks in {_PATIENCE} s")


def _memory(service: Running) -> tuple[float, float]:
    """Return what the largest worker holds, in MB: its share (PSS, only Linux tells) and RSS."""
    infos = [worker.memory_full_info() for worker in service.workers()]
    largest = max(infos, key=lambda info: getattr(info, "pss", info.rss))

    return getattr(largest, "pss", largest.rss) / _MEGABYTE, largest.rss / _MEGABYTE


def _import_seconds(folder: Path) -> list[float]:
    """Return how long `import app` takes beyond the interpreter's own start, once compiled."""
    _seconds("import app", folder)
    nothing = statistics.median(_seconds("pass", folder) for _ in range(_IMPORTS))

    return [_seconds("import app", folder) - nothing for _ in range(_IMPORTS)]


def _seconds(code: str, folder: Path) -> float:
    environment = {"PATH": os.defpath, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    started = time.perf_counter()
    subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], check=True, cwd=ROOT, env=environment
    )

    return time.perf_counter() - started
