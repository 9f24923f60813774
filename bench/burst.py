"""Sends one burst of callbacks, and measures its result and its CPU time."""

import time

from bench.cpu import CpuSeconds, Meter
from bench.load import wrk
from bench.load.requests import Load
from bench.plan import CONNECTIONS
from bench.service import Running

# Longer than a server takes for one callback, also on half a core.
_SETTLE_SECONDS = 0.3


def burst(
    service: Running,
    load: Load,
    *,
    seconds: float,
    connections: int = CONNECTIONS,
    think: float = 0,
) -> tuple[wrk.Run, CpuSeconds]:
    """Send callbacks to a service after clearing it; `think` is the mean pause in milliseconds.

    Raises SpoiledRunError if the numbers of stored and answered callbacks differ.
    """
    # A server that closes every connection would wait for the idle ones. So the run ends without
    # waiting for its responses, and each connection may have stored one more callback.
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
        surplus = _final_rows(service) - run.answered
        if not 0 <= surplus <= (0 if drains else connections):
            raise wrk.SpoiledRunError(
                f"{service.contestant.name} stored {surplus} callbacks more than it answered."
            )

    return run, spent


def _final_rows(service: Running) -> int:
    """Return the number of stored callbacks, once it stops growing.

    What was sent before the run was cut may still wait in the server's queue. It must not be stored
    after the next burst has begun.
    """
    rows = service.rows()
    while True:
        time.sleep(_SETTLE_SECONDS)
        before, rows = rows, service.rows()
        if rows == before:
            return rows


def half_load(
    service: Running,
    load: Load,
    full: wrk.Run,
    *,
    seconds: float,
    connections: int = CONNECTIONS,
) -> wrk.Run:
    """Send callbacks at half the rate of `full`, a burst, with random pauses on each connection."""
    # The cycle of a connection is the pause and the response. The response time at half the load is
    # unknown; it is about a third of the response time without pauses.
    cycle_ms = 1000 * connections / (full.rate / 2)
    think = max(1, cycle_ms - full.p50 / 1000 / 3)
    run, _spent = burst(service, load, seconds=seconds, connections=connections, think=think)

    return run
