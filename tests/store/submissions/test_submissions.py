"""Tests of the outbox: each submission is stored before Twilio is called, and then its outcome."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from receiver.store.submissions import intents, outbox
from receiver.store.submissions.outbox import (
    KEY_LIFETIME,
    KeyReusedError,
    OutcomeUnknownError,
    Submission,
)

NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)
FIRST = Submission(
    idempotency_key="key-1",
    request='{"a":1}',
    submitted_by="reader",
    created_at=NOON,
    asked_at=NOON,
)


def _later(after: timedelta = timedelta(minutes=5)) -> Submission:
    return replace(FIRST, created_at=NOON + after, asked_at=NOON + after)


LATER = _later()
# The second attempt while the outcome of the first is unknown.
REPEATED = replace(LATER, created_at=NOON)


def _record_intent(engine: Engine, submission: Submission) -> Submission:
    with engine.connect() as connection:
        return outbox.record_intent(connection, submission)


def _mark_accepted(engine: Engine, *, job_id: str = "job", event_id: int = 7) -> Submission:
    with engine.connect() as connection:
        return outbox.mark_accepted(connection, "key-1", job_id=job_id, event_id=event_id, at=NOON)


def _mark_refused(engine: Engine, submission: Submission = FIRST, *, status: int = 400) -> None:
    with engine.connect() as connection:
        outbox.mark_refused(connection, submission, {"status": status, "code": 17530})


def _find_unanswered(engine: Engine, before: datetime) -> list[Submission]:
    with engine.connect() as connection:
        return list(outbox.find_unanswered(connection, before))


def test_intent_is_unanswered_until_accepted(engine: Engine) -> None:
    """An intent is listed as unanswered, from the given age on, until Twilio accepts it."""
    assert _record_intent(engine, FIRST) == FIRST
    assert _find_unanswered(engine, NOON) == []
    assert _find_unanswered(engine, NOON + timedelta(seconds=1)) == [FIRST]
    accepted = _mark_accepted(engine)
    assert (accepted.job_id, accepted.event_id, accepted.answered_at) == ("job", 7, NOON)
    assert _find_unanswered(engine, NOON + timedelta(seconds=1)) == []


def test_repeat_counts_from_its_own_time(engine: Engine) -> None:
    """A repeated intent counts from its last attempt, so the reconciler doesn't claim it early."""
    _record_intent(engine, FIRST)
    assert _record_intent(engine, LATER) == REPEATED
    assert _find_unanswered(engine, NOON + timedelta(minutes=1)) == []


def test_intent_older_than_a_day_is_not_retried(engine: Engine) -> None:
    """After a day an intent isn't retried automatically, because it might become a second job."""
    _record_intent(engine, FIRST)
    assert _find_unanswered(engine, NOON + KEY_LIFETIME) == [FIRST]
    assert _find_unanswered(engine, NOON + KEY_LIFETIME + timedelta(seconds=1)) == []


def test_first_response_is_final(engine: Engine) -> None:
    """A repeat gets the stored response; a later response or refusal doesn't replace it."""
    _record_intent(engine, FIRST)
    accepted = _mark_accepted(engine)
    _mark_refused(engine)
    assert _mark_accepted(engine, job_id="other", event_id=8) == accepted
    assert _record_intent(engine, LATER) == accepted


def test_refused_intent_is_not_retried_but_may_be_repeated(engine: Engine) -> None:
    """A refused intent isn't retried automatically, and a client's repeat is a new attempt."""
    _record_intent(engine, FIRST)
    _mark_refused(engine)
    assert _find_unanswered(engine, NOON + timedelta(seconds=1)) == []
    assert _record_intent(engine, LATER) == LATER
    assert _find_unanswered(engine, NOON + timedelta(minutes=6)) == [LATER]


