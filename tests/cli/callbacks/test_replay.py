"""The command `callbacks replay`: it applies a quarantined callback after its cause is fixed."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app import create_app
from receiver.callbacks.replay import Replay
from receiver.services import services_of
from tests.support import signing
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.environment import KEY, PUBLIC_URL, ROUTE, TOKEN
from tests.support.locking import lock_jobs
from tests.support.samples import ACCOUNT, COMPLETED, JOB

CALLBACKS = f"{PUBLIC_URL}{ROUTE}"
OTHER = "AC" + "b" * 32
REPLAY_ALL = ("callbacks", "replay", "--outcome", "quarantined")

StartApp = Callable[[str], Flask]


@pytest.fixture
def start_app(environ: dict[str, str]) -> Iterator[StartApp]:
    """Yield a function that starts the application with other auth tokens, on the same database."""
    with ExitStack() as stack:

        def start(tokens: str) -> Flask:
            app = create_app(environ | {"TWILIO_AUTH_TOKEN": tokens})
            stack.callback(services_of(app).engine.dispose)
            return app

        yield start


def _call(app: Flask, body: bytes) -> None:
    assert Twilio(app.test_client()).call(body).status_code == 204


def _body(number: int, **members: Any) -> bytes:
    return json.dumps(json.loads(COMPLETED) | {"id": f"job_{number}"} | members).encode()


def _execute(app: Flask, statement: str) -> list[Any]:
    with services_of(app).engine.connect() as connection:
        result = connection.execute(text(statement))
        return [tuple(row) for row in result] if result.returns_rows else []


def _all_rows(app: Flask) -> list[Any]:
    """Return all events and all jobs."""
    return [
        _execute(app, f"SELECT * FROM {table} ORDER BY id")
        for table in ("events", "transcriptions")
    ]


@pytest.fixture
def misbound(start_app: StartApp) -> Flask:
    """Bind the token to the wrong account, and receive a callback twice."""
    app = start_app(f"{OTHER}={TOKEN}")
    _call(app, COMPLETED)
    _call(app, COMPLETED)

    return app


@pytest.mark.usefixtures("misbound")
def test_replay_applies_after_the_token_is_corrected(start_app: StartApp) -> None:
    """After the token is bound to the right account, a replay applies the callback."""
    app = start_app(f"{ACCOUNT}={TOKEN}")
    reader = app.test_client()
    assert reader.get(f"/v3/Transcriptions/{JOB}", auth=KEY).status_code == 404
    result = run(app, *REPLAY_ALL)
    assert (result.exit_code, result.stdout.split()) == (
        0,
        ["1", JOB, "account_mismatch", "->", "applied"],
    )
    assert "1  applied" in result.stderr
    job = reader.get(f"/v3/Transcriptions/{JOB}", auth=KEY).get_json()
    assert job["transcription"]["transcript"]["sentences"] == 5
    transcript = reader.get(f"/v3/Transcriptions/{JOB}/Transcript?format=text", auth=KEY)
    assert b"order I placed" in transcript.data
    assert run(app, "rebuild").stdout == ""


@pytest.mark.usefixtures("misbound")
def test_replay_is_recorded_in_the_ledger(start_app: StartApp) -> None:
    """`show` names the time and the former reason; a replay doesn't count as a delivery."""
    app = start_app(TOKEN)
    columns = "received_at, last_received_at, deliveries, body"
    before = _execute(app, f"SELECT {columns} FROM events")
    run(app, *REPLAY_ALL)
    assert _execute(app, f"SELECT {columns} FROM events") == before
    shown = dict(
        line.split(maxsplit=1) for line in run(app, "callbacks", "show", "1").stdout.splitlines()
    )
    assert (shown["outcome"], shown["reason"], shown["deliveries"]) == ("applied", "-", "2")
    assert shown["promoted_from"] == "account_mismatch"
    assert shown["promoted_at"] > shown["received_at"]
    assert shown["key_id"] == "auth-token-1"


@pytest.mark.usefixtures("misbound")
def test_dry_run_writes_nothing(start_app: StartApp) -> None:
    """A dry run prints what a replay would do, and changes no row."""
    app = start_app(TOKEN)
    _call(app, b"not JSON")
    before = _all_rows(app)
    dry = run(app, *REPLAY_ALL, "--dry-run")
    assert _all_rows(app) == before
    assert "Nothing was written" in dry.stderr
    assert "1  still quarantined, undecodable" in dry.stderr
    assert dry.stdout == run(app, *REPLAY_ALL).stdout


