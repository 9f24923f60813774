"""Submitting a job: after any interruption there is one job, and it is stored."""

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
from tests.support.samples import CONFIGURATION, JOB
from tests.support.scripted import Scripted, accepted, answer, problem
from tests.support.stored_callbacks import callback
from tests.support.stored_callbacks import record_callback as call_back

REQUEST = SubmissionSchema().load(
    {"transcriptionConfigurationId": CONFIGURATION, "sourceId": "RE" + "a" * 32}
)


class CrashError(BaseException):
    """Simulates SIGKILL: no code of the service catches it."""


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


def _make_one_job_per_key(scripted_twilio: Scripted) -> None:
    """Let Twilio make one job for each key, as it does."""
    made: dict[str, Response] = {}

    def reply(request: Request) -> Response:
        key = request.headers["Idempotency-Key"]
        return made.setdefault(key, accepted(f"{JOB[:-1]}{len(made)}"))

    scripted_twilio.answers(reply)


def test_intent_is_committed_before_twilio_is_called(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """When Twilio receives the request, its key and content are committed."""
    stored: list[Submission] = []

    def read_stored(_: Request) -> Response:
        stored.extend(_unanswered(engine))
        return accepted()

    scripted_twilio.answers(read_stored)
    _submit(engine, twilio_client)
    [intent] = stored
    [asked] = scripted_twilio.asked
    assert intent.idempotency_key == asked.headers["Idempotency-Key"] == "key-1"
    assert json.loads(intent.request) == asked.json
    assert intent.submitted_by == "reader"


def test_submitted_job_is_stored_as_pending(
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


def test_callback_may_arrive_before_the_answer(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """The job is completed then, and the answer to the submission is still PENDING."""

    def answer_after_the_callback(_: Request) -> Response:
        call_back(engine, callback(JOB, sentences=[{"text": "Hi."}]))
        return accepted()

    scripted_twilio.answers(answer_after_the_callback)
    submission = _submit(engine, twilio_client)
    job = _job(engine)
    assert job
    assert (job["status"], job["sentences"]) == ("COMPLETED", 1)
    with engine.connect() as connection:
        accepted_job = outbox.job_as_accepted(connection, submission)
    assert accepted_job
    assert (accepted_job["status"], accepted_job["sentences"]) == ("PENDING", None)


def test_repeat_makes_no_call(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """The same key and request call Twilio once."""
    scripted_twilio.answers(accepted())
    assert _submit(engine, twilio_client) == _submit(engine, twilio_client)
    assert len(scripted_twilio.asked) == 1


def test_key_belongs_to_one_request(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """A key with another request is refused without a call to Twilio."""
    scripted_twilio.answers(accepted())
    _submit(engine, twilio_client)
    with pytest.raises(KeyReusedError):
        _submit(engine, twilio_client, source_id="RE" + "b" * 32)
    assert len(scripted_twilio.asked) == 1


def _crashing(function: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    """Return the function with a crash before or after it."""

    def crash(*args: Any, **kwargs: Any) -> Any:
        if after:
            function(*args, **kwargs)
        raise CrashError

    return crash


@pytest.mark.parametrize(
    ("target", "name", "after"),
    [
        (Twilio, "create", False),  # the intent is committed, Twilio isn't called
        (Twilio, "create", True),  # Twilio made the job, its answer isn't stored
        (submitting, "record_response", False),
        (submitting, "record_response", True),  # the job is stored, the submission isn't marked
        (outbox, "mark_accepted", False),
        (outbox, "mark_accepted", True),  # all is stored, but the client has no answer
    ],
)
@pytest.mark.parametrize("resumed_by", ["repeat", "reconciler"])
def test_crash_leaves_one_job(
    *,
    engine: Engine,
    twilio_client: Twilio,
    scripted_twilio: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    target: Any,
    name: str,
    after: bool,
    resumed_by: str,
) -> None:
    """After a crash at any step, a repeat or a reconciler ends with the same single job."""
    _make_one_job_per_key(scripted_twilio)
    with monkeypatch.context() as patched:
        patched.setattr(target, name, _crashing(getattr(target, name), after=after))
        with pytest.raises(CrashError):
            _submit(engine, twilio_client)
    if resumed_by == "reconciler":
        for submission in _unanswered(engine):
            resume(engine, twilio_client, submission)
    submission = _submit(engine, twilio_client)
    assert submission.job_id == f"{JOB[:-1]}0"
    assert _unanswered(engine) == []
    assert len({asked.headers["Idempotency-Key"] for asked in scripted_twilio.asked}) == 1
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM transcriptions").scalar() == 1
        assert connection.exec_driver_sql("SELECT count(*) FROM events").scalar() == 1


def test_submission_without_an_answer_stays_open(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """Without an answer it is unknown whether there is a job; a repeat finds out."""
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
def test_refused_submission_is_not_resumed(
    engine: Engine,
    twilio_client: Twilio,
    scripted_twilio: Scripted,
    reply: Response,
    error: type[Exception],
) -> None:
    """A refused submission is not resumed, but its submitter may repeat it."""
    scripted_twilio.answers(reply, accepted())
    with pytest.raises(error):
        _submit(engine, twilio_client)
    assert _unanswered(engine) == []
    assert _submit(engine, twilio_client).job_id == JOB


@pytest.mark.parametrize("reply", [problem(403, 20003), answer({}, 429)])
def test_refusal_after_an_unanswered_request_leaves_it_open(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted, reply: Response
) -> None:
    """A later refusal doesn't show whether the first request made a job."""
    scripted_twilio.answers(Response(status=500), reply, accepted())
    for _ in range(2):
        with pytest.raises((TwilioUnavailableError, TwilioBusyError, TwilioRefusedError)):
            _submit(engine, twilio_client)
    [submission] = _unanswered(engine)
    assert resume(engine, twilio_client, submission).job_id == JOB


def test_refused_request_can_be_corrected(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """After a refusal the key has no job yet, so a corrected request may use it."""
    scripted_twilio.answers(problem(400, 17530), accepted())
    with pytest.raises(TwilioRefusedError):
        _submit(engine, twilio_client)
    other = "RE" + "b" * 32
    assert _submit(engine, twilio_client, source_id=other).job_id == JOB
    assert scripted_twilio.asked[-1].json["sourceId"] == other


def test_unusable_answer_is_stored(
    engine: Engine, twilio_client: Twilio, scripted_twilio: Scripted
) -> None:
    """After an unusable answer Twilio isn't called again, because it has made a job."""
    scripted_twilio.answers(answer({"transcription": {"id": JOB}}, 202))
    submission = _submit(engine, twilio_client)
    assert submission.job_id == JOB
    assert submission.answered_at
    with engine.connect() as connection:
        assert outbox.job_as_accepted(connection, submission) is None
    assert _submit(engine, twilio_client) == submission
    assert len(scripted_twilio.asked) == 1


def test_new_keys_are_uuids_of_version_7() -> None:
    """New keys are distinct and start with the time in milliseconds, so they sort by time."""
    before = datetime.now(UTC)
    keys = [UUID(uuid7()) for _ in range(100)]
    assert len(set(keys)) == 100
    assert {(key.version, key.variant) for key in keys} == {(7, "specified in RFC 4122")}
    milliseconds = [key.int >> 80 for key in keys]
    assert milliseconds == sorted(milliseconds)
    assert milliseconds[0] >= int(before.timestamp() * 1000)
