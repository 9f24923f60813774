"""The command `audit list`, and what other commands leave in the audit."""

import os
import pwd
from collections.abc import Iterator, Mapping

import click
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from receiver.cli.operator import operator_name
from tests.support.app import Twilio
from tests.support.audit_rows import audit_rows
from tests.support.command import run
from tests.support.environment import KEY
from tests.support.samples import ACCOUNT
from tests.support.stored_callbacks import callback

MARK = "markedsentence"
STORED = callback("job", sentences=[{"text": MARK}])
TRANSCRIPT = "/v3/Transcriptions/job/Transcript"

# Arguments with which each command reads what it can. Add a new command here; if it prints what was
# said, it must write to the audit, and have a value in `Route`.
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "audit list": (),
    "callbacks list": ("--source", "all"),
    "callbacks show": ("1",),
    "callbacks body": ("1",),
    "callbacks replay": ("--outcome", "applied"),
    "changes repair": (),
    "completeness": (),
    "doctor": (),
    "erase list": (),
    "erase show": ("1",),
    "erase verify": (MARK,),
    "erase export": ("-",),
    "hold add": ("name", "--job", "other", "--reason", "case 1"),
    "hold list": (),
    "hold remove": ("name",),
    "metrics": (),
    "export": ("--output", "-"),
    "migrate": (),
    "push": (),
    "push list": (),
    "push resume": ("name",),
    "push rewind": ("name", "--yes"),
    "push skip": ("name", "--yes"),
    "rebuild": ("--workers", "1"),
    "reconcile": (),
    "retain": (),
    "rejected list": (),
    "rejected check": (),
    "rejected accept": ("--dry-run",),
    "spool": (),
    "submit": (),
    "erase address": ("+14155550100", "--yes"),
    "erase conversation": ("conversation", "--yes"),
    "erase job": ("job", "--yes"),
    "erase reapply": (),
}
SERVES_ITS_OWN_DATA = {"simulate"}  # and never ends


@pytest.fixture
def _reads(client: FlaskClient, twilio: Twilio, engine: Engine) -> None:
    """Store a transcript; let a key read it, a day before a command reads its callback."""
    assert twilio.call(STORED).status_code == 204
    headers = {"X-Request-ID": "request-1"}
    assert client.get(f"{TRANSCRIPT}.vtt", auth=KEY, headers=headers).status_code == 200
    with engine.connect() as connection:
        connection.execute(text("UPDATE audit SET at = '2026-04-01 12:00:00+00'"))


def test_command_leaves_its_user(app: Flask, twilio: Twilio, engine: Engine) -> None:
    """`callbacks body` leaves the operating system's user, the job and the callback's number."""
    twilio.call(STORED)
    assert run(app, "callbacks", "body", "1").stdout_bytes == STORED
    assert run(app, "callbacks", "body", "2").exit_code == 1
    fields = ("reader", "job_id", "callback_id", "route", "format", "status", "request_id")
    assert audit_rows(engine, *fields) == [
        (operator_name(), "job", 1, "command callbacks body", "bytes", None, None)
    ]


def test_body_without_a_job_is_audited(app: Flask, twilio: Twilio, engine: Engine) -> None:
    """A body that names no job is audited by the callback's number alone."""
    twilio.call(b"not JSON")
    assert run(app, "callbacks", "body", "1").stdout_bytes == b"not JSON"
    assert audit_rows(engine, "job_id", "callback_id") == [(None, 1)]


def test_operator_is_not_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's name is that of the process's user, whatever the environment says."""
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "someone_else")
    assert operator_name() == f"user:{pwd.getpwuid(os.getuid()).pw_name}"


@pytest.mark.usefixtures("_reads")
def test_list_prints_all_fields(app: Flask) -> None:
    """`list` prints one line for each read, newest first, with all fields."""
    run(app, "callbacks", "body", "1")
    newest, oldest = run(app, "audit", "list").stdout.splitlines()
    assert oldest.split() == [
        *("2026-04-01T12:00:00Z", KEY[0], "200", "vtt", "Transcript.vtt", "job", "-", "request-1")
    ]
    assert newest.split()[1:] == [
        *(operator_name(), "-", "bytes", "command", "callbacks", "body", "job", "1", "-")
    ]


@pytest.mark.usefixtures("_reads")
def test_columns_are_aligned(app: Flask) -> None:
    """The longest format and the longest route have room in their columns."""
    run(app, "export", "--output", "-")
    run(app, "callbacks", "body", "1")
    lines = run(app, "audit", "list", "--job", "job").stdout.splitlines()
    assert {word for line in lines for word in line.split()} > {"ndjson", "bytes", "vtt"}
    assert len({line.index("  job  ") for line in lines}) == 1


def test_unknown_job_is_not_an_unread_one(app: Flask, twilio: Twilio) -> None:
    """A mistyped id isn't answered like the id of a job that nobody read."""
    twilio.call(STORED)
    assert run(app, "audit", "list", "--job", "job").stderr == "(none)\n"
    assert "check it" in run(app, "audit", "list", "--job", "jbo").stderr


@pytest.mark.usefixtures("_reads")
@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--job", "job"), 2),
        (("--job", "other"), 0),
        (("--key", KEY[0]), 1),
        (("--key", operator_name()), 1),
        (("--since", "2026-04-01 12:00:00"), 2),
        (("--since", "2026-04-01 12:00:01"), 1),
        (("--until", "2026-04-01 12:00:00"), 0),
        (("--until", "2026-04-01 12:00:01"), 1),
        (("--job", "job", "--key", KEY[0], "--since", "2026-04-01", "--until", "2026-04-02"), 1),
        (("--limit", "1"), 1),
    ],
)
def test_each_filter_selects_its_reads(app: Flask, options: tuple[str, ...], count: int) -> None:
    """Each filter of `list` selects the matching reads; `--until` excludes its own time."""
    run(app, "callbacks", "body", "1")
    result = run(app, "audit", "list", *options)
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, count)
    assert ("(none)" in result.stderr) == (count == 0)
    assert ("use --limit" in result.stderr) == ("--limit" in options)


def _commands(app: Flask) -> Iterator[str]:
    context = click.Context(app.cli)
    for name in app.cli.list_commands(context):
        command = app.cli.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (f"{name} {each}" for each in command.list_commands(context))
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield name


def test_every_command_that_prints_a_text_is_audited(
    app: Flask, twilio: Twilio, engine: Engine
) -> None:
    """A command that prints what was said leaves a row, and no other command does."""
    twilio.call(STORED)
    twilio.call(callback("foreign", accountId=ACCOUNT, sentences=[{"text": MARK}]), secret="wrong")
    printing = set()
    for name, arguments in ARGUMENTS.items():
        before = len(audit_rows(engine, "id"))
        result = run(app, *name.split(), *arguments)
        assert len(audit_rows(engine, "id")) - before == (MARK in result.output), name
        printing |= {name} if MARK in result.output else set()
    assert printing == {"callbacks body", "export"}
    assert set(_commands(app)) == ARGUMENTS.keys() | SERVES_ITS_OWN_DATA