@pytest.mark.parametrize("status", [401, 403, 429])
def test_transient_refusal_keeps_an_earlier_attempt_unanswered(engine: Engine, status: int) -> None:
    """A transient refusal ends a first attempt, and not one of unknown outcome before it."""
    _record_intent(engine, FIRST)
    _record_intent(engine, LATER)
    _mark_refused(engine, REPEATED, status=status)
    assert _find_unanswered(engine, NOON + timedelta(minutes=6)) == [REPEATED]
    _mark_refused(engine, REPEATED)
    retried = _record_intent(engine, _later(timedelta(minutes=10)))
    assert retried.is_first_attempt
    _mark_refused(engine, retried, status=status)
    assert _find_unanswered(engine, NOON + timedelta(minutes=11)) == []


def test_refusal_does_not_end_a_later_attempt(engine: Engine) -> None:
    """A refusal doesn't end an attempt that began later, because Twilio may accept that one."""
    _record_intent(engine, FIRST)
    _record_intent(engine, LATER)
    _mark_refused(engine, FIRST)
    assert _find_unanswered(engine, NOON + timedelta(minutes=6)) == [REPEATED]


def test_refused_key_may_be_used_for_another_request(engine: Engine) -> None:
    """A refused key may be used for another request, which replaces the first."""
    _record_intent(engine, FIRST)
    _mark_refused(engine)
    changed = replace(LATER, request='{"a":2}', submitted_by="writer")
    assert _record_intent(engine, changed) == changed
    with pytest.raises(KeyReusedError):
        _record_intent(engine, LATER)


def test_intent_expires_a_day_after_its_first_attempt(engine: Engine) -> None:
    """An intent of unknown outcome expires a day after its first attempt, and not before."""
    _record_intent(engine, FIRST)
    _record_intent(engine, _later(KEY_LIFETIME))
    expired = _later(KEY_LIFETIME + timedelta(seconds=1))
    with pytest.raises(OutcomeUnknownError, match=r"2026-04-02T12:00:00Z.*new Idempotency-Key"):
        _record_intent(engine, expired)
    with engine.connect() as connection:
        assert intents.find_expired(connection, NOON + KEY_LIFETIME) == []
        assert intents.find_expired(connection, expired.asked_at) == [FIRST.idempotency_key]
        assert intents.find_expired(connection, NOON + intents.REPORT_EXPIRED_FOR) == []
    _mark_accepted(engine)
    assert _record_intent(engine, expired).job_id == "job"
    with engine.connect() as connection:
        assert intents.find_expired(connection, expired.asked_at) == []


def test_old_refused_intent_starts_again(engine: Engine) -> None:
    """A refused intent starts a new day when it is repeated, at any age."""
    _record_intent(engine, FIRST)
    _mark_refused(engine)
    later = _later(3 * KEY_LIFETIME)
    assert _record_intent(engine, later) == later
    with engine.connect() as connection:
        assert intents.find_expired(connection, later.asked_at) == []


def test_only_one_process_claims_an_intent(engine: Engine) -> None:
    """One process claims an intent; the changed time of the attempt excludes the others."""
    _record_intent(engine, FIRST)
    with engine.connect() as connection:
        assert intents.claim(connection, FIRST, LATER.asked_at) == REPEATED
        assert intents.claim(connection, FIRST, LATER.asked_at) is None
        assert intents.claim(connection, REPEATED, NOON + 2 * KEY_LIFETIME) is None


@pytest.mark.parametrize("answered", [False, True])
def test_key_is_bound_to_its_request(engine: Engine, answered: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    """A key with another request is refused, and the stored submission stays as it was."""
    _record_intent(engine, FIRST)
    stored = _mark_accepted(engine) if answered else FIRST
    with pytest.raises(KeyReusedError):
        _record_intent(engine, replace(LATER, request='{"a":2}'))
    assert _record_intent(engine, FIRST) == stored


def test_accepted_jobs_maps_keys_to_job_ids(engine: Engine) -> None:
    """`accepted_jobs` maps the keys that Twilio accepted to their job ids."""
    _record_intent(engine, FIRST)
    _record_intent(engine, replace(FIRST, idempotency_key="key-2"))
    _mark_accepted(engine)
    with engine.connect() as connection:
        assert outbox.accepted_jobs(connection, ["key-1", "key-2", "key-3"]) == {"key-1": "job"}
        assert outbox.accepted_jobs(connection, []) == {}
