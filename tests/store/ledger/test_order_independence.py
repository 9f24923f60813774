"""The store's law on real Postgres: any events, in any order, over several connections at once."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from receiver.store.event import Event
from receiver.store.ledger.group_commit import GroupCommitter
from receiver.store.ledger.record import Recorded, record
from tests.support.store_events import (
    count_deliveries,
    deliveries,
    expected_row,
    quarantined,
    stored_row,
)

Record = Callable[[Event], Recorded]

_jobs = itertools.count()
WRITERS = 8
# How an event is recorded: alone, or with those that come meanwhile.
WAYS: dict[str, Callable[[Engine], Record]] = {
    "alone": lambda engine: partial(record, engine),
    "together": lambda engine: GroupCommitter(engine, max_leaders=2).record,
}


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


def _foreign(event: Event) -> Event:
    """Return what another account says of the same job."""
    account = "AC" + "b" * 32

    return replace(
        event,
        account_id=account,
        head={**(event.head or {}), "account_id": account},
        sha256=b"foreign" + event.sha256,
    )


@pytest.mark.parametrize("way", WAYS)
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(delivered=deliveries(), doubts=st.sets(st.integers(0, 9), max_size=3))
def test_any_order_over_several_connections_gives_the_fold(
    engine: Engine, way: str, delivered: list[Event], doubts: set[int]
) -> None:
    """The row is the pure fold of the set, even where a body was quarantined at first."""
    before = count_deliveries(engine)
    delivered = _renamed(delivered)
    # Some come as another judgement sees them that doesn't let them pass, before or meanwhile;
    # and one is another account's, who comes too late.
    doubted = [quarantined(delivered[i]) for i in doubts if i < len(delivered)]
    foreign = _foreign(delivered[0])
    record(engine, delivered[0])
    for event in doubted[:1]:
        record(engine, event)
    with ThreadPoolExecutor(WRITERS) as pool:
        mixed = [*delivered[1:3], *doubted[1:], foreign, *delivered[3:]]
        list(pool.map(WAYS[way](engine), mixed))

    job = delivered[0].job_id or ""
    heads = {event.sha256: event.head for event in delivered}
    judged = [replace(event, head=heads[event.sha256]) for event in doubted]
    assert stored_row(engine, job) == expected_row(delivered + judged)
    distinct, total = count_deliveries(engine)
    assert distinct - before[0] == len(heads) + 1
    assert total - before[1] == len(delivered) + len(doubted) + 1
