"""What a callback costs that is larger: it must not grow faster than the bytes."""

from bench.burst import burst
from bench.contestants import OURS
from bench.load import requests
from bench.plan import CONNECTIONS, SIZE, WORKERS, Bench
from bench.progress import counted
from bench.report import Growth, Section, ratio
from bench.service import prepared, serving

_BYTES = 150_000_000  # of one size's callbacks, made in advance
_LARGEST = 1_000_000  # above, Twilio doesn't call at all (error 17564)


def measure(bench: Bench) -> Section:
    """Send callbacks of one size at a time, round by round."""
    loads = {size: _load(bench, size) for size in bench.plan.sizes}
    costs: dict[int, list[float]] = {size: [] for size in loads}
    database = prepared(OURS, bench.server, name="sizes")
    with serving(OURS, database, bench.folder) as service:
        burst(service, bench.load, seconds=bench.plan.warm_up)
        for _ in counted(bench.plan.repeats):
            for size, load in loads.items():
                run, _spent = burst(service, load, seconds=bench.plan.seconds)
                costs[size].append(1000 / run.rate)

    return Section(
        title=f"Larger callbacks, {CONNECTIONS} connections, {WORKERS} workers",
        ratios=[
            ratio("cost, 1 MB : 8 kB", costs[_LARGEST], costs[SIZE], at_most=40),
            *(
                ratio(f"cost, {size / 1000:g} kB : 8 kB", costs[size], costs[SIZE])
                for size in loads
                if size not in (SIZE, _LARGEST)
            ),
        ],
        growths=[
            Growth(
                name="bytes",
                across="bytes of the body",
                unit="ms for each",
                lines={"callbacks": list(costs.items())},
            )
        ],
        note="The cost is a callback's share of the time: one by the rate.",
    )


def _load(bench: Bench, size: int) -> requests.Load:
    if size == SIZE:
        return bench.load
    count = min(bench.plan.callbacks, _BYTES // size)

    return requests.write_callbacks(bench.folder / f"callbacks-{size}", count, size)
