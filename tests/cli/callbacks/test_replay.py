"""`callbacks replay`, from the signed request over the mended cause to the readable job."""

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
from tests.support.environment import KEY, PUBLIC_URL, TOKEN
from tests.support.locking import lock_jobs
from tests.support.paths import ROOT

COMPLETED = (ROOT / "tests" / "samples" / "completed_flat.json").read_bytes()
JOB = json.loads(COMPLETED)["id"]
ACCOUNT = json.loads(COMPLETED)["accountId"]
CALLBACKS = f"{PUBLIC_URL}/callbacks/transcription"
OTHER = "AC" + "b" * 32
ALL = ("callbacks", "replay", "--outcome", "quarantined")

Deploy = Callable[[str], Flask]


@pytest.fixture
def deploy(environ: dict[str, str]) -> Iterator[Deploy]:
    """Yield what starts the application with another auth token, on the same database."""
    with ExitStack() as stack:

        def started(tokens: str) -> Flask:
            app = create_app(environ | {"TWILIO_AUTH_TOKEN": tokens})
            stack.callback(services_of(app).engine.dispose)
            return app

        yield started


def _call(app: Flask, body: bytes) -> None:
    assert Twilio(app.test_client()).call(body).status_code == 204


def _body(number: int, **members: Any) -> bytes:
    return json.dumps(json.loads(COMPLETED) | {"id": f"job_{number}"} | members).encode()


def _execute(app: Flask, statement: str) -> list[Any]:
    with services_of(app).engine.connect() as connection:
        result = connection.execute(text(statement))
        return [tuple(row) for row in result] if result.returns_rows else []


def _everything(app: Flask) -> list[Any]:
    return [
        _execute(app, f"SELECT * FROM {table} ORDER BY id")
        for table in ("events", "transcriptions")
    ]


@pytest.fixture
def misbound(deploy: Deploy) -> Flask:
    """Bind the token to the wrong account, and take in a callback twice."""
    app = deploy(f"{OTHER}={TOKEN}")
    _call(app, COMPLETED)
    _call(app, COMPLETED)

    return app


@pytest.mark.usefixtures("misbound")
def test_a_token_that_was_bound_to_the_wrong_account(deploy: Deploy) -> None:
    """Once it is bound to the right one, the replay applies, and the job can be read."""
    app = deploy(f"{ACCOUNT}={TOKEN}")
    reader = app.test_client()
    assert reader.get(f"/v3/Transcriptions/{JOB}", auth=KEY).status_code == 404
    result = run(app, *ALL)
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
def test_the_ledger_remembers_both(deploy: Deploy) -> None:
    """`show` tells when it was promoted, and from what; a replay is no delivery."""
    app = deploy(TOKEN)
    columns = "received_at, last_received_at, deliveries, body"
    before = _execute(app, f"SELECT {columns} FROM events")
    run(app, *ALL)
    assert _execute(app, f"SELECT {columns} FROM events") == before
    shown = dict(
        line.split(maxsplit=1) for line in run(app, "callbacks", "show", "1").stdout.splitlines()
    )
    assert (shown["outcome"], shown["reason"], shown["deliveries"]) == ("applied", "-", "2")
    assert shown["promoted_from"] == "account_mismatch"
    assert shown["promoted_at"] > shown["received_at"]
    assert shown["key_id"] == "auth-token-1"


@pytest.mark.usefixtures("misbound")
def test_a_dry_run_writes_nothing(deploy: Deploy) -> None:
    """It tells what a run would do, and leaves every row as it is."""
    app = deploy(TOKEN)
    _call(app, b"not JSON")
    before = _everything(app)
    dry = run(app, *ALL, "--dry-run")
    assert _everything(app) == before
    assert "Nothing was written" in dry.stderr
    assert "1  still quarantined, undecodable" in dry.stderr
    assert dry.stdout == run(app, *ALL).stdout


def test_a_key_that_was_rotated_away_still_counts(deploy: Deploy) -> None:
    """What was verified when it came is applied without the key, once the cause is mended."""
    app = deploy(TOKEN)
    _execute(app, "ALTER TABLE transcriptions ADD CONSTRAINT ours CHECK (duration <> 22)")
    _call(app, COMPLETED)
    _execute(app, "ALTER TABLE transcriptions DROP CONSTRAINT ours")
    assert "unstorable -> applied" in run(deploy("another-token"), *ALL).stdout


def test_what_no_setting_mends_stays(app: Flask) -> None:
    """A form, no JSON, a head that doesn't validate: they stay, told by reason."""
    form = [("CallSid", "CA1")]
    headers = signing.headers(CALLBACKS, TOKEN, form=form)
    assert app.test_client().post(CALLBACKS, data=dict(form), headers=headers).status_code == 204
    _call(app, b"not JSON")
    _call(app, b"{}")
    before = _everything(app)
    result = run(app, *ALL)
    assert (result.exit_code, result.stdout) == (0, "")
    for reason in ("unexpected_content_type", "undecodable", "invalid"):
        assert f"1  still quarantined, {reason}" in result.stderr
    assert _everything(app) == before


def test_what_postgres_refused(app: Flask) -> None:
    """It is applied once the database takes it, though it came too late to be the newest."""
    _execute(app, "ALTER TABLE transcriptions ADD CONSTRAINT ours CHECK (duration <> 22)")
    _call(app, COMPLETED)
    _call(app, COMPLETED.replace(b"26:02Z", b"27:02Z").replace(b"22,", b"21,"))
    assert run(app, *ALL).stdout == ""
    _execute(app, "ALTER TABLE transcriptions DROP CONSTRAINT ours")
    assert f"{JOB}  unstorable -> stale" in run(app, *ALL).stdout
    assert _execute(app, "SELECT duration, sentences FROM transcriptions") == [(21, 5)]
    assert run(app, "rebuild").stdout == ""


