"""Submissions without an answer: a pass sends them again."""

import json

import pytest
from sqlalchemy import Engine

from receiver.reconcile.resume import resume_unanswered
from receiver.reconcile.run import reconcile
from receiver.store.submissions import intents, outbox
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError
from schemas.submission import Submission as Request
from schemas.submission import canonical
from tests.support.reconciling import KEY, count_posts, raising, record_intent, sum_reports
from tests.support.simulator.account import BY_RECORDING
from tests.support.world import world


def test_unanswered_intent_is_sent_again(engine: Engine) -> None:
    """A job whose submitter crashed before the answer becomes known, and there is only one."""
    with world(engine) as env:
        record_intent(env, minutes_ago=5)
        env.rest.create(json.loads(canonical(Request().load(BY_RECORDING))), idempotency_key=KEY)
        report = sum_reports(resume_unanswered(env.context))
        assert report.resumed == 1
        assert len(env.statuses()) == 1
        assert reconcile(env.context).checked == 1


@pytest.mark.parametrize("minutes_ago", [1, 60 * 25])
def test_recent_or_expired_intent_is_not_sent(engine: Engine, minutes_ago: float) -> None:
    """A recent intent's submitter may still be running; Twilio may have forgotten an old key."""
    with world(engine) as env:
        record_intent(env, minutes_ago=minutes_ago)
        sum_reports(resume_unanswered(env.context))
        assert count_posts(env) == 0


def test_unanswered_intent_is_claimed_once(engine: Engine) -> None:
    """A second reconciler can't claim the same intent."""
    with world(engine) as env:
        record_intent(env, minutes_ago=5)
        with engine.connect() as connection:
            stale = outbox.find_unanswered(connection, env.context.clock())
        env.rest.mishap = raising(TwilioUnavailableError("Twilio did not answer."))
        with pytest.raises(TwilioUnavailableError):
            sum_reports(resume_unanswered(env.context))
        env.rest.mishap = lambda _path: None
        sum_reports(resume_unanswered(env.context))
        assert (len(stale), count_posts(env)) == (1, 1)
        with engine.connect() as connection:
            assert not intents.claim(connection, stale[0], env.context.clock())


def test_repeats_do_not_extend_an_intents_lifetime(engine: Engine) -> None:
    """The age of an intent counts from its first request, not from the last one."""
    with world(engine) as env:
        record_intent(env, minutes_ago=25 * 60)
        record_intent(env, minutes_ago=2 * 60)
        sum_reports(resume_unanswered(env.context))
        assert count_posts(env) == 0


def test_pass_sends_unanswered_intents(engine: Engine) -> None:
    """A normal pass resumes unanswered intents."""
    with world(engine) as env:
        record_intent(env, minutes_ago=5)
        assert reconcile(env.context).resumed == 1


def test_429_leaves_an_intent_open(engine: Engine) -> None:
    """After a 429 an intent is sent again later; a refusal is final."""
    with world(engine) as env:
        record_intent(env, minutes_ago=5)
        env.rest.mishap = raising(TwilioBusyError(1))
        with pytest.raises(TwilioBusyError):
            sum_reports(resume_unanswered(env.context))
        env.simulator.advance(300)
        env.rest.mishap = raising(TwilioRefusedError(400, 17533, "Not eligible."))
        report = sum_reports(resume_unanswered(env.context))
        assert (report.errors, count_posts(env)) == (1, 2)
        env.simulator.advance(300)
        sum_reports(resume_unanswered(env.context))
        assert count_posts(env) == 2


@pytest.mark.parametrize(
    "error", [TwilioBusyError(1), TwilioRefusedError(401, 20003, "Authenticate.")]
)
def test_intents_are_sent_before_the_list_is_read(engine: Engine, error: Exception) -> None:
    """An error of the list doesn't delay an intent, whose key Twilio may forget."""
    with world(engine) as env:
        record_intent(env, minutes_ago=5)

        def fail_list(_path: str) -> None:
            if env.rest.asked[-1].startswith("GET"):
                raise error

        env.rest.mishap = fail_list
        report = reconcile(env.context)
        assert (report.resumed, report.fault) == (1, str(error))


def test_failed_resume_does_not_stop_the_list(engine: Engine) -> None:
    """If Twilio is unavailable for submissions only, the pass reports it and reads the list."""
    with world(engine) as env:
        record_intent(env, minutes_ago=5)

        def fail_submissions(_path: str) -> None:
            if env.rest.asked[-1].startswith("POST"):
                raise TwilioUnavailableError("Twilio answered 500.")

        env.rest.mishap = fail_submissions
        report = reconcile(env.context)
        assert report.listed
        assert str(report.fault).endswith("were not resumed: Twilio answered 500.")


def test_401_ends_the_resume(engine: Engine) -> None:
    """A 401 would be the answer for every intent, so the intents stay open."""
    with world(engine) as env:
        for number in range(2):
            record_intent(env, minutes_ago=5, key=f"key-{number}")
        env.rest.mishap = raising(TwilioRefusedError(401, 20003, "Authenticate."))
        with pytest.raises(TwilioRefusedError):
            sum_reports(resume_unanswered(env.context))
        assert count_posts(env) == 1
        env.rest.mishap = lambda _path: None
        env.simulator.advance(300)
        report = sum_reports(resume_unanswered(env.context))
        assert report.resumed == 2


def test_unexpected_error_affects_one_intent(engine: Engine) -> None:
    """An unexpected error is counted, and the next intent is sent."""
    with world(engine) as env:
        for number in range(2):
            record_intent(env, minutes_ago=5, key=f"key-{number}")
        env.rest.mishap = raising(RuntimeError("an unexpected error"))
        report = sum_reports(resume_unanswered(env.context))
        assert (report.errors, count_posts(env)) == (2, 2)


@pytest.mark.parametrize("status", [400, 403])
def test_other_refusal_affects_one_intent(engine: Engine, status: int) -> None:
    """A 400 or 403 is counted, and the next intent is sent."""
    with world(engine) as env:
        for number in range(2):
            record_intent(env, minutes_ago=5, key=f"key-{number}")
        env.rest.mishap = raising(TwilioRefusedError(status, 17533, "Not eligible."))
        report = sum_reports(resume_unanswered(env.context))
        assert (report.errors, count_posts(env)) == (2, 2)
