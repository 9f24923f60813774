"""How the rate grows with connections and with workers."""

from bench.burst import burst
from bench.contestants import OURS
from bench.plan import CONNECTIONS, WORKERS, Bench
from bench.progress import counted, say
from bench.report import Growth, Section
from bench.service import prepared, serving

_LINE = "callbacks of 8 kB"


def measure(bench: Bench) -> Section:
    """Send ordinary callbacks over more and more connections, then to more and more workers."""
    database = prepared(OURS, bench.server, name="scaling")

    def rates(workers: int, numbers: tuple[int, ...]) -> dict[int, list[float]]:
        """Return the rates of so many workers by the number of connections."""
        found: dict[int, list[float]] = {connections: [] for connections in numbers}
        say(f" workers={workers}:")
        with serving(OURS, database, bench.folder, workers=workers) as service:
            burst(service, bench.load, seconds=bench.plan.warm_up)
            for _ in counted(bench.plan.repeats):
                for connections, each in found.items():
                    run, _spent = burst(
                        service,
                        bench.load,
                        seconds=bench.plan.seconds / 2,
                        connections=connections,
                    )
                    each.append(run.rate)

        return found

    by_connections = rates(WORKERS, bench.plan.connections)
    by_workers = {
        workers: rates(workers, (CONNECTIONS,))[CONNECTIONS] for workers in bench.plan.workers
    }

    return Section(
        title="Growth with connections and workers",
        growths=[
            Growth(
                name="connections",
                across=f"connections, {WORKERS} workers",
                unit="callbacks a second",
                lines={_LINE: list(by_connections.items())},
            ),
            Growth(
                name="workers",
                across=f"workers, {CONNECTIONS} connections",
                unit="callbacks a second",
                lines={_LINE: list(by_workers.items())},
            ),
        ],
    )