def test_a_job_of_another_account(app: Flask) -> None:
    """Its callback stays quarantined as long as the job is there, which a dry run knows too."""
    _call(app, COMPLETED.replace(ACCOUNT.encode(), OTHER.encode()))
    _call(app, COMPLETED)
    before = _everything(app)
    for options in (("--dry-run",), ()):
        result = run(app, *ALL, *options)
        assert (result.stdout, _everything(app)) == ("", before)
        assert "1  still quarantined, foreign_account" in result.stderr
    _execute(app, f"DELETE FROM transcriptions WHERE account_id = '{OTHER}'")
    _execute(app, f"DELETE FROM events WHERE account_id = '{OTHER}'")
    assert f"{JOB}  foreign_account -> applied" in run(app, *ALL).stdout


def test_a_dry_run_foresees_who_comes_first(deploy: Deploy) -> None:
    """Of two accounts that claim a job that isn't there yet, the first to tell of it gets it."""
    app = deploy("AC" + "c" * 32 + f"={TOKEN}")
    _call(app, COMPLETED)
    _call(app, COMPLETED.replace(ACCOUNT.encode(), OTHER.encode()))
    mended = deploy(TOKEN)
    foreseen, came = run(mended, *ALL, "--dry-run"), run(mended, *ALL)
    assert foreseen.stdout == came.stdout
    assert foreseen.stderr.endswith(came.stderr.partition("\n")[2])
    assert "1  still quarantined, foreign_account" in came.stderr


def test_one_that_fails_costs_the_others_nothing(deploy: Deploy) -> None:
    """It is told and counted, the exit code is 1, and a run after the mending does the rest."""
    broken = deploy(f"{OTHER}={TOKEN}")
    for number in range(3):
        _call(broken, _body(number))
    app = deploy(TOKEN)
    _execute(app, "ALTER TABLE events ADD CONSTRAINT ours CHECK (job_id <> 'job_1') NOT VALID")
    result = run(app, *ALL)
    assert result.exit_code == 1
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["job_0", "job_2"]
    assert "job_1  account_mismatch -> failed: CheckViolation 23514" in result.stderr
    assert "1  failed" in result.stderr
    _execute(app, "ALTER TABLE events DROP CONSTRAINT ours")
    again = run(app, *ALL)
    assert (again.exit_code, again.stdout.split()[1]) == (0, "job_1")


def test_what_the_database_does_not_take_ends_it(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so and tells what was done before; running it again later does the rest."""
    monkeypatch.setitem(Replay.__init__.__kwdefaults__ or {}, "timeout_seconds", 0.1)
    broken = deploy(f"{OTHER}={TOKEN}")
    for number in range(3):
        _call(broken, _body(number))
    app = deploy(TOKEN)
    with lock_jobs(services_of(app).engine, "job_1"):
        result = run(app, *ALL)
    assert result.exit_code == 1
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["job_0"]
    assert "1  applied" in result.stderr
    assert (
        "Error: the database failed (LockNotAvailable 55P03). Run the command again"
        in result.stderr
    )
    assert [line.split()[1] for line in run(app, *ALL).stdout.splitlines()] == ["job_1", "job_2"]


def test_what_can_not_be_judged_is_counted(deploy: Deploy) -> None:
    """What has been applied is left alone, and so is a body that was erased."""
    broken = deploy(f"{OTHER}={TOKEN}")
    _call(broken, _body(0))
    _call(broken, _body(1))
    app = deploy(TOKEN)
    _call(app, _body(2))
    _execute(app, "UPDATE events SET body = NULL, erased_at = now() WHERE id = 1")
    result = run(app, "callbacks", "replay", "--since", "2000-01-01")
    assert result.stdout.split()[:2] == ["2", "job_1"]
    for line in ("1  applied", "1  applied already", "1  without a body"):
        assert line in result.stderr
    before = _everything(app)
    assert "2  applied already" in run(app, "callbacks", "replay", "3", "2", "3").stderr
    assert _everything(app) == before


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
def test_the_named_ones_are_replayed(
    deploy: Deploy, arguments: tuple[str, ...], jobs: list[str]
) -> None:
    """By id or by filter, the oldest first, and nothing else."""
    broken = deploy(f"{OTHER}={TOKEN}")
    for number in range(3):
        _call(broken, _body(number))
    lines = run(deploy(TOKEN), "callbacks", "replay", *arguments).stdout.splitlines()
    assert [line.split()[1] for line in lines] == jobs


def test_what_twilio_did_not_call_is_left_alone(app: Flask) -> None:
    """Only callbacks are replayed; what we fetched ourselves isn't one."""
    _call(app, b"not JSON")
    _execute(app, "UPDATE events SET source = 'fetch'")
    assert "(none)" in run(app, *ALL).stderr
    assert "no callback 1" in run(app, "callbacks", "replay", "1").stderr


@pytest.mark.parametrize("arguments", [(), ("--dry-run",), ("1", "--outcome", "quarantined")])
def test_which_ones_has_to_be_told(app: Flask, arguments: tuple[str, ...]) -> None:
    """Neither ids nor a filter, or both, is a mistake that says so."""
    result = run(app, "callbacks", "replay", *arguments)
    assert result.exit_code == 2
    assert "--outcome quarantined" in result.stderr


def test_an_id_that_no_callback_has(app: Flask) -> None:
    """It is named, and nothing is replayed."""
    _call(app, b"not JSON")
    result = run(app, "callbacks", "replay", "7", "1", "9")
    assert result.exit_code == 1
    assert result.stderr == "Error: there is no callback 7, 9.\n"
