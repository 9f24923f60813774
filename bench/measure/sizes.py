"""What a callback costs that is larger: it must not grow faster than the bytes."""

from bench.contestants import OURS
from bench.load import requests, wrk
from bench.plan import SIZE, Bench
from bench.report import Figure, Section, ratio
from bench.service import prepared, serving

_BYTES = 150_000_000  # of one size's callbacks, made in advance
_LARGEST = 1_000_000  # above, Twilio doesn't call at all (error 17564)


def measure(bench: Bench) -> Section:
    """Send callbacks of one size at a time, round by round."""
    loads = {size: _load(bench, size) for size in bench.plan.sizes}
    costs: dict[int, list[float]] = {size: [] for size in loads}
    database = prepared(OURS, bench.server, name="sizes")
    with serving(OURS, database, bench.folder) as service:
        for _ in range(bench.plan.repeats):
            for size, load in loads.items():
                service.clear()
                run = wrk.run(service.port, load, seconds=bench.plan.seconds)
                if service.rows() != run.answered:
                    raise wrk.Spoilt(f"{run.answered} were answered, {service.rows()} stored")
                costs[size].append(1000 / run.rate)

    return Section(
        title="Larger callbacks, 32 connections, 2 workers",
        ratios=[
            ratio("cost, 1 MB : 8 kB", costs[_LARGEST], costs[SIZE], at_most=40),
            *(
                ratio(f"cost, {size / 1000:g} kB : 8 kB", costs[size], costs[SIZE])
                for size in loads
                if size not in (SIZE, _LARGEST)
            ),
        ],
        figures=[
            figure
            for size, each in costs.items()
            for figure in (
                Figure(name=f"cost, {size / 1000:g} kB", unit="ms", rounds=each),
                Figure(
                    name=f"rate, {size / 1000:g} kB",
                    unit="1/s",
                    rounds=[1000 / cost for cost in each],
                ),
            )
        ],
        note="The cost is a callback's share of the time: one by the rate.",
    )


def _load(bench: Bench, size: int) -> requests.Load:
    count = min(bench.plan.callbacks, _BYTES // size)

    return requests.write_callbacks(bench.folder / f"callbacks-{size}", count, size)