def test_replay_needs_no_current_key(start_app: StartApp) -> None:
    """A callback that was verified when it was received is applied without its key."""
    app = start_app(TOKEN)
    _execute(app, "ALTER TABLE transcriptions ADD CONSTRAINT strict CHECK (duration <> 22)")
    _call(app, COMPLETED)
    _execute(app, "ALTER TABLE transcriptions DROP CONSTRAINT strict")
    assert "unstorable -> applied" in run(start_app("another-token"), *REPLAY_ALL).stdout


def test_uncorrectable_callbacks_stay_quarantined(app: Flask) -> None:
    """A form, other content than JSON and an invalid head stay quarantined, counted by reason."""
    form = [("CallSid", "CA1")]
    headers = signing.headers(CALLBACKS, TOKEN, form=form)
    assert app.test_client().post(CALLBACKS, data=dict(form), headers=headers).status_code == 204
    _call(app, b"not JSON")
    _call(app, b"{}")
    before = _all_rows(app)
    result = run(app, *REPLAY_ALL)
    assert (result.exit_code, result.stdout) == (0, "")
    for reason in ("unexpected_content_type", "undecodable", "invalid"):
        assert f"1  still quarantined, {reason}" in result.stderr
    assert _all_rows(app) == before


def test_callback_rejected_by_postgres_is_replayed(app: Flask) -> None:
    """A callback that the database now accepts is applied, even if it is no longer the newest."""
    _execute(app, "ALTER TABLE transcriptions ADD CONSTRAINT strict CHECK (duration <> 22)")
    _call(app, COMPLETED)
    _call(app, COMPLETED.replace(b"26:02Z", b"27:02Z").replace(b"22,", b"21,"))
    assert run(app, *REPLAY_ALL).stdout == ""
    _execute(app, "ALTER TABLE transcriptions DROP CONSTRAINT strict")
    assert f"{JOB}  unstorable -> stale" in run(app, *REPLAY_ALL).stdout
    assert _execute(app, "SELECT duration, sentences FROM transcriptions") == [(21, 5)]
    assert run(app, "rebuild").stdout == ""


def test_callback_of_a_foreign_job_stays_quarantined(app: Flask) -> None:
    """A callback stays quarantined while its job belongs to another account, also in a dry run."""
    _call(app, COMPLETED.replace(ACCOUNT.encode(), OTHER.encode()))
    _call(app, COMPLETED)
    before = _all_rows(app)
    for options in (("--dry-run",), ()):
        result = run(app, *REPLAY_ALL, *options)
        assert (result.stdout, _all_rows(app)) == ("", before)
        assert "1  still quarantined, foreign_account" in result.stderr
    _execute(app, f"DELETE FROM transcriptions WHERE account_id = '{OTHER}'")
    _execute(app, f"DELETE FROM events WHERE account_id = '{OTHER}'")
    assert f"{JOB}  foreign_account -> applied" in run(app, *REPLAY_ALL).stdout


def test_dry_run_predicts_the_first_account(start_app: StartApp) -> None:
    """If two accounts claim a new job, the first callback's account gets it, also in a dry run."""
    app = start_app("AC" + "c" * 32 + f"={TOKEN}")
    _call(app, COMPLETED)
    _call(app, COMPLETED.replace(ACCOUNT.encode(), OTHER.encode()))
    corrected = start_app(TOKEN)
    predicted, actual = run(corrected, *REPLAY_ALL, "--dry-run"), run(corrected, *REPLAY_ALL)
    assert predicted.stdout == actual.stdout
    assert predicted.stderr.endswith(actual.stderr.partition("\n")[2])
    assert "1  still quarantined, foreign_account" in actual.stderr


