"""How evenly callbacks are answered while the service is half busy."""

from bench.burst import burst
from bench.contestants import OURS
from bench.plan import CONNECTIONS, Bench
from bench.progress import counted
from bench.report import Figure, Ratio, Section
from bench.service import prepared, serving


def measure(bench: Bench) -> Section:
    """Find the highest rate, then send half of it, each connection with random pauses."""
    database = prepared(OURS, bench.server, name="latency")
    highest, achieved, p50, p99 = [], [], [], []
    seconds = 2 * bench.plan.seconds
    with serving(OURS, database, bench.folder) as service:
        burst(service, bench.load, seconds=bench.plan.warm_up)
        for _ in counted(bench.plan.repeats):
            full, _spent = burst(service, bench.load, seconds=bench.plan.seconds)
            # A connection's turn takes the pause and the answer. What the answer takes at half the
            # load isn't known yet: about a third of what it takes without a pause.
            turn = 1000 * CONNECTIONS / (full.rate / 2)
            think = max(1, turn - full.p50 / 1000 / 3)
            half, _spent = burst(service, bench.load, seconds=seconds, think=think)
            highest.append(full.rate)
            achieved.append(half.answered / seconds)  # the last pauses don't count
            p50.append(half.p50 / 1000)
            p99.append(half.p99 / 1000)

    return Section(
        title="Time to answer at half the highest rate",
        ratios=[
            Ratio(
                name="99th percentile : median",
                rounds=[high / middle for high, middle in zip(p99, p50, strict=True)],
                at_most=3,
            ),
            Ratio(
                name="rate : highest rate",
                rounds=[half / full for half, full in zip(achieved, highest, strict=True)],
            ),
        ],
        figures=[
            Figure(name="highest rate", unit="1/s", rounds=highest),
            Figure(name="rate", unit="1/s", rounds=achieved),
            Figure(name="median", unit="ms", rounds=p50),
            Figure(name="99th percentile", unit="ms", rounds=p99),
        ],
    )
