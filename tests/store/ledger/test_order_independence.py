"""Tests on Postgres that any events, in any order over several connections, give their fold."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from receiver.runtime.deadline import Deadline
from receiver.store.event import Event
from receiver.store.ledger.group_commit import GroupCommitter
from receiver.store.ledger.record import record
from receiver.store.ledger.recorded import Recorded
from receiver.store.retry import retry_until
from tests.support.store_events import (
    count_deliveries,
    deliveries,
    expected_row,
    quarantined,
    stored_row,
)

Record = Callable[[Event], Recorded]

_job_numbers = itertools.count()
WRITERS = 8
# How an event is recorded: alone, or in a batch with those that arrive at the same time.
RECORDERS: dict[str, Callable[[Engine], Record]] = {
    "alone": lambda engine: partial(record, engine),
    "in batches": lambda engine: GroupCommitter(engine, max_leaders=2).record,
}


def _with_own_job(delivered: list[Event]) -> list[Event]:
    """Give the job an id of its own, because all examples share one database."""
    job = f"job_{next(_job_numbers)}"
    suffix = job.encode()

    return [
        replace(
            event,
            job_id=job,
            head={**(event.head or {}), "id": job},
            body=event.body + suffix,
            sha256=event.sha256[:16] + suffix.rjust(16, b"\0"),
        )
        for event in delivered
    ]


def _from_other_account(event: Event) -> Event:
    """Return an event of another account about the same job."""
    account = "AC" + "b" * 32

    return replace(
        event,
        account_id=account,
        head={**(event.head or {}), "account_id": account},
        sha256=b"foreign" + event.sha256,
    )


@pytest.mark.parametrize("recorder", RECORDERS)
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(delivered=deliveries(), doubtful=st.sets(st.integers(0, 9), max_size=3))
def test_any_order_over_several_connections_gives_the_fold(
    engine: Engine, recorder: str, delivered: list[Event], doubtful: set[int]
) -> None:
    """The row is the fold of the set of events, even if a body was quarantined at first."""
    before = count_deliveries(engine)
    delivered = _with_own_job(delivered)
    # Some events are also quarantined, as by a stricter validation, before the others or among
    # them. One event is another account's, and arrives too late.
    quarantined_events = [quarantined(delivered[i]) for i in doubtful if i < len(delivered)]
    foreign = _from_other_account(delivered[0])
    record(engine, delivered[0])
    for event in quarantined_events[:1]:
        record(engine, event)
    with ThreadPoolExecutor(WRITERS) as pool:
        concurrent = [*delivered[1:3], *quarantined_events[1:], foreign, *delivered[3:]]
        # A row may stay locked for longer than a write waits.
        store = RECORDERS[recorder](engine)
        list(pool.map(lambda event: retry_until(Deadline(30), store, event), concurrent))

    job = delivered[0].job_id or ""
    heads = {event.sha256: event.head for event in delivered}
    validated = [replace(event, head=heads[event.sha256]) for event in quarantined_events]
    assert stored_row(engine, job) == expected_row(delivered + validated)
    distinct, total = count_deliveries(engine)
    assert distinct - before[0] == len(heads) + 1
    assert total - before[1] == len(delivered) + len(quarantined_events) + 1
