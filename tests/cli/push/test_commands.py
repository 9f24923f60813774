"""Tests of `push` without --forever, and of what an operator does to an endpoint."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine

from receiver.cli.push.listing import MAX_COUNT
from receiver.services import services_of
from tests.support.command import run
from tests.support.environment import changed_settings
from tests.support.push_receiver import PushReceiver, Reply
from tests.support.stored_callbacks import callback, record_callback

JOBS = ["job0", "job1", "job2"]

Push = Callable[..., Result]


@pytest.fixture
def push(app: Flask) -> Push:
    """Return a function that runs `push …`; the endpoint has started, then jobs were stored."""
    run(app, "push")
    for job in JOBS:
        record_callback(services_of(app).engine, callback(job))

    return lambda *arguments: run(app, "push", *arguments)


def _received(receiver: PushReceiver) -> list[str]:
    return [attempt.message["data"]["id"] for attempt in receiver.attempts]


def test_push_sends_what_is_due_and_reports_it(push: Push, receiver: PushReceiver) -> None:
    """One run sends everything, prints what it did, and exits with 0; the next sends nothing."""
    result = push()
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "orders": {"delivered": len(JOBS), "error": None, "is_elsewhere": False}
    }
    assert json.loads(push().stdout)["orders"]["delivered"] == 0
    assert (_received(receiver), receiver.errors) == (JOBS, [])
    assert "it had everything at" in push("list").stdout


def test_endpoint_that_fails_can_be_resumed(push: Push, receiver: PushReceiver) -> None:
    """A failure exits with 1 until the endpoint is resumed; `list` says why and at which job."""
    receiver.replies += [Reply(204), Reply(503, {"Retry-After": "3600"})]
    assert push().exit_code == 1
    result = push()
    assert (result.exit_code, json.loads(result.stdout)["orders"]["error"]) == (1, "answered 503")
    assert "at the job job1: answered 503 (1 attempt," in push("list").stdout
    assert push("resume", "orders").exit_code == 0
    assert push().exit_code == 0
    assert _received(receiver) == ["job0", "job1", "job1", "job2"]


def test_410_disables_until_resume(push: Push, receiver: PushReceiver) -> None:
    """An endpoint that answers 410 is disabled, and gets everything after it is resumed."""
    receiver.replies.append(Reply(410))
    assert push().exit_code == 1
    assert "disabled since" in push("list").stdout
    push("resume", "orders")
    assert push().exit_code == 0
    assert _received(receiver) == ["job0", *JOBS]


def test_skip_goes_on_after_the_job_that_fails(push: Push, receiver: PushReceiver) -> None:
    """`skip` names the job, and the endpoint gets the others."""
    receiver.replies.append(Reply(500))
    push()
    assert "nobody can confirm" in push("skip", "orders").stderr
    result = push("skip", "orders", "--yes")
    assert (result.exit_code, "job0" in result.stderr) == (0, True)
    assert push().exit_code == 0
    assert _received(receiver) == JOBS
    assert "doesn't fail" in push("skip", "orders", "--yes").stderr


def test_skip_skips_no_other_job(push: Push, receiver: PushReceiver, engine: Engine) -> None:
    """If the job that failed has changed, it comes later, and nothing is skipped."""
    receiver.replies.append(Reply(500))
    push()
    record_callback(engine, callback("job0", sentences=[{"text": "Hello."}]))
    result = push("skip", "orders", "--yes")
    assert (result.exit_code, "push resume orders" in result.stderr) == (1, True)
    push("resume", "orders")
    push()
    assert _received(receiver) == ["job0", "job1", "job2", "job0"]


def test_rewind_sends_all_jobs_again(push: Push, receiver: PushReceiver) -> None:
    """A receiver that accepted messages and lost them gets them all again."""
    receiver.replies += [Reply(forgets=True)] * len(JOBS)
    push()
    assert receiver.jobs == {}
    assert push("rewind", "orders", "--yes").exit_code == 0
    push()
    assert list(receiver.jobs) == JOBS
    assert _received(receiver) == JOBS * 2


def test_list_counts_what_waits(push: Push, receiver: PushReceiver, engine: Engine) -> None:
    """`list` counts the changes that an endpoint lacks: those of this sweep and of the next."""
    assert "; 3 changes wait" in push("list").stdout
    receiver.replies += [Reply(204), Reply(500)]
    push()
    assert "; 2 changes wait" in push("list").stdout
    record_callback(engine, callback("job0", sentences=[{"text": "Hello."}]))
    record_callback(engine, callback("job2", sentences=[{"text": "Hello."}]))
    assert "; 3 changes wait" in push("list").stdout
    push("rewind", "orders", "--yes")
    assert "; 3 changes wait" in push("list").stdout
    push("resume", "orders")
    push()
    assert "wait" not in push("list").stdout


def test_list_does_not_count_a_long_backlog(push: Push, engine: Engine) -> None:
    """Of more than 1,000 changes, `list` says only this."""
    for job in range(MAX_COUNT - len(JOBS)):
        record_callback(engine, callback(f"other{job}"))
    assert "; 1,000 changes wait" in push("list").stdout
    record_callback(engine, callback("another"))
    assert "; more than 1,000 changes wait" in push("list").stdout


def test_unknown_name_lists_the_endpoints(app: Flask) -> None:
    """A name that the settings don't have is an error, and so is one that was never started."""
    for command in ("resume", "skip", "rewind"):
        result = run(app, "push", command, "crm")
        assert result.exit_code == 1
        assert "PUSH_ENDPOINTS has: orders" in result.stderr
    assert "nothing was ever sent to orders" in run(app, "push", "resume", "orders").stderr
    assert "never started" in run(app, "push", "list").stdout


def test_missing_settings_are_named(app: Flask) -> None:
    """Without endpoints, and without an origin for links, the command says which setting it is."""
    with changed_settings(app, push_endpoints=()):
        assert "PUSH_ENDPOINTS is not set" in run(app, "push").stderr
    with changed_settings(app, public_url=None):
        assert "PUBLIC_URL is not set" in run(app, "push").stderr


def test_jobs_of_another_cluster_are_an_error(push: Push, engine: Engine) -> None:
    """While the feed has no order, nothing is sent, and the error names the command."""
    with engine.connect() as connection:
        connection.exec_driver_sql("UPDATE transcriptions SET transaction_id = '9999999999'")
    result = push()
    assert result.exit_code == 1
    assert "changes repair" in json.loads(result.stdout)["orders"]["error"]
    assert "what waits isn't known: The jobs were restored" in push("list").stdout
