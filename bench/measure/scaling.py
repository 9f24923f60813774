"""The growth of the rate with connections and with workers."""

from bench.burst import burst
from bench.contestants import OURS
from bench.plan import CONNECTIONS, WORKERS, Bench
from bench.progress import count_rounds, print_progress
from bench.report import Growth, Section
from bench.service import prepare_database, serving

_LINE = "callbacks of 8 kB"


def measure(bench: Bench) -> Section:
    """Send ordinary callbacks over more and more connections, and to more and more workers."""
    database = prepare_database(OURS, bench.server, name="scaling")

    def rates(workers: int, numbers: tuple[int, ...]) -> dict[int, list[float]]:
        """Return the rates of this number of workers, by the number of connections."""
        found: dict[int, list[float]] = {connections: [] for connections in numbers}
        print_progress(f" workers={workers}:")
        with serving(OURS, database, bench.folder, workers=workers) as service:
            burst(service, bench.load, seconds=bench.plan.warm_up)
            for _ in count_rounds(bench.plan.repeats):
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
