"""`make bench`: prints the machine and tables of ratios, and writes them to bench/results/.

`python -m bench [--quick] [NAME …]` runs the short form, or only some of the measurements. Only a
complete run of the long form redraws the plots of docs/performance.md.
"""

import argparse
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from bench import database, machine, plot, report
from bench.load import requests, wrk
from bench.measure import (
    callbacks,
    footprint,
    half_core,
    jobs,
    latency,
    lists,
    scaling,
    sizes,
    trips,
    wal,
)
from bench.plan import BODY_BYTES, QUICK, WHOLE, Bench
from bench.progress import TooSlowError, print_progress, time_limit
from bench.report import Section

_RESULTS = Path(__file__).with_name("results")
_MEASUREMENTS: dict[str, ModuleType] = {
    "callbacks": callbacks,
    "latency": latency,
    "sizes": sizes,
    "jobs": jobs,
    "trips": trips,
    "wal": wal,
    "lists": lists,
    "footprint": footprint,
    "scaling": scaling,
    "half_core": half_core,
}
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Measure, print and write; exit with 1 if anything could not be measured."""
    arguments = _arguments()
    for number in _SIGNALS:
        signal.signal(number, _unwind)
    wrk.require()
    plan = QUICK if arguments.quick else WHOLE
    sections = []
    others = machine.OtherPrograms()
    end = time.monotonic() + plan.limit
    with database.scratch() as folder, database.running(folder) as server:
        about = machine.describe(database.Database(server=server, name="postgres"))
        print(*(f"{name}: {value}" for name, value in about.items()), sep="\n", flush=True)
        load = requests.write_callbacks(folder / "callbacks", plan.callbacks, BODY_BYTES)
        bench = Bench(plan=plan, server=server, folder=folder, load=load)
        for name in arguments.names or plan.measurements:
            print_progress(f"\n{name}:")
            started = time.monotonic()
            sections.append(_measured(bench, name, end - started))
            print(
                f"\n\n{report.section_markdown(sections[-1])}({time.monotonic() - started:.0f} s)"
            )
            sys.stdout.flush()
    about["other programs, meanwhile"] = others.describe()
    parts = [f"{datetime.now(UTC):%Y-%m-%dT%H%M}", *["quick"] * arguments.quick, *arguments.names]
    stem = _RESULTS / "-".join(parts)
    report.write(sections, about, stem)
    print(f"\nWritten to {stem}.md and .json")
    if plan is WHOLE and not arguments.names:
        print("Drawn:", *plot.of_results(Path(f"{stem}.json")))
    sys.exit(any(section.is_empty() for section in sections))


def _measured(bench: Bench, name: str, left: float) -> Section:
    """Return the section of a measurement; a failed one has no figures, only a note."""
    try:
        with time_limit(max(1, min(left, bench.plan.limit / 3))):
            section: Section = _MEASUREMENTS[name].measure(bench)
    except (wrk.SpoiledRunError, TooSlowError, RuntimeError) as error:
        return Section(title=name, note=f"**Not measured**: {error}")

    return section


def _unwind(_number: int, _frame: object) -> NoReturn:
    """Exit, so that everything that was started is stopped; further signals are ignored."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Run the benchmark.")
    parser.add_argument("--quick", action="store_true", help="the short form")
    parser.add_argument("names", nargs="*", choices=[[], *_MEASUREMENTS], metavar="NAME")

    return parser.parse_args()


if __name__ == "__main__":
    main()
