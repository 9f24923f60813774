"""Tests of the retention: bodies go first, the rest later, and nothing too early."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from receiver.privacy.retention import Retention
from receiver.store.event import Outcome
from receiver.store.jobs.rebuild import rebuild
from receiver.store.ledger.record import record
from tests.support.retention import count_all, days_ago, execute, old_event, rows, run_pass, seed
from tests.support.store_events import quarantined
from tests.support.stored_callbacks import callback, record_callback

SENTENCES = [{"text": "what the caller said"}]
_TRANSCRIPTS = (
    "SELECT id, transcript_expired_at IS NOT NULL, sentences FROM transcriptions ORDER BY 1"
)


def test_body_expires_before_its_job(engine: Engine) -> None:
    """After the time for bodies, the body is gone; the job and the event's head stay."""
    record_callback(engine, callback("job_1", sentences=SENTENCES), at=days_ago(11))
    record_callback(engine, callback("job_2", sentences=SENTENCES), at=days_ago(9))
    assert run_pass(engine) == {"bodies": 1}
    events = "SELECT job_id, body IS NULL, head ->> 'status' FROM events ORDER BY 1"
    assert rows(engine, events) == [("job_1", True, "COMPLETED"), ("job_2", False, "COMPLETED")]
    assert rows(engine, _TRANSCRIPTS) == [("job_1", True, 1), ("job_2", False, 1)]
    assert run_pass(engine) == {}


def test_only_the_transcript_of_the_expired_body_is_marked(engine: Engine) -> None:
    """A job whose older callback has expired still has the transcript of the newer one."""
    record(engine, old_event("job", days=11, sentences=2, updated_at=days_ago(11)))
    record(engine, old_event("job", days=9, sentences=3, updated_at=days_ago(9)))
    assert run_pass(engine) == {"bodies": 1}
    assert rows(engine, _TRANSCRIPTS) == [("job", False, 3)]


@pytest.mark.parametrize("is_newer", [True, False])
def test_new_body_replaces_an_expired_transcript(engine: Engine, *, is_newer: bool) -> None:
    """A job has a transcript again if a callback with another one arrives, newer or late."""
    old = old_event("job", days=11, source="conversation", sentences=2, updated_at=days_ago(11))
    record(engine, old)
    run_pass(engine)
    updated_at = days_ago(10 if is_newer else 12)
    record(engine, old_event("job", days=0, sentences=3, updated_at=updated_at))
    assert rows(engine, _TRANSCRIPTS) == [("job", False, 3)]


def test_event_without_transcript_keeps_it_expired(engine: Engine) -> None:
    """A newer event without a transcript leaves the expired one as it is; so does a rebuild."""
    record(engine, old_event("job", days=11, sentences=2, updated_at=days_ago(11)))
    run_pass(engine)
    record(engine, old_event("job", days=0, duration=7, updated_at=days_ago(1)))
    assert rows(engine, _TRANSCRIPTS) == [("job", True, 2)]
    assert not rebuild(engine, ["job"])


@pytest.mark.parametrize(
    "damage", ["UPDATE transcriptions SET sentences = 9", "DELETE FROM transcriptions"]
)
def test_rebuilt_job_knows_that_its_transcript_expired(engine: Engine, damage: str) -> None:
    """A job whose row was damaged or lost is rebuilt with an expired transcript."""
    record(engine, old_event("job", days=11, sentences=2))
    run_pass(engine)
    execute(engine, damage)
    assert rebuild(engine, ["job"]) == ["job"]
    assert rows(engine, _TRANSCRIPTS) == [("job", True, 2)]


def test_quarantined_body_expires_and_stays_quarantined(engine: Engine) -> None:
    """The body of a quarantined event expires like any other."""
    record(engine, quarantined(old_event("job", days=11)))
    assert run_pass(engine) == {"bodies": 1}
    assert rows(engine, "SELECT outcome, body IS NULL FROM events") == [("quarantined", True)]


def test_promoted_event_without_a_body_has_an_expired_transcript(engine: Engine) -> None:
    """A quarantined event whose body has expired, and that validates now, has no transcript."""
    event = old_event("job", days=11, sentences=2)
    record(engine, quarantined(event))
    run_pass(engine)
    assert record(engine, event).outcome == Outcome.APPLIED
    assert rows(engine, _TRANSCRIPTS) == [("job", True, 2)]


def test_job_goes_with_all_that_belongs_to_it(engine: Engine) -> None:
    """After the time for the rest, the job, its events and its watch are gone."""
    for job, days in (("job_1", 31), ("job_2", 29)):
        record(engine, old_event(job, days=days, sentences=2))
        record(engine, quarantined(old_event(job, days=days, duration=7)))
        execute(engine, f"INSERT INTO watches (job_id, need) VALUES ('{job}', 'unfinished')")
    assert run_pass(engine) == {"bodies": 4, "jobs": 1, "events": 2}
    for query in ("SELECT DISTINCT job_id FROM events", "SELECT job_id FROM watches"):
        assert rows(engine, query) == [("job_2",)]
    assert rows(engine, "SELECT id FROM transcriptions") == [("job_2",)]
    assert rows(engine, "SELECT key FROM tombstones") == [("job:job_1",)]


