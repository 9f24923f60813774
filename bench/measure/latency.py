"""The response times at half the highest rate, of the service and of the peer."""

from collections.abc import Mapping

from bench.burst import burst, half_load
from bench.contestants import FASTAPI, OURS, Contestant
from bench.plan import Bench
from bench.progress import count_rounds
from bench.report import Figure, Ratio, Section, ratio
from bench.service import prepare_database, serving

_UNITS = {"highest rate": "1/s", "rate": "1/s", "median": "ms", "99th percentile": "ms"}

# The values of each round, by the name of the figure.
Rounds = Mapping[str, list[float]]


def measure(bench: Bench) -> Section:
    """Measure the highest rate, then send at half of it, with random pauses on each connection."""
    found = {each.name: _rounds(bench, each) for each in (OURS, FASTAPI)}
    ours, peer = found.values()

    return Section(
        title="Time to answer at half the highest rate",
        ratios=[
            _tail("ours", ours, at_most=3),
            _tail(FASTAPI.name, peer),
            ratio("rate : highest rate, ours", ours["rate"], ours["highest rate"]),
        ],
        figures=[
            Figure(name=f"{figure}, {name}", unit=unit, rounds=rounds[figure])
            for name, rounds in found.items()
            for figure, unit in _UNITS.items()
        ],
        note="Each has half of its own highest rate.",
    )


def _rounds(bench: Bench, contestant: Contestant) -> Rounds:
    database = prepare_database(contestant, bench.server, name=f"latency, {contestant.name}")
    rounds: dict[str, list[float]] = {name: [] for name in _UNITS}
    seconds = 2 * bench.plan.seconds
    with serving(contestant, database, bench.folder) as service:
        burst(service, bench.load, seconds=bench.plan.warm_up)
        for _ in count_rounds(bench.plan.repeats):
            full, _spent = burst(service, bench.load, seconds=bench.plan.seconds)
            half = half_load(service, bench.load, full, seconds=seconds)
            rounds["highest rate"].append(full.rate)
            rounds["rate"].append(half.answered / seconds)  # the last pauses don't count
            rounds["median"].append(half.p50 / 1000)
            rounds["99th percentile"].append(half.p99 / 1000)

    return rounds


def _tail(name: str, rounds: Rounds, *, at_most: float | None = None) -> Ratio:
    return ratio(
        f"99th percentile : median, {name}",
        rounds["99th percentile"],
        rounds["median"],
        at_most=at_most,
    )
