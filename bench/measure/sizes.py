"""The cost of larger callbacks: it must not grow faster than their size."""

from bench.burst import burst
from bench.contestants import OURS
from bench.load import requests
from bench.plan import BODY_BYTES, CONNECTIONS, WORKERS, Bench
from bench.progress import count_rounds
from bench.report import Growth, Section, ratio
from bench.service import prepare_database, serving

_LOAD_BYTES = 150_000_000  # of all callbacks of one size
_MAX_BODY_BYTES = 1_000_000  # Twilio doesn't send larger ones (error 17564)


def measure(bench: Bench) -> Section:
    """Send callbacks of one size at a time, all sizes in each round."""
    loads = {size: _load(bench, size) for size in bench.plan.sizes}
    costs: dict[int, list[float]] = {size: [] for size in loads}
    database = prepare_database(OURS, bench.server, name="sizes")
    with serving(OURS, database, bench.folder) as service:
        burst(service, bench.load, seconds=bench.plan.warm_up)
        for _ in count_rounds(bench.plan.repeats):
            for size, load in loads.items():
                run, _spent = burst(service, load, seconds=bench.plan.seconds)
                costs[size].append(1000 / run.rate)

    return Section(
        title=f"Larger callbacks, {CONNECTIONS} connections, {WORKERS} workers",
        ratios=[
            ratio("cost, 1 MB : 8 kB", costs[_MAX_BODY_BYTES], costs[BODY_BYTES], at_most=40),
            *(
                ratio(f"cost, {size / 1000:g} kB : 8 kB", costs[size], costs[BODY_BYTES])
                for size in loads
                if size not in (BODY_BYTES, _MAX_BODY_BYTES)
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
    if size == BODY_BYTES:
        return bench.load
    count = min(bench.plan.callbacks, _LOAD_BYTES // size)

    return requests.write_callbacks(bench.folder / f"callbacks-{size}", count, size)
