"""How the rate grows with connections and with workers."""

from bench.contestants import OURS
from bench.load import wrk
from bench.plan import CONNECTIONS, WORKERS, Bench
from bench.report import Figure, Section
from bench.service import prepared, serving


def measure(bench: Bench) -> Section:
    """Send ordinary callbacks over more and more connections, then to more and more workers."""
    rates: dict[str, list[float]] = {}
    database = prepared(OURS, bench.server, name="scaling")
    points = [(WORKERS, bench.plan.connections)]
    points += [(workers, (CONNECTIONS,)) for workers in bench.plan.workers]
    for workers, numbers in points:
        with serving(OURS, database, bench.folder, workers=workers) as service:
            for _ in range(bench.plan.repeats):
                for connections in numbers:
                    service.clear()
                    run = wrk.run(
                        service.port,
                        bench.load,
                        seconds=bench.plan.seconds / 2,
                        connections=connections,
                    )
                    name = f"{_count(workers, 'worker')}, {_count(connections, 'connection')}"
                    rates.setdefault(name, []).append(run.rate)

    return Section(
        title="Growth with connections and workers",
        figures=[Figure(name=name, unit="1/s", rounds=each) for name, each in rates.items()],
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
