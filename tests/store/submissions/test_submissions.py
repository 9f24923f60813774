"""Submissions: known before Twilio is asked, and what is known of each."""

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
WANTED = Submission(
    idempotency_key="key-1",
    request='{"a":1}',
    submitted_by="reader",
    created_at=NOON,
    asked_at=NOON,
)


def _later(after: timedelta = timedelta(minutes=5)) -> Submission:
    return replace(WANTED, created_at=NOON + after, asked_at=NOON + after)


LATER = _later()
# The second ask while nothing is known of the first.
AGAIN = replace(LATER, created_at=NOON)


def _intend(engine: Engine, submission: Submission) -> Submission:
    with engine.connect() as connection:
        return outbox.record_intent(connection, submission)


def _take(engine: Engine, *, job_id: str = "job", event_id: int = 7) -> Submission:
    with engine.connect() as connection:
        return outbox.mark_accepted(connection, "key-1", job_id=job_id, event_id=event_id, at=NOON)


def _refuse(engine: Engine, asked: Submission = WANTED, *, status: int = 400) -> None:
    with engine.connect() as connection:
        outbox.mark_refused(connection, asked, {"status": status, "code": 17530})


def _unanswered(engine: Engine, before: datetime) -> list[Submission]:
    with engine.connect() as connection:
        return list(outbox.find_unanswered(connection, before))


def test_an_intent_is_known_until_it_is_answered(engine: Engine) -> None:
    """It is found as unanswered from the given age on, until Twilio took it."""
    assert _intend(engine, WANTED) == WANTED
    assert _unanswered(engine, NOON) == []
    assert _unanswered(engine, NOON + timedelta(seconds=1)) == [WANTED]
    taken = _take(engine)
    assert (taken.job_id, taken.event_id, taken.answered_at) == ("job", 7, NOON)
    assert _unanswered(engine, NOON + timedelta(seconds=1)) == []


def test_a_repeat_counts_from_its_own_time(engine: Engine) -> None:
    """Whoever is just asking again isn't overtaken by a reconciler."""
    _intend(engine, WANTED)
    assert _intend(engine, LATER) == AGAIN
    assert _unanswered(engine, NOON + timedelta(minutes=1)) == []


def test_what_twilio_may_have_forgotten_is_left_alone(engine: Engine) -> None:
    """After a day nobody takes an intent up unasked: it might become a second job."""
    _intend(engine, WANTED)
    assert _unanswered(engine, NOON + KEY_LIFETIME) == [WANTED]
    assert _unanswered(engine, NOON + KEY_LIFETIME + timedelta(seconds=1)) == []


def test_an_answer_stays(engine: Engine) -> None:
    """A repeat gets it, and neither another answer nor a refusal replaces it."""
    _intend(engine, WANTED)
    taken = _take(engine)
    _refuse(engine)
    assert _take(engine, job_id="other", event_id=8) == taken
    assert _intend(engine, LATER) == taken


def test_a_refusal_is_no_answer(engine: Engine) -> None:
    """Nobody asks again by himself; who repeats it asks Twilio anew."""
    _intend(engine, WANTED)
    _refuse(engine)
    assert _unanswered(engine, NOON + timedelta(seconds=1)) == []
    assert _intend(engine, LATER) == LATER
    assert _unanswered(engine, NOON + timedelta(minutes=6)) == [LATER]


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_refusal_of_the_moment_says_nothing_of_an_earlier_ask(
    engine: Engine, status: int
) -> None:
    """It ends a first ask; after one of unknown outcome the row is left to be asked for."""
    _intend(engine, WANTED)
    _intend(engine, LATER)
    _refuse(engine, AGAIN, status=status)
    assert _unanswered(engine, NOON + timedelta(minutes=6)) == [AGAIN]
    _refuse(engine, AGAIN)
    anew = _intend(engine, _later(timedelta(minutes=10)))
    assert anew.is_first_attempt
    _refuse(engine, anew, status=status)
    assert _unanswered(engine, NOON + timedelta(minutes=11)) == []


def test_a_refusal_ends_no_later_ask(engine: Engine) -> None:
    """Somebody has asked since, and may be answered otherwise."""
    _intend(engine, WANTED)
    _intend(engine, LATER)
    _refuse(engine, WANTED)
    assert _unanswered(engine, NOON + timedelta(minutes=6)) == [AGAIN]


def test_a_refused_key_may_stand_for_another_request(engine: Engine) -> None:
    """Nothing came of the first, and so the request and who wants it are the second's."""
    _intend(engine, WANTED)
    _refuse(engine)
    mended = replace(LATER, request='{"a":2}', submitted_by="writer")
    assert _intend(engine, mended) == mended
    with pytest.raises(KeyReusedError):
        _intend(engine, LATER)


def test_what_may_be_forgotten_is_not_asked_again(engine: Engine) -> None:
    """A day after the first ask of unknown outcome it is doubtful, until then it isn't."""
    _intend(engine, WANTED)
    _intend(engine, _later(KEY_LIFETIME))
    late = _later(KEY_LIFETIME + timedelta(seconds=1))
    with pytest.raises(OutcomeUnknownError, match=r"2026-04-02T12:00:00Z.*new Idempotency-Key"):
        _intend(engine, late)
    with engine.connect() as connection:
        assert intents.find_expired(connection, NOON + KEY_LIFETIME) == []
        assert intents.find_expired(connection, late.asked_at) == [WANTED.idempotency_key]
        assert intents.find_expired(connection, NOON + intents.REPORT_EXPIRED_FOR) == []
    _take(engine)
    assert _intend(engine, late).job_id == "job"
    with engine.connect() as connection:
        assert intents.find_expired(connection, late.asked_at) == []


def test_what_was_refused_long_ago_is_asked_anew(engine: Engine) -> None:
    """There is no doubt about it, and its day begins again."""
    _intend(engine, WANTED)
    _refuse(engine)
    later = _later(3 * KEY_LIFETIME)
    assert _intend(engine, later) == later
    with engine.connect() as connection:
        assert intents.find_expired(connection, later.asked_at) == []


def test_one_takes_up_what_was_left(engine: Engine) -> None:
    """It has the time of his asking then, by which a second one sees that it isn't his."""
    _intend(engine, WANTED)
    with engine.connect() as connection:
        assert intents.claim(connection, WANTED, LATER.asked_at) == AGAIN
        assert intents.claim(connection, WANTED, LATER.asked_at) is None
        assert intents.claim(connection, AGAIN, NOON + 2 * KEY_LIFETIME) is None


@pytest.mark.parametrize("answered", [False, True])
def test_a_key_stands_for_one_request(engine: Engine, answered: bool) -> None:  # noqa: FBT001 - a parameter
    """With another request it is refused, and the first one stays as it was."""
    _intend(engine, WANTED)
    known = _take(engine) if answered else WANTED
    with pytest.raises(KeyReusedError):
        _intend(engine, replace(LATER, request='{"a":2}'))
    assert _intend(engine, WANTED) == known


def test_which_are_done(engine: Engine) -> None:
    """Of many keys those are told of which Twilio has made a job, with its id."""
    _intend(engine, WANTED)
    _intend(engine, replace(WANTED, idempotency_key="key-2"))
    _take(engine)
    with engine.connect() as connection:
        assert outbox.accepted_jobs(connection, ["key-1", "key-2", "key-3"]) == {"key-1": "job"}
        assert outbox.accepted_jobs(connection, []) == {}
