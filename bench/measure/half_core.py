"""What the service costs on half a core, like that of a small dyno, beside its peers."""

from pathlib import Path

from bench.burst import burst, half_load
from bench.cgroup import NoCgroupError, cpu_limit
from bench.contestants import FASTAPI, OURS, TUTORIAL_SYNC, TUTORIAL_THREADS, Contestant
from bench.database import Database
from bench.plan import FEW_CONNECTIONS, WORKERS, Bench
from bench.progress import count_rounds
from bench.report import Figure, Section, faster, ratio
from bench.service import prepare_database, serving

_CORES = 0.5
# More would pause for longer than the peers' gunicorn keeps an idle connection: 2 seconds.
_TITLE = f"On half a core, {WORKERS} workers, {FEW_CONNECTIONS} connections"
_CONTESTANTS = (OURS, TUTORIAL_SYNC, TUTORIAL_THREADS, FASTAPI)
_MEGABYTE = 1e6
_RATE, _CPU, _TAIL, _MEMORY, _START = "rate", "web CPU", "99th percentile", "memory", "start"
_UNITS = {_RATE: "1/s", _CPU: "ms", _TAIL: "ms", _MEMORY: "MB", _START: "s"}


def measure(bench: Bench) -> Section:
    """Start each contestant anew in each round; the order rotates by round."""
    try:
        with cpu_limit(_CORES) as cgroup:
            return _section(_measure_rounds(bench, cgroup))
    except NoCgroupError as error:
        return Section(title=_TITLE, note=f"Skipped: {error}.", is_skipped=True)


def _measure_rounds(bench: Bench, cgroup: Path) -> dict[str, dict[str, list[float]]]:
    """Return the values of all rounds, by figure and contestant."""
    found: dict[str, dict[str, list[float]]] = {figure: {} for figure in _UNITS}
    databases = []
    for contestant in _CONTESTANTS:
        database = prepare_database(contestant, bench.server, name=f"half, {contestant.name}")
        with serving(contestant, database, bench.folder):
            pass  # compiles its modules
        databases.append((contestant, database))
    for _ in count_rounds(bench.plan.repeats):
        for contestant, database in databases:
            for figure, value in _measure_once(bench, contestant, database, cgroup).items():
                found[figure].setdefault(contestant.name, []).append(value)
        databases.append(databases.pop(0))

    return found


def _measure_once(
    bench: Bench, contestant: Contestant, database: Database, cgroup: Path
) -> dict[str, float]:
    seconds = bench.plan.seconds
    with serving(contestant, database, bench.folder, workers=WORKERS, cgroup=cgroup) as service:
        burst(service, bench.load, seconds=bench.plan.warm_up, connections=FEW_CONNECTIONS)
        full, spent = burst(service, bench.load, seconds=seconds, connections=FEW_CONNECTIONS)
        half = half_load(service, bench.load, full, seconds=seconds, connections=FEW_CONNECTIONS)

        return {
            _RATE: full.rate,
            _CPU: 1000 * spent.web / full.answered,
            _TAIL: half.p99 / 1000,
            _MEMORY: service.memory_bytes() / _MEGABYTE,
            _START: service.start_seconds,
        }


def _section(found: dict[str, dict[str, list[float]]]) -> Section:
    tutorial = faster(found[_RATE], TUTORIAL_SYNC.name, TUTORIAL_THREADS.name)

    return Section(
        title=_TITLE,
        ratios=[
            ratio(f"{figure}, ours : {peer}", found[figure][OURS.name], found[figure][peer])
            for figure in _UNITS
            for peer in (tutorial, FASTAPI.name)
        ],
        figures=[
            Figure(name=f"{figure}, {name}", unit=unit, rounds=rounds)
            for figure, unit in _UNITS.items()
            for name, rounds in found[figure].items()
        ],
        note="All processes of a contestant share half a core, 50 of each 100 ms, by a control "
        "group. Postgres and the load are not limited. The 99th percentile is at half of each "
        "contestant's own rate. The memory is that of all processes after the callbacks; shared "
        "pages count once. The start is the time from the command, with compiled modules, to the "
        "first response.",
    )
