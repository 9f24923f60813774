"""Tests on Postgres that any events and an erasure, in any order, give the fold with both."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

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
from tests.support.erasures import (
    erase_target,
    erased_row,
    found_places,
    personal_values,
    planted,
    secret_of,
    target_of,
    without_time,
)
from tests.support.samples import OTHER_ACCOUNT
from tests.support.store_events import START, deliveries, expected_row, make_event, stored_row

Record = Callable[[Event], Recorded]

_numbers = itertools.count(step=2)  # of jobs: that of each example, and another one
WRITERS = 8
# A tenth of the profile's: each example erases beside eight writers.
EXAMPLE_COUNT = settings().max_examples // 10
# How an event is recorded: alone, or in a batch with those that arrive at the same time.
RECORDERS: dict[str, Callable[[Engine], Record]] = {
    "alone": lambda engine: partial(record, engine),
    "in batches": lambda engine: GroupCommitter(engine, max_leaders=2).record,
}


def _doubtful(event: Event, number: int) -> Event:
    """Return the event as a validation that failed."""
    return replace(event, head=None, reason="invalid", detail=secret_of(number))


def _from_other_account(event: Event) -> Event:
    head = {**(event.head or {}), "account_id": OTHER_ACCOUNT}

    return replace(
        event, account_id=OTHER_ACCOUNT, head=head, sha256=event.sha256[:16] + b"foreign".rjust(16)
    )


@pytest.mark.parametrize("recorder", RECORDERS)
@settings(max_examples=EXAMPLE_COUNT, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    delivered=deliveries(),
    doubtful=st.sets(st.integers(0, 9), max_size=3),
    without_address=st.sets(st.integers(1, 9), max_size=3),
    kind=st.sampled_from(["job", "address", "conversation"]),
    position=st.integers(0, 9),
    repetitions=st.integers(1, 2),
)
def test_any_order_with_an_erasure_gives_the_fold_with_it(  # noqa: PLR0917 - all are drawn
    engine: Engine,
    recorder: str,
    delivered: list[Event],
    doubtful: set[int],
    without_address: set[int],
    kind: str,
    position: int,
    repetitions: int,
) -> None:
    """The row is the fold with the erasure, nothing personal stays, and no other job changes."""
    number = next(_numbers)
    others = [planted(event, number + 1) for event in delivered]
    bodies = {event.sha256: place for place, event in enumerate(delivered)}
    delivered = [
        planted(event, number, has_address=bodies[event.sha256] not in without_address)
        for event in delivered
    ]
    # The first event has the address. So an erasure at any time concerns the job.
    delivered[0] = planted(make_event({"status": "RUNNING"}, minutes=-1), number)
    quarantined = [_doubtful(delivered[i], number) for i in doubtful if i < len(delivered)]
    # An operator replays them while their senders try again.
    replayed = [replace(delivered[i], deliveries=0) for i in doubtful if i < len(delivered)]
    foreign = _from_other_account(delivered[0])

    store = RECORDERS[recorder](engine)
    actions: list[Callable[[], Any]] = [
        partial(retry_until, Deadline(30), store, event)
        for event in [
            *itertools.chain(*itertools.zip_longest(delivered[1:], others)),
            *quarantined,
            foreign,
            *replayed,
        ]
        if event is not None
    ]
    erasure = partial(erase_target, engine, target_of(kind, number))
    for _ in range(repetitions):
        actions.insert(min(position, len(actions)), erasure)
    retry_until(Deadline(30), store, delivered[0])
    with ThreadPoolExecutor(WRITERS) as pool:
        for future in [pool.submit(action) for action in actions]:
            future.result()

    assert found_places(engine, personal_values(number)) == []
    assert without_time(stored_row(engine, f"job_{number}")) == erased_row(delivered)
    assert stored_row(engine, f"job_{number}")["erased_at"]
    assert stored_row(engine, f"job_{number + 1}") == expected_row(others)
    assert "events.body" in found_places(engine, [secret_of(number + 1)])


@pytest.mark.parametrize("kind", ["address", "conversation"])
@settings(max_examples=EXAMPLE_COUNT, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(delivered=deliveries(), position=st.integers(0, 3), years=st.sampled_from([0, 100]))
def test_job_of_an_erased_value_is_erased_if_it_began_before(
    engine: Engine, kind: str, delivered: list[Event], position: int, years: int
) -> None:
    """A job whose first event may come after the erasure is erased only if it began before it."""
    number = next(_numbers)
    began_at = START.replace(year=START.year + years)
    delivered = [
        planted(replace(event, head={**(event.head or {}), "created_at": began_at}), number)
        for event in delivered
    ]
    actions: list[Callable[[], Any]] = [
        partial(retry_until, Deadline(30), partial(record, engine), event) for event in delivered
    ]
    actions.insert(position, partial(erase_target, engine, target_of(kind, number)))
    with ThreadPoolExecutor(WRITERS) as pool:
        for future in [pool.submit(action) for action in actions]:
            future.result()

    row = stored_row(engine, f"job_{number}")
    if years:
        assert row == expected_row(delivered)
    else:
        assert row["erased_at"]
        assert without_time(row) == erased_row(delivered)
        assert found_places(engine, personal_values(number)) == []
