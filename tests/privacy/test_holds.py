"""Tests of legal holds: what they match stays, and goes when they are removed."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine

from receiver.privacy.erase import erase
from receiver.privacy.target import Target
from receiver.store.engine import transactional
from receiver.store.erasure.holds import Hold, Kind, add_hold, find_hold, list_holds, remove_hold
from receiver.store.erasure.receipts import Requester
from receiver.store.ledger.record import record
from tests.support.retention import NOW, days_ago, execute, old_event, rows, run_pass
from tests.support.store_events import quarantined

ADDRESS = "+15551230001"
OTHER_ADDRESS = "+15551239999"
PARTICIPANTS = [{"address": OTHER_ADDRESS}, {"address": ADDRESS}]


def hold(engine: Engine, kind: Kind, value: str, name: str = "case 7") -> bool:
    """Add a hold; return whether it is new."""
    with transactional(engine).begin() as connection:
        return add_hold(connection, Hold(name, kind, value, "For the test.", "user:test", NOW))


def release(engine: Engine, name: str = "case 7") -> bool:
    """Remove a hold; return whether there was one."""
    with transactional(engine).begin() as connection:
        return remove_hold(connection, name)


def find(engine: Engine, **given: Any) -> str | None:
    """Return the name of the hold that matches."""
    with engine.connect() as connection:
        return find_hold(connection, **given)


@pytest.mark.parametrize(("kind", "value"), [("job", "held"), ("address", ADDRESS)])
def test_held_job_stays_until_its_hold_is_removed(engine: Engine, kind: Kind, value: str) -> None:
    """Neither the bodies nor the rest of a held job goes; after the hold, both do."""
    record(engine, old_event("held", days=40, sentences=2, participants=PARTICIPANTS))
    record(engine, quarantined(old_event("held", days=40, duration=7)))
    record(engine, old_event("other", days=40, participants=[{"address": "+15551239999"}]))
    assert hold(engine, kind, value)
    assert run_pass(engine) == {"bodies": 1, "jobs": 1, "events": 1}
    assert run_pass(engine) == {}
    assert rows(engine, "SELECT id, transcript_expired_at FROM transcriptions") == [("held", None)]
    assert release(engine)
    assert run_pass(engine) == {"bodies": 2, "jobs": 1, "events": 2}


def test_pass_goes_over_what_is_held(engine: Engine) -> None:
    """A held job doesn't keep the progress from going on: the next pass doesn't read it again."""
    record(engine, old_event("held", days=40))
    record(engine, old_event("other", days=40))
    hold(engine, "job", "held")
    run_pass(engine)
    progress = "SELECT name, last_id FROM retention_progress WHERE last_id > 0 ORDER BY 1"
    assert rows(engine, progress) == [("bodies", 2), ("metadata", 2)]
    release(engine)
    assert rows(engine, "SELECT max(last_id) FROM retention_progress") == [(0,)]


def test_one_of_two_holds_is_enough(engine: Engine) -> None:
    """A job with two holds stays until both are removed."""
    record(engine, old_event("held", days=40, participants=PARTICIPANTS))
    hold(engine, "job", "held", "first")
    hold(engine, "address", ADDRESS, "second")
    release(engine, "first")
    assert run_pass(engine) == {}
    release(engine, "second")
    assert run_pass(engine) == {"bodies": 1, "jobs": 1, "events": 1}


def test_address_holds_what_has_no_job(engine: Engine) -> None:
    """A held address in a quarantined body, a rejected request or a submission holds the row."""
    for number, address in enumerate((ADDRESS, "+15551239999")):
        event = quarantined(
            old_event(f"job_{number}", days=40, participants=[{"address": address}])
        )
        record(engine, event)
        _insert_rejected(engine, number, address)
        _insert_submission(engine, f"key_{number}", request=json.dumps({"address": address}))
    hold(engine, "address", ADDRESS)
    assert run_pass(engine) == {"bodies": 1, "events": 1, "rejected": 1, "submissions": 1}
    release(engine)
    assert run_pass(engine) == {"bodies": 1, "events": 1, "rejected": 1, "submissions": 1}


def test_job_holds_its_rejected_requests_and_submissions(engine: Engine) -> None:
    """A held job's rejected requests and submissions stay too, whether the job is stored or not."""
    for number in (0, 1):
        _insert_rejected(engine, number, ADDRESS)
        _insert_submission(engine, f"key_{number}", job=f"job_{number}")
    hold(engine, "job", "job_0")
    assert run_pass(engine) == {"rejected": 1, "submissions": 1}


def test_find_hold_matches_jobs_and_addresses(engine: Engine) -> None:
    """An erasure finds the hold of a job, of an address, and of an address of the job."""
    record(engine, old_event("job", days=1, participants=PARTICIPANTS))
    hold(engine, "job", "other", "first")
    hold(engine, "address", ADDRESS, "second")
    assert find(engine, job_ids=["other"]) == "first"
    assert find(engine, job_ids=["job"]) == "second"
    assert find(engine, addresses=[ADDRESS]) == "second"
    assert find(engine, job_ids=["unknown"], addresses=["+15551239999"]) is None
    assert find(engine) is None


def test_erasing_another_address_leaves_what_is_held(engine: Engine) -> None:
    """What contains a held address too stays, when somebody else's address in it is erased."""
    both = json.dumps([OTHER_ADDRESS, ADDRESS])
    record(engine, quarantined(old_event("held", days=40, participants=PARTICIPANTS)))
    _insert_rejected(engine, 0, both)
    _insert_submission(engine, "key_0", request=both)
    hold(engine, "address", ADDRESS)
    target = Target("address", OTHER_ADDRESS)
    assert erase(engine, target, Requester(name="officer"), spool=None).counts == {}
    release(engine)
    counts = {"events": 1, "bodies": 1, "rejected": 1, "submissions": 1}
    assert erase(engine, target, Requester(name="officer"), spool=None).counts == counts


def test_names_are_unique(engine: Engine) -> None:
    """A second hold with a name is refused, and so is the removal of an unknown one."""
    assert hold(engine, "job", "job_1")
    assert not hold(engine, "job", "job_2")
    with engine.connect() as connection:
        assert [each.value for each in list_holds(connection)] == ["job_1"]
    assert not release(engine, "other")


def _insert_rejected(engine: Engine, number: int, address: str) -> None:
    execute(
        engine,
        "INSERT INTO rejected (sha256, reason, account_id, job_id, origin, target, headers, body,"
        f" body_bytes, row_bytes, received_at) VALUES (sha256('{number}'), 'x', 'AC',"
        f" 'job_{number}', '', '', '{{}}', '{address}', 9, 9, '{days_ago(40)}')",
    )


def _insert_submission(
    engine: Engine, key: str, *, job: str = "unknown", request: str = "{}"
) -> None:
    execute(
        engine,
        "INSERT INTO submissions (idempotency_key, request, submitted_by, created_at, asked_at,"
        f" job_id) VALUES ('{key}', $${request}$$, 'test', '{days_ago(40)}', '{days_ago(40)}',"
        f" '{job}')",
    )
