"""Tests of replay: it promotes an event once, and each job is the fold of all its events."""

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
from receiver.store.erasure.tombstones import add_tombstones, job_key
from receiver.store.event import Event, Outcome
from receiver.store.jobs.rebuild import rebuild
from receiver.store.ledger.find import LedgerFilter
from receiver.store.ledger.quarantine import quarantined_ids
from receiver.store.ledger.record import record
from receiver.store.tables import events, transcriptions
from tests.support.callback_events import NOON, received_event, validated_event
from tests.support.samples import ACCOUNT, COMPLETED, JOB
from tests.support.store_events import expected_row, stored_row

EVERYTHING = LedgerFilter()
MAX_ID = 2**63 - 1

_jobs = itertools.count()
_moments = st.sampled_from([None, "2026-04-02T19:26:00Z", "2026-04-02T19:27:00Z", "", 5])
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


def _quarantined(event: Event) -> Event:
    """Return the event as an internal error would have quarantined it."""
    return event.quarantined("internal_error", "For the test.")


@st.composite
def _job_events(draw: st.DrawFn) -> list[Event]:
    """Draw the distinct callbacks of one job, in the order in which they arrive."""
    documents = draw(st.lists(_documents, min_size=1, max_size=6, unique_by=json.dumps))
    head = {"id": f"job_{next(_jobs)}", "accountId": ACCOUNT}

    return [
        validated_event(json.dumps(head | document).encode(), at=NOON + timedelta(minutes=n))
        for n, document in enumerate(draw(st.permutations(documents)))
    ]


def _rows(engine: Engine, job: str | None) -> list[Any]:
    """Return every stored row of the job and its events."""
    with engine.connect() as connection:
        event_rows = connection.execute(
            select(events).where(events.c.job_id == job).order_by(events.c.id)
        ).all()
        job_rows = connection.execute(
            select(transcriptions).where(transcriptions.c.id == job)
        ).all()

    return [*event_rows, *job_rows]


def _ids(engine: Engine, job: str | None) -> list[int]:
    return list(quarantined_ids(engine, LedgerFilter(job=job), MAX_ID))


def _replay_all(engine: Engine, ids: list[int]) -> list[Outcome | None]:
    replay = Replay(engine, [], dry_run=False)
    results = [replay(each) for each in ids]

    return [result.outcome if result else None for result in results]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(job_events=_job_events(), data=st.data())
def test_replayed_job_is_the_fold_of_all_events(
    engine: Engine, job_events: list[Event], data: st.DataObject
) -> None:
    """A job is the fold of all its events, in whatever order quarantined ones are replayed."""
    for event in job_events:
        record(engine, _quarantined(event) if data.draw(st.booleans()) else event)
    job = job_events[0].job_id
    ids = _ids(engine, job)
    preview = Replay(engine, [], dry_run=True)
    assert all(result and result.outcome == Outcome.APPLIED for result in map(preview, ids))
    assert set(_replay_all(engine, data.draw(st.permutations(ids)))) <= {
        Outcome.APPLIED,
        Outcome.STALE,
    }
    assert stored_row(engine, str(job)) == expected_row(job_events)
    assert not rebuild(engine, [str(job)])


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(job_events=_job_events(), data=st.data())
def test_second_replay_changes_nothing(
    engine: Engine, job_events: list[Event], data: st.DataObject
) -> None:
    """A second replay changes nothing, also after an interrupted one or with an invalid body."""
    never_valid = replace(
        job_events[0],
        sha256=job_events[0].sha256[::-1],
        content_type="application/x-www-form-urlencoded",
    )
    quarantined = [_quarantined(event) for event in job_events]
    for event in (validate_callback(never_valid, None, is_form=True), *quarantined):
        record(engine, event)
    job = job_events[0].job_id
    ids = _ids(engine, job)
    _replay_all(engine, ids[: data.draw(st.integers(0, len(ids)))])
    _replay_all(engine, ids)
    once = _rows(engine, job)
    assert [outcome for outcome in _replay_all(engine, ids) if outcome] == [Outcome.QUARANTINED]
    assert _rows(engine, job) == once


def test_dry_run_knows_what_was_erased(engine: Engine) -> None:
    """A dry run returns that nothing of a callback would be stored, as the replay does."""
    record(engine, _quarantined(validated_event(COMPLETED, at=NOON)))
    [event_id] = _ids(engine, JOB)
    with engine.connect() as connection:
        add_tombstones(connection, [job_key(JOB)], NOON)
    outcomes = []
    for dry_run in (True, False):
        result = Replay(engine, [], dry_run=dry_run)(event_id)
        outcomes.append(result and result.outcome)
    assert outcomes == [Outcome.ERASED, Outcome.ERASED]


def test_internal_error_is_applied_by_replay(engine: Engine) -> None:
    """A body that once caused an internal error is applied once it doesn't."""

    class Failing(bytes):
        def decode(self, *_: Any, **__: Any) -> str:
            raise KeyError

    body = b'{"id": "job", "accountId": "AC1", "status": "completed"}'
    assert record(engine, validated_event(Failing(body))).reason == "internal_error"
    assert _replay_all(engine, [1]) == [Outcome.APPLIED]
    assert stored_row(engine)["status"] == "COMPLETED"


def test_replay_runs_beside_new_callbacks(engine: Engine) -> None:
    """Each job is the fold of its events after concurrent callbacks, redeliveries and replays."""
    job_events = [
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
    for event in job_events[:40]:
        record(engine, _quarantined(event))
    ids = list(quarantined_ids(engine, EVERYTHING, MAX_ID))
    replays = [Replay(engine, [], dry_run=False) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        running: list[Future[Any]] = []
        for n, event in enumerate(job_events[20:]):
            running.append(pool.submit(record, engine, event))
            running += [pool.submit(replay, ids[n]) for replay in replays]
    assert all(each.exception() is None for each in running)
    for n in range(3):
        assert stored_row(engine, f"job_{n}") == expected_row(job_events[n::3])
        assert not rebuild(engine, [f"job_{n}"])
    with engine.connect() as connection:
        counts = connection.execute(text("SELECT count(*), sum(deliveries) FROM events")).one()
    assert tuple(counts) == (60, 80)


def test_replay_of_promoted_body_does_nothing(engine: Engine) -> None:
    """A replay does nothing when a redelivery has already promoted the body."""
    body = b'{"id": "job", "accountId": "AC1", "status": "completed"}'
    record(engine, _quarantined(received_event(body)))
    record(engine, validated_event(body))
    assert Replay(engine, [], dry_run=False)(1) is None


@pytest.mark.parametrize("size", [1, 1000, 2001])
def test_quarantine_is_listed_in_batches(engine: Engine, size: int) -> None:
    """The quarantine is listed completely, oldest first, up to the newest id at the start."""
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
