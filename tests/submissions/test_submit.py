"""Submitting: whatever is cut short, there is one job in the end, and it is known."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from werkzeug.wrappers import Request, Response

from receiver.runtime.deadline import Deadline
from receiver.store.jobs import read
from receiver.store.submissions import outbox
from receiver.store.submissions.outbox import KeyReusedError, Submission
from receiver.submissions import submit as submitting
from receiver.submissions.idempotency_keys import uuid7
from receiver.submissions.submit import Intent, resume, submit
from receiver.twilio.client import (
    Twilio,
    TwilioBusyError,
    TwilioRefusedError,
    TwilioUnavailableError,
)
from schemas.submission import Submission as SubmissionSchema
from tests.support.scripted import CONFIGURATION, JOB, Scripted, accepted, answer, problem
from tests.support.stored_callbacks import callback
from tests.support.stored_callbacks import record_callback as call_back

REQUEST = SubmissionSchema().load(
    {"transcriptionConfigurationId": CONFIGURATION, "sourceId": "RE" + "a" * 32}
)


class Died(BaseException):
    """The process ends here, as SIGKILL ends it: nothing of ours catches it."""


def _submit(
    engine: Engine, twilio_client: Twilio, key: str = "key-1", **members: Any
) -> Submission:
    intent = Intent(idempotency_key=key, request=REQUEST | members, submitted_by="reader")

    return submit(engine, twilio_client, intent, Deadline(10))


def _unanswered(engine: Engine) -> list[Submission]:
    with engine.connect() as connection:
        return list(outbox.find_unanswered(connection, datetime.now(UTC) + timedelta(seconds=1)))


def _job(engine: Engine) -> read.Row | None:
    with engine.connect() as connection:
        return read.transcription(connection, JOB)


def _once(scripted_twilio: Scripted) -> None:
    """Let Twilio make one job for each key, as it does."""
    made: dict[str, Response] = {}

    def reply(request: Request) -> Response:
        key = request.headers["Idempotency-Key"]
        return made.setdefault(key, accepted(f"{JOB[:-1]}{len(made)}"))

    scripted_twilio.answers(reply)


def test_the_intent_is_there_before_twilio_is_asked(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """When the request arrives at Twilio, its key and what it asks for are committed."""
    seen: list[Submission] = []

    def look(_: Request) -> Response:
        seen.extend(_unanswered(engine))
        return accepted()

    scripted_twilio.answers(look)
    _submit(engine, twilio_client)
    [intent] = seen
    [asked] = scripted_twilio.asked
    assert intent.idempotency_key == asked.headers["Idempotency-Key"] == "key-1"
    assert json.loads(intent.request) == asked.json
    assert intent.submitted_by == "reader"


def test_the_job_is_pending_and_can_be_read(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """After Twilio's answer the job is stored, and the submission names it."""
    scripted_twilio.answers(accepted())
    submission = _submit(engine, twilio_client)
    assert submission.job_id == JOB
    assert submission.answered_at
    job = _job(engine)
    assert job
    assert (job["status"], job["received_at"]) == ("PENDING", None)
    assert _unanswered(engine) == []


