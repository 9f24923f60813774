"""Tests that the figures of completeness add up for any jobs, and are cheap to read."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, text

from receiver.store.completeness.figures import Completeness, completeness
from receiver.store.completeness.missing import jobs_to_resubmit, missing_jobs
from receiver.store.engine import transactional
from receiver.store.erasure.redact import erase_job
from receiver.store.jobs.read import Row
from receiver.store.ledger.record import record
from receiver.store.polls.unknown import unknown_jobs
from receiver.store.rejected.quotas import Quotas
from receiver.store.rejected.write import store_rejected
from tests.support.rejections import make_rejected
from tests.support.store_events import START, make_event, quarantined

HOUR = timedelta(hours=1)

_jobs = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["PENDING", "COMPLETED", "COMPLETED", "FAILED"]),
            "sentences": st.sampled_from([None, None, 0, 3]),
            "updated_at": st.sampled_from([None, START, START + HOUR]),
            "is_erased": st.booleans(),
        }
    ),
    max_size=6,
)


NO_GRACE = timedelta(0)


def _figures(engine: Engine, hours: float = 0) -> Completeness:
    with engine.connect() as connection:
        return completeness(connection, at=START + hours * HOUR, grace=NO_GRACE)


def _jobs_to_resubmit(connection: Connection, overdue_by: datetime) -> Sequence[Row]:
    with_recording = text("UPDATE transcriptions SET configuration_id = 'c', source_id = 's'")
    connection.execute(with_recording)

    return jobs_to_resubmit(connection, overdue_by, overdue_by, account_id=None, limit=9)


def test_figures_of_empty_store_are_zero(engine: Engine) -> None:
    """All figures of an empty store are 0, and no time is known."""
    figures = _figures(engine)
    assert (figures.completed, figures.missing, figures.awaiting) == (0, 0, 0)
    assert figures.oldest_missing_at is figures.since is None


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(jobs=_jobs, hours=st.sampled_from([-1, 0, 0.5, 1, 200]))
def test_figures_equal_a_count_of_the_jobs(
    engine: Engine, jobs: list[dict[str, object]], hours: float
) -> None:
    """The figures equal a count of the jobs; a gap is missing after the grace time.

    An erased job is no gap.
    """
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE events, transcriptions, tombstones"))
    for number, head in enumerate(jobs):
        job_id = f"job_{number}"
        members = {name: value for name, value in head.items() if name != "is_erased"}
        record(engine, make_event(members, job=job_id, minutes=100))
        if head["is_erased"]:
            with transactional(engine).begin() as connection:
                erase_job(connection, job_id, 1, START)
    promised = [head for head in jobs if head["status"] == "COMPLETED"]
    erased = [head for head in promised if head["is_erased"]]
    gaps = [head for head in promised if head["sentences"] is None and not head["is_erased"]]
    ends = [head["updated_at"] or START + timedelta(minutes=100) for head in gaps]
    overdue = [end for end in ends if end <= START + hours * HOUR]  # type: ignore[operator]  # all are datetimes
    figures = _figures(engine, hours)
    assert figures.completed == len(promised)
    assert figures.failed == sum(head["status"] == "FAILED" for head in jobs)
    assert figures.erased == len(erased)
    assert figures.with_transcript == len(promised) - len(gaps) - len(erased)
    assert (figures.missing, figures.awaiting) == (len(overdue), len(gaps) - len(overdue))
    assert figures.oldest_missing_at == min(overdue, default=None)  # type: ignore[type-var]  # all are datetimes


def test_failed_jobs_are_counted_by_code(engine: Engine) -> None:
    """Failed jobs are counted: all, those submitted again, recent ones, and by Twilio's code."""
    for number, code in enumerate([17552, 17552, 17558, None]):
        head = {"status": "FAILED", "updated_at": START, "error_code": code}
        record(engine, make_event(head, job=f"job_{number}"))
    with engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO submissions (idempotency_key, request, submitted_by, created_at,"
                " asked_at) VALUES ('resubmit-job_0', '{}', 'me', now(), now())"
            )
        )
    figures = _figures(engine, hours=1)
    assert (figures.failed, figures.failed_resubmitted, figures.failed_recently) == (4, 1, 3)
    assert figures.failed_by_code == {"17552": 2, "17558": 1}
    assert figures.completed == 0
    assert _figures(engine, hours=24 * 7).failed_recently == 0


def test_transcripts_without_a_callback_are_counted(engine: Engine) -> None:
    """A conversation's transcript counts for a week, unless a callback brings one."""
    head = {"status": "COMPLETED", "updated_at": START, "sentences": 2}
    for job in ("job_1", "job_2"):
        record(engine, make_event(head, source="conversation", job=job))
    assert _figures(engine, hours=1).without_callback == 2
    record(engine, make_event(head, job="job_2", minutes=1))
    assert _figures(engine, hours=1).without_callback == 1
    assert _figures(engine, hours=24 * 7).without_callback == 0