def test_failed_callback_does_not_stop_the_others(start_app: StartApp) -> None:
    """A failed callback is reported and counted, and a later run applies it."""
    misconfigured = start_app(f"{OTHER}={TOKEN}")
    for number in range(3):
        _call(misconfigured, _body(number))
    app = start_app(TOKEN)
    _execute(app, "ALTER TABLE events ADD CONSTRAINT strict CHECK (job_id <> 'job_1') NOT VALID")
    result = run(app, *REPLAY_ALL)
    assert result.exit_code == 1
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["job_0", "job_2"]
    assert "job_1  account_mismatch -> failed: CheckViolation 23514" in result.stderr
    assert "1  failed" in result.stderr
    _execute(app, "ALTER TABLE events DROP CONSTRAINT strict")
    again = run(app, *REPLAY_ALL)
    assert (again.exit_code, again.stdout.split()[1]) == (0, "job_1")


def test_database_error_ends_the_replay(
    start_app: StartApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database error ends the replay with the counts so far; a later run does the rest."""
    monkeypatch.setitem(Replay.__init__.__kwdefaults__ or {}, "timeout_seconds", 0.1)
    misconfigured = start_app(f"{OTHER}={TOKEN}")
    for number in range(3):
        _call(misconfigured, _body(number))
    app = start_app(TOKEN)
    with lock_jobs(services_of(app).engine, "job_1"):
        result = run(app, *REPLAY_ALL)
    assert result.exit_code == 1
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["job_0"]
    assert "1  applied" in result.stderr
    assert (
        "Error: the database failed (LockNotAvailable 55P03). Run the command again"
        in result.stderr
    )
    assert [line.split()[1] for line in run(app, *REPLAY_ALL).stdout.splitlines()] == [
        "job_1",
        "job_2",
    ]


def test_applied_and_erased_callbacks_are_counted(start_app: StartApp) -> None:
    """Applied callbacks and those with an erased body are counted and not changed."""
    misconfigured = start_app(f"{OTHER}={TOKEN}")
    _call(misconfigured, _body(0))
    _call(misconfigured, _body(1))
    app = start_app(TOKEN)
    _call(app, _body(2))
    _execute(app, "UPDATE events SET body = NULL, erased_at = now() WHERE id = 1")
    result = run(app, "callbacks", "replay", "--since", "2000-01-01")
    assert result.stdout.split()[:2] == ["2", "job_1"]
    for line in ("1  applied", "1  applied already", "1  without a body"):
        assert line in result.stderr
    before = _all_rows(app)
    assert "2  applied already" in run(app, "callbacks", "replay", "3", "2", "3").stderr
    assert _all_rows(app) == before


@pytest.mark.parametrize(
    ("arguments", "jobs"),
    [
        (("2",), ["job_1"]),
        (("3", "1"), ["job_0", "job_2"]),
        (("--job", "job_1"), ["job_1"]),
        (("--reason", "account_mismatch"), ["job_0", "job_1", "job_2"]),
        (("--reason", "invalid"), []),
        (("--outcome", "applied"), []),
        (("--since", "2999-01-01"), []),
    ],
)
def test_selected_callbacks_are_replayed(
    start_app: StartApp, arguments: tuple[str, ...], jobs: list[str]
) -> None:
    """Callbacks are selected by id or by filter, and replayed oldest first."""
    misconfigured = start_app(f"{OTHER}={TOKEN}")
    for number in range(3):
        _call(misconfigured, _body(number))
    lines = run(start_app(TOKEN), "callbacks", "replay", *arguments).stdout.splitlines()
    assert [line.split()[1] for line in lines] == jobs


def test_fetched_document_is_not_replayed(app: Flask) -> None:
    """A document that the service fetched is no callback, so it isn't replayed."""
    _call(app, b"not JSON")
    _execute(app, "UPDATE events SET source = 'fetch'")
    assert "(none)" in run(app, *REPLAY_ALL).stderr
    assert "no callback 1" in run(app, "callbacks", "replay", "1").stderr


@pytest.mark.parametrize("arguments", [(), ("--dry-run",), ("1", "--outcome", "quarantined")])
def test_selection_is_required(app: Flask, arguments: tuple[str, ...]) -> None:
    """Neither ids nor a filter, or both, is a usage error."""
    result = run(app, "callbacks", "replay", *arguments)
    assert result.exit_code == 2
    assert "--outcome quarantined" in result.stderr


def test_unknown_id_is_an_error(app: Flask) -> None:
    """An unknown id is named, and nothing is replayed."""
    _call(app, b"not JSON")
    result = run(app, "callbacks", "replay", "7", "1", "9")
    assert result.exit_code == 1
    assert result.stderr == "Error: there is no callback 7, 9.\n"
