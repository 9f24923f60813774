"""The number of round trips to Postgres for each callback."""

from bench import roundtrips
from bench.contestants import FASTAPI, OURS, TUTORIAL_THREADS, Contestant
from bench.load import requests, wrk
from bench.plan import BODY_BYTES, CONNECTIONS, Bench
from bench.report import Figure, Ratio, Section
from bench.service import prepare_database, serving

_CALLBACKS = 500
_TIMEOUT_SECONDS = 60


def measure(bench: Bench) -> Section:
    """Count the round trips of each contestant after its connections are open."""
    trips = {each.name: _trips(bench, each) for each in (OURS, TUTORIAL_THREADS, FASTAPI)}

    return Section(
        title="Round trips to Postgres for each callback",
        ratios=[
            Ratio(name="ours", rounds=[trips[OURS.name]], at_most=1),
        ],
        figures=[Figure(name=name, unit="", rounds=[each]) for name, each in trips.items()],
    )


def _trips(bench: Bench, contestant: Contestant) -> float:
    database = prepare_database(contestant, bench.server, name=f"trips, {contestant.name}")
    warm, load = (
        requests.write_callbacks(
            bench.folder / f"trips-{first}", _CALLBACKS, BODY_BYTES, first=first
        )
        for first in (0, _CALLBACKS)
    )
    with roundtrips.counting(database.server.port) as counter:
        url = database.url.replace(f":{database.server.port}/", f":{counter.port}/")
        with serving(contestant, database, bench.folder, url=url) as service:
            # Enough connections that each worker opens its whole pool.
            wrk.run(service.port, warm, seconds=_TIMEOUT_SECONDS, connections=2 * CONNECTIONS)
            counter.reset()
            run = wrk.run(service.port, load, seconds=_TIMEOUT_SECONDS)

            return counter.reset() / run.answered
