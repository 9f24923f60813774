"""Replay's laws on real Postgres: it promotes, once, and the jobs are the fold of all events."""

import itertools
import json
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text

from receiver.callbacks.replay import Replay
from receiver.events.validate import validate_callback
from receiver.store.event import Event, Outcome
from receiver.store.jobs.rebuild import rebuild
from receiver.store.ledger.find import LedgerFilter
from receiver.store.ledger.quarantine import quarantined_ids
from receiver.store.ledger.record import record
from receiver.store.tables import events, transcriptions
from tests.support.callback_events import NOON, received_event, validated_event
from tests.support.store_events import expected_row, stored_row

ACCOUNT = "AC" + "a" * 32
EVERYTHING = LedgerFilter()
FOR_EVER = 2**63 - 1

_jobs = itertools.count()
_moments = st.sampled_from([None, "2026-04-02T19:26:00Z", "2026-04-02T19:27:00Z"])
# Small sets of values, so that ties, repetitions and nulls are frequent.
_documents = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["running", "completed", "failed"]),
        "duration": st.sampled_from([None, 7, 22]),
        "updatedAt": _moments,
        "sentences": st.sampled_from([None, [], [{"text": "Hello."}]]),
        "participants": st.sampled_from([None, [{"name": "Jane"}]]),
    }
)


def _doubted(event: Event) -> Event:
    """Return it as a fault of ours has judged it."""
    return event.quarantined("internal_error", "For the test.")


@st.composite
def _told(draw: st.DrawFn) -> list[Event]:
    """Draw the distinct callbacks of one job, in the order in which they arrive."""
    documents = draw(st.lists(_documents, min_size=1, max_size=6, unique_by=json.dumps))
    head = {"id": f"job_{next(_jobs)}", "accountId": ACCOUNT}

    return [
        validated_event(json.dumps(head | document).encode(), at=NOON + timedelta(minutes=n))
        for n, document in enumerate(draw(st.permutations(documents)))
    ]


def _rows(engine: Engine, job: str | None) -> list[Any]:
    """Return everything that is stored of the job, down to the transactions that wrote it."""
    with engine.connect() as connection:
        of_events = connection.execute(
            select(events).where(events.c.job_id == job).order_by(events.c.id)
        ).all()
        of_job = connection.execute(select(transcriptions).where(transcriptions.c.id == job)).all()

    return [*of_events, *of_job]


def _ids(engine: Engine, job: str | None) -> list[int]:
    return list(quarantined_ids(engine, LedgerFilter(job=job), FOR_EVER))


def _replayed(engine: Engine, ids: list[int]) -> list[Outcome | None]:
    replay = Replay(engine, [], dry_run=False)
    verdicts = [replay(each) for each in ids]

    return [verdict.outcome if verdict else None for verdict in verdicts]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=_told(), data=st.data())
def test_the_job_is_the_fold_of_all(engine: Engine, told: list[Event], data: st.DataObject) -> None:
    """Whichever were quarantined at first, and in whatever order they are replayed."""
    for event in told:
        record(engine, _doubted(event) if data.draw(st.booleans()) else event)
    job = told[0].job_id
    ids = _ids(engine, job)
    foreseen = Replay(engine, [], dry_run=True)
    assert all(verdict and verdict.outcome == Outcome.APPLIED for verdict in map(foreseen, ids))
    assert set(_replayed(engine, data.draw(st.permutations(ids)))) <= {
        Outcome.APPLIED,
        Outcome.STALE,
    }
    assert stored_row(engine, str(job)) == expected_row(told)
    assert not rebuild(engine, str(job))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=_told(), data=st.data())
def test_a_second_replay_changes_nothing(
    engine: Engine, told: list[Event], data: st.DataObject
) -> None:
    """Also where the first was interrupted, or judges a body that stays in quarantine."""
    hopeless = replace(
        told[0], sha256=told[0].sha256[::-1], content_type="application/x-www-form-urlencoded"
    )
    doubted = [_doubted(event) for event in told]
    for event in (validate_callback(hopeless, None, is_form=True), *doubted):
        record(engine, event)
    job = told[0].job_id
    ids = _ids(engine, job)
    _replayed(engine, ids[: data.draw(st.integers(0, len(ids)))])
    _replayed(engine, ids)
    once = _rows(engine, job)
    assert [outcome for outcome in _replayed(engine, ids) if outcome] == [Outcome.QUARANTINED]
    assert _rows(engine, job) == once


def test_what_was_a_fault_of_ours(engine: Engine) -> None:
    """A body that our code stumbled over is applied once it doesn't."""

    class Stumbling(bytes):
        def decode(self, *_: Any, **__: Any) -> str:
            raise KeyError

    body = b'{"id": "job", "accountId": "AC1", "status": "completed"}'
    assert record(engine, validated_event(Stumbling(body))).reason == "internal_error"
    assert _replayed(engine, [1]) == [Outcome.APPLIED]
    assert stored_row(engine)["status"] == "COMPLETED"


def test_callbacks_may_come_in_meanwhile(engine: Engine) -> None:
    """While they do, are redelivered and replayed twice over, each job ends as its fold."""
    told = [
        validated_event(
            json.dumps(
                {
                    "id": f"job_{n % 3}",
                    "accountId": ACCOUNT,
                    "status": "completed",
                    "duration": n,
                    "updatedAt": f"2026-04-02T19:26:{n:02}Z",
                }
            ).encode(),
            at=NOON + timedelta(minutes=n),
        )
        for n in range(60)
    ]
    for event in told[:40]:
        record(engine, _doubted(event))
    ids = list(quarantined_ids(engine, EVERYTHING, FOR_EVER))
    replays = [Replay(engine, [], dry_run=False) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        running: list[Future[Any]] = []
        for n, event in enumerate(told[20:]):
            running.append(pool.submit(record, engine, event))
            running += [pool.submit(replay, ids[n]) for replay in replays]
    assert all(each.exception() is None for each in running)
    for n in range(3):
        assert stored_row(engine, f"job_{n}") == expected_row(told[n::3])
        assert not rebuild(engine, f"job_{n}")
    with engine.connect() as connection:
        left = connection.execute(text("SELECT count(*), sum(deliveries) FROM events")).one()
    assert tuple(left) == (60, 80)


def test_a_body_that_was_promoted_meanwhile(engine: Engine) -> None:
    """There is nothing left to judge."""
    body = b'{"id": "job", "accountId": "AC1", "status": "completed"}'
    record(engine, _doubted(received_event(body)))
    record(engine, validated_event(body))
    assert Replay(engine, [], dry_run=False)(1) is None


@pytest.mark.parametrize("size", [1, 1000, 2001])
def test_the_quarantine_is_listed_in_batches(engine: Engine, size: int) -> None:
    """All of it, the oldest first, up to the newest that was there at the start."""
    with engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO events (sha256, source, body, body_bytes, received_at,"
                " last_received_at, outcome) SELECT int4send(n), 'callback', '', 0, now(), now(),"
                " 'quarantined' FROM generate_series(1, :size + 1) AS n"
            ),
            {"size": size},
        )
    assert list(quarantined_ids(engine, EVERYTHING, size)) == list(range(1, size + 1))