def test_job_stays_as_long_as_its_newest_event(engine: Engine) -> None:
    """A job with an old and a younger event goes with the younger one, whatever Twilio's times."""
    record(engine, old_event("job", days=31, created_at=days_ago(400)))
    record(engine, old_event("job", days=29, duration=7, created_at=days_ago(400)))
    assert run_pass(engine)["jobs"] == 0
    execute(engine, "UPDATE events SET received_at = received_at - interval '2 days'")
    assert run_pass(engine) == {"jobs": 1, "events": 2}


def test_retry_that_an_erasure_absorbed_keeps_no_job(engine: Engine) -> None:
    """A late callback of an erased job doesn't prolong the time for which the job is kept."""
    record(engine, old_event("job", days=31))
    record(engine, old_event("job", days=0, duration=7))
    execute(engine, "UPDATE events SET outcome = 'erased' WHERE head ->> 'duration' IS NOT NULL")
    assert run_pass(engine)["jobs"] == 1


def test_quarantined_event_without_a_job_leaves_its_digest(engine: Engine) -> None:
    """Of a quarantined event without a job, the body is not stored again, but others of it are."""
    event = quarantined(old_event("job", days=31))
    record(engine, event)
    assert run_pass(engine) == {"bodies": 1, "events": 1}
    assert rows(engine, "SELECT key FROM tombstones") == [(f"sha256:{event.sha256.hex()}",)]
    assert record(engine, event).outcome == Outcome.ERASED
    assert record(engine, old_event("job", days=0, duration=7)).outcome == Outcome.APPLIED


def test_expired_job_does_not_come_back(engine: Engine) -> None:
    """An event of a removed job, the same or another one, stores nothing."""
    event = old_event("job", days=31)
    record(engine, event)
    run_pass(engine)
    for late in (event, old_event("job", days=0), quarantined(old_event("job", days=1))):
        assert record(engine, late).outcome == Outcome.ERASED
    assert count_all(engine, "events", "transcriptions") == 0


def test_boundary_belongs_to_the_time_that_is_kept(engine: Engine) -> None:
    """What was received minutes after the cutoff stays, and a moment before it goes."""
    # A time of the present: the other times are those of the tests' beginning.
    cutoff = datetime.now(UTC) - timedelta(days=10)
    for job, received_at in (("job_1", cutoff), ("job_2", cutoff + timedelta(minutes=10))):
        record(engine, replace(old_event(job, days=10), received_at=received_at))
    assert run_pass(engine) == {"bodies": 1}
    assert rows(engine, "SELECT job_id FROM events WHERE body IS NULL") == [("job_1",)]


def test_without_settings_everything_stays(engine: Engine) -> None:
    """Without a limit, nothing is removed, however old it is."""
    record(engine, old_event("job", days=4000))
    assert run_pass(engine, Retention()) == {}
    assert run_pass(engine, Retention(bodies=timedelta(days=10))) == {"bodies": 1}
    assert count_all(engine, "events", "transcriptions") == 2


def test_shorter_time_finds_what_the_last_pass_left(engine: Engine) -> None:
    """After a pass, a shorter time removes more, and a longer one brings nothing back."""
    for days in (12, 6, 3):
        record(engine, old_event(f"job_{days}", days=days))
    for limit, removed in ((10, {"bodies": 1}), (5, {"bodies": 1}), (9, {}), (1, {"bodies": 1})):
        assert run_pass(engine, Retention(bodies=timedelta(days=limit))) == removed


def test_event_from_the_spool_or_a_wrong_clock_delays_no_other(engine: Engine) -> None:
    """Events that aren't stored in the order of their receipt expire at their own time."""
    record(engine, old_event("future", days=-4000))
    record(engine, old_event("old", days=11))
    record(engine, old_event("young", days=1))
    record(engine, old_event("spooled", days=12))
    assert run_pass(engine) == {"bodies": 2}
    expired = rows(engine, "SELECT job_id FROM events WHERE body IS NULL ORDER BY id")
    assert expired == [("old",), ("spooled",)]
    execute(engine, "UPDATE events SET received_at = received_at - interval '10 days'")
    assert run_pass(engine) == {"bodies": 1}


def test_many_windows_are_read(engine: Engine) -> None:
    """A pass reads all windows of a large ledger, and remembers how far it came."""
    seed(engine, 2500, days=31)
    assert run_pass(engine) == {"bodies": 2500, "jobs": 2500, "events": 2500}
    assert count_all(engine, "events", "transcriptions") == 0
    assert count_all(engine, "tombstones") == 2500