def test_a_callback_may_overtake_the_answer(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """The job is completed then, and what the submission was answered is still PENDING."""

    def overtaken(_: Request) -> Response:
        call_back(engine, callback(JOB, sentences=[{"text": "Hi."}]))
        return accepted()

    scripted_twilio.answers(overtaken)
    submission = _submit(engine, twilio_client)
    job = _job(engine)
    assert job
    assert (job["status"], job["sentences"]) == ("COMPLETED", 1)
    with engine.connect() as connection:
        told = outbox.job_as_accepted(connection, submission)
    assert told
    assert (told["status"], told["sentences"]) == ("PENDING", None)


def test_a_repeat_gets_the_answer_without_asking(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """The same key and request ask Twilio once."""
    scripted_twilio.answers(accepted())
    assert _submit(engine, twilio_client) == _submit(engine, twilio_client)
    assert len(scripted_twilio.asked) == 1


def test_a_key_is_for_one_request(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """With another request it is refused here, and Twilio isn't asked."""
    scripted_twilio.answers(accepted())
    _submit(engine, twilio_client)
    with pytest.raises(KeyReusedError):
        _submit(engine, twilio_client, source_id="RE" + "b" * 32)
    assert len(scripted_twilio.asked) == 1


def _dying(function: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    def dies(*args: Any, **kwargs: Any) -> Any:
        if after:
            function(*args, **kwargs)
        raise Died

    return dies


@pytest.mark.parametrize(
    ("where", "name", "after"),
    [
        (Twilio, "create", False),  # the intent is committed, Twilio isn't asked
        (Twilio, "create", True),  # Twilio took it, nobody here knows
        (submitting, "record_response", False),
        (submitting, "record_response", True),  # the job is stored, the submission isn't marked
        (outbox, "mark_accepted", False),
        (outbox, "mark_accepted", True),  # all is done, but nobody was told
    ],
)
@pytest.mark.parametrize("by", ["repeat", "reconciler"])
def test_a_crash_neither_loses_nor_doubles(
    *,
    engine: Engine,
    twilio_client: Twilio,
    scripted_twilio: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    after: bool,
    by: str,
) -> None:
    """Wherever it dies, a repeat or whoever finds it unanswered ends with one and the same job."""
    _once(scripted_twilio)
    with monkeypatch.context() as patched:
        patched.setattr(where, name, _dying(getattr(where, name), after=after))
        with pytest.raises(Died):
            _submit(engine, twilio_client)
    if by == "reconciler":
        for submission in _unanswered(engine):
            resume(engine, twilio_client, submission)
    submission = _submit(engine, twilio_client)
    assert submission.job_id == f"{JOB[:-1]}0"
    assert _unanswered(engine) == []
    assert len({asked.headers["Idempotency-Key"] for asked in scripted_twilio.asked}) == 1
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM transcriptions").scalar() == 1
        assert connection.exec_driver_sql("SELECT count(*) FROM events").scalar() == 1


def test_no_answer_leaves_it_unanswered(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """Nobody knows whether it was taken, and a repeat finds out."""
    scripted_twilio.answers(Response(status=500), accepted())
    with pytest.raises(TwilioUnavailableError):
        _submit(engine, twilio_client)
    assert [each.idempotency_key for each in _unanswered(engine)] == ["key-1"]
    assert _submit(engine, twilio_client).job_id == JOB


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (problem(400, 17530), TwilioRefusedError),
        (problem(401, 20003), TwilioRefusedError),
        (answer({}, 429, Retry_After="1"), TwilioBusyError),
    ],
)
def test_what_was_not_taken_is_not_taken_up(
    engine: Engine,
    twilio_client: Twilio,
    scripted_twilio: Scripted,
    reply: Response,
    error: type[Exception],
) -> None:
    """A refusal ends it, until its submitter asks again."""
    scripted_twilio.answers(reply, accepted())
    with pytest.raises(error):
        _submit(engine, twilio_client)
    assert _unanswered(engine) == []
    assert _submit(engine, twilio_client).job_id == JOB


@pytest.mark.parametrize("reply", [problem(403, 20003), answer({}, 429)])
def test_what_may_have_been_taken_before_is_left_open(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted, reply: Response
) -> None:
    """That Twilio refuses us now says nothing of the first ask, and somebody has to find out."""
    scripted_twilio.answers(Response(status=500), reply, accepted())
    for _ in range(2):
        with pytest.raises((TwilioUnavailableError, TwilioBusyError, TwilioRefusedError)):
            _submit(engine, twilio_client)
    [left] = _unanswered(engine)
    assert resume(engine, twilio_client, left).job_id == JOB


def test_a_refused_request_can_be_mended(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """Under the same key, which stands for no job yet."""
    scripted_twilio.answers(problem(400, 17530), accepted())
    with pytest.raises(TwilioRefusedError):
        _submit(engine, twilio_client)
    other = "RE" + "b" * 32
    assert _submit(engine, twilio_client, source_id=other).job_id == JOB
    assert scripted_twilio.asked[-1].json["sourceId"] == other


def test_an_answer_that_makes_no_sense_is_kept(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """It isn't asked for again, for Twilio took it; what is known of the job is told."""
    scripted_twilio.answers(answer({"transcription": {"id": JOB}}, 202))
    submission = _submit(engine, twilio_client)
    assert submission.job_id == JOB
    assert submission.answered_at
    with engine.connect() as connection:
        assert outbox.job_as_accepted(connection, submission) is None
    assert _submit(engine, twilio_client) == submission
    assert len(scripted_twilio.asked) == 1


def test_new_keys_are_uuids_of_version_7() -> None:
    """They differ, they begin with the time in milliseconds, and so they sort by it."""
    before = datetime.now(UTC)
    keys = [UUID(uuid7()) for _ in range(100)]
    assert len(set(keys)) == 100
    assert {(key.version, key.variant) for key in keys} == {(7, "specified in RFC 4122")}
    milliseconds = [key.int >> 80 for key in keys]
    assert milliseconds == sorted(milliseconds)
    assert milliseconds[0] >= int(before.timestamp() * 1000)
