"""One burst of callbacks: what became of it, and what it cost."""

from bench.cpu import Meter, Spent
from bench.load import wrk
from bench.load.requests import Load
from bench.plan import CONNECTIONS
from bench.service import Running


def burst(
    service: Running,
    load: Load,
    *,
    seconds: float,
    connections: int = CONNECTIONS,
    think: float = 0,
) -> tuple[wrk.Run, Spent]:
    """Send callbacks to a service that has none; `think` is the mean pause in milliseconds.

    Raises SpoiledRunError if not as many were stored as were answered.
    """
    # A server that closes every connection would wait for the silent ones. So the end doesn't wait
    # for its answers: each connection may have had one more.
    drains = service.contestant.keeps_alive
    service.clear()
    meter = Meter(service)
    run = wrk.run(
        service.port,
        load,
        seconds=seconds,
        connections=connections,
        ending="drain" if drains else "cut",
        think=think,
    )
    spent = meter.spent()
    if service.contestant.tables:
        surplus = service.rows() - run.answered
        if not 0 <= surplus <= (0 if drains else connections):
            raise wrk.SpoiledRunError(
                f"{service.contestant.name} stored {surplus} more than it said."
            )

    return run, spent