def test_gap_without_end_counts_from_first_seen(engine: Engine) -> None:
    """A gap without an end time, from an older release, counts from when it was first seen."""
    record(engine, make_event({"status": "COMPLETED", "updated_at": None}, minutes=60))
    with engine.connect() as connection:
        connection.execute(text("UPDATE transcriptions SET ended_at = NULL"))
        assert [job["ended_at"] for job in missing_jobs(connection, START + HOUR, limit=9)] == [
            START + HOUR
        ]
        assert len(_jobs_to_resubmit(connection, START + HOUR)) == 1
        assert _jobs_to_resubmit(connection, START) == []
    assert (_figures(engine, 0.9).awaiting, _figures(engine, 0.9).missing) == (1, 0)
    assert (_figures(engine, 1).awaiting, _figures(engine, 1).missing) == (0, 1)
    assert _figures(engine, 1).oldest_missing_at == START + HOUR


def test_unknown_jobs_are_counted_and_listed(engine: Engine) -> None:
    """Unfinished jobs that Twilio doesn't know are counted and listed; finished ones are not."""
    for number in range(3):
        record(engine, make_event({"status": "PENDING"}, job=f"job_{number}", minutes=number))
    with engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO watches (job_id, need, gave_up) SELECT id, 'status',"
                " 'unknown_at_twilio' FROM transcriptions WHERE id <> 'job_1'"
            )
        )
        assert _figures(engine).unknown_at_twilio == 2
        assert [job["id"] for job in unknown_jobs(connection, limit=9)] == ["job_0", "job_2"]
        assert [job["id"] for job in unknown_jobs(connection, limit=1)] == ["job_0"]
        record(engine, make_event({"status": "FAILED"}, job="job_0"))
        assert [job["id"] for job in unknown_jobs(connection, limit=9)] == ["job_2"]
    assert _figures(engine).unknown_at_twilio == 1


def test_oldest_gap_comes_first(engine: Engine) -> None:
    """The missing jobs are listed oldest first, up to a limit, each with its explanation."""
    for number in range(3):
        ended = START - number * HOUR
        head = {"status": "COMPLETED", "updated_at": ended}
        record(engine, make_event(head, job=f"job_{number}", minutes=100))
    record(engine, quarantined(make_event({"status": "COMPLETED"}, job="job_2")))
    with engine.connect() as connection:
        selected = missing_jobs(connection, START, limit=2)
    assert [(job["id"], job["is_quarantined"]) for job in selected] == [
        ("job_2", True),
        ("job_1", False),
    ]


def test_job_without_events_has_an_empty_explanation(engine: Engine) -> None:
    """The explanation of a gap is empty if the job was neither quarantined nor resubmitted."""
    record(engine, make_event({"status": "COMPLETED"}))
    with engine.connect() as connection:
        [job] = missing_jobs(connection, START + HOUR, limit=1)
    assert not job["is_quarantined"]
    assert not job["is_rejected"]
    assert job["resubmitted_as"] is None


def test_gap_with_a_stored_callback_is_not_resubmitted(engine: Engine) -> None:
    """A job isn't resubmitted while a quarantined or rejected callback may hold its transcript."""
    for number in range(3):
        record(
            engine, make_event({"status": "COMPLETED", "updated_at": START}, job=f"job_{number}")
        )
    record(engine, quarantined(make_event({"status": "COMPLETED"}, job="job_0")))
    store_rejected(engine, make_rejected(1), Quotas(frozenset()))
    with engine.connect() as connection:
        selected = _jobs_to_resubmit(connection, START + HOUR)
        missing = missing_jobs(connection, START + HOUR, limit=3)
    assert [job["id"] for job in missing if job["is_rejected"]] == ["job_1"]
    assert [job["id"] for job in selected] == ["job_2"]


def test_figures_are_read_from_indexes(engine: Engine) -> None:
    """The figures are read from indexes, without reading any job's row."""
    with engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO transcriptions (id, account_id, status, first_seen_at, ended_at,"
                " sentences, transcript_sha256, media_url, key_terminal, key_updated_at,"
                " key_source, key_sha256) SELECT 'job_' || n, 'AC', 'COMPLETED', now(), now(), 1,"
                " CASE WHEN n % 100 > 0 THEN '\\x00'::bytea END, repeat('x', 500), 1, now(), 3,"
                " '\\x00' FROM generate_series(1, 20000) AS n"
            )
        )
        connection.execute(text("VACUUM ANALYZE transcriptions"))
        sent: list[tuple[str, dict[str, object]]] = []
        event.listen(engine, "before_cursor_execute", lambda *args: sent.append((args[2], args[3])))
        figures = completeness(connection, at=START, grace=NO_GRACE)
        [(statement, values)] = sent
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars())
    assert (figures.completed, figures.with_transcript) == (20000, 19800)
    assert "Seq Scan on transcriptions" not in plan
    for index in ("transcriptions_gap", "transcriptions_status"):
        assert f"Index Only Scan using {index}" in plan
