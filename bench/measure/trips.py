"""How often a callback goes to Postgres and back."""

from bench import roundtrips
from bench.contestants import FASTAPI, OURS, TUTORIAL_THREADS, Contestant
from bench.load import requests, wrk
from bench.plan import CONNECTIONS, SIZE, Bench
from bench.report import Figure, Ratio, Section
from bench.service import prepared, serving

_CALLBACKS = 500
_PATIENCE = 60  # seconds


def measure(bench: Bench) -> Section:
    """Count the round trips of each contestant, once its connections are there."""
    trips = {each.name: _trips(bench, each) for each in (OURS, TUTORIAL_THREADS, FASTAPI)}

    return Section(
        title="Round trips to Postgres for each callback",
        ratios=[
            Ratio(name="ours", rounds=[trips[OURS.name]], at_most=1),
        ],
        figures=[Figure(name=name, unit="", rounds=[each]) for name, each in trips.items()],
    )


def _trips(bench: Bench, contestant: Contestant) -> float:
    database = prepared(contestant, bench.server, name=f"trips, {contestant.name}")
    warm, load = (
        requests.write_callbacks(bench.folder / f"trips-{first}", _CALLBACKS, SIZE, first=first)
        for first in (0, _CALLBACKS)
    )
    with roundtrips.counting(database.server.port) as counter:
        url = database.url.replace(f":{database.server.port}/", f":{counter.port}/")
        with serving(contestant, database, bench.folder, url=url) as service:
            # So many that each worker opens all connections that it may have.
            wrk.run(service.port, warm, seconds=_PATIENCE, connections=2 * CONNECTIONS)
            counter.taken()
            run = wrk.run(service.port, load, seconds=_PATIENCE)

            return counter.taken() / run.answered
