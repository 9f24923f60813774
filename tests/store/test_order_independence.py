"""The store's law on real Postgres: any events, in any order, over several connections at once."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from receiver.store.event import Event
from receiver.store.record import record
from tests.store.events import count, deliveries, expected_row, quarantined, stored_row

_jobs = itertools.count()
WRITERS = 4


def _renamed(delivered: list[Event]) -> list[Event]:
    """Give the job an id of its own: all examples share one database."""
    job = f"job_{next(_jobs)}"
    tag = job.encode()

    return [
        replace(
            event,
            job_id=job,
            head={**(event.head or {}), "id": job},
            body=event.body + tag,
            sha256=event.sha256[:16] + tag.rjust(16, b"\0"),
        )
        for event in delivered
    ]


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(delivered=deliveries(), doubts=st.sets(st.integers(0, 9), max_size=3))
def test_any_order_over_several_connections_gives_the_fold(
    engine: Engine, delivered: list[Event], doubts: set[int]
) -> None:
    """The row is the pure fold of the set, even where a body was quarantined at first."""
    before = count(engine)
    delivered = _renamed(delivered)
    # A body that an earlier judgement did not let pass is among the deliveries too.
    seen_before = [quarantined(delivered[i]) for i in doubts if i < len(delivered)]
    for event in seen_before:
        record(engine, event)
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda event: record(engine, event), delivered))

    job = delivered[0].job_id or ""
    assert stored_row(engine, job) == expected_row(
        delivered
        + [
            replace(event, head=twin.head)
            for event in seen_before
            for twin in delivered
            if twin.sha256 == event.sha256
        ]
    )
    distinct, total = count(engine)
    assert distinct - before[0] == len({event.sha256 for event in delivered})
    assert total - before[1] == len(delivered) + len(seen_before)
