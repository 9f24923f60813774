"""Tests of the receivers in docs/pushing.md: they run as they are written there."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine

from receiver.changes.cursor import Start
from receiver.changes.feed import read_page
from receiver.push.message import make_message
from receiver.push.sender import AttemptOutcome, AttemptResult, Sender
from receiver.services import services_of
from receiver.settings.push_endpoints import PushEndpoint
from tests.support.command import run
from tests.support.environment import KEY, serve_app
from tests.support.paths import ROOT
from tests.support.push_receiver import SECRET, whsec
from tests.support.scripted import Scripted, answer, scripted
from tests.support.stored_callbacks import callback, record_callback

_PAGE = (ROOT / "docs" / "pushing.md").read_text()
_EXAMPLE, _SLACK = re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL)
SENTENCES = [{"text": "what the caller said"}]

# Sends the newest state of the only job to a URL, with this sequence.
Push = Callable[[str, int], AttemptResult]


@pytest.fixture
def push(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Push]:
    """Yield a function that pushes; the application is served, so the messages' links work."""
    monkeypatch.setenv("PUSH_SECRET", whsec(SECRET))
    parts = services_of(app)

    def push(url: str, sequence: int) -> AttemptResult:
        with parts.engine.connect() as connection:
            page = read_page(connection, Start.BEGINNING, size=2, account_id=None)
        [job] = page.rows
        message = make_message(
            job,
            history=page.cursor.history,
            sequence=sequence,
            origin=origin,
            settings=parts.settings,
        )
        with Sender(PushEndpoint("orders", url, (SECRET,))) as sender:
            return sender.send(message)

    with serve_app(app, threaded=True) as origin:
        yield push


def _run_example(code: str) -> dict[str, Any]:
    """Return the names that the example defines."""
    names: dict[str, Any] = {"__name__": "example"}
    exec(code, names)

    return names


def test_examples_are_short() -> None:
    """The receiver has about thirty lines of code besides its imports."""
    code = _EXAMPLE.partition("app = ")[2].splitlines()
    assert len([line for line in code if line]) <= 35


def test_receiver_keeps_the_newest_state(
    app: Flask,
    engine: Engine,
    push: Push,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The receiver fetches transcripts, ignores an older message, and obeys an erasure."""
    path = tmp_path / "jobs.db"
    for name, value in {"DATABASE": str(path), "API_NAME": KEY[0], "API_SECRET": KEY[1]}.items():
        monkeypatch.setenv(name, value)
    example = _run_example(_EXAMPLE)

    def stored() -> tuple[Any, ...]:
        with sqlite3.connect(path) as database:
            [row] = database.execute("SELECT sequence, status, transcript FROM jobs")
        return tuple(row)

    with serve_app(example["app"]) as served:
        record_callback(engine, callback("job", status="running"))
        assert push(f"{served}/hook", 2).outcome is AttemptOutcome.DELIVERED
        assert stored() == (2, "RUNNING", None)
        record_callback(engine, callback("job", sentences=SENTENCES))
        assert push(f"{served}/hook", 1).outcome is AttemptOutcome.DELIVERED
        assert stored() == (2, "RUNNING", None)
        assert push(f"{served}/hook", 3).outcome is AttemptOutcome.DELIVERED
        example["fetch_transcripts"]()
        sequence, status, transcript = stored()
        assert (sequence, status) == (3, "COMPLETED")
        assert "what the caller said" in transcript
        assert run(app, "erase", "job", "job", "--yes").exit_code == 0
        assert push(f"{served}/hook", 4).outcome is AttemptOutcome.DELIVERED
        example["fetch_transcripts"]()
        assert stored() == (4, "COMPLETED", None)


def test_slack_gets_what_ended(engine: Engine, push: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    """The channel gets a job's id, status and link once it has ended; Slack's 429 is passed on."""
    with scripted() as slack:
        monkeypatch.setenv("SLACK_WEBHOOK_URL", slack.url)
        slack.answers(answer({}, 429, Retry_After="30"), answer("ok"))
        with serve_app(_run_example(_SLACK)["app"]) as served:
            record_callback(engine, callback("job", status="running"))
            assert push(f"{served}/slack", 1).outcome is AttemptOutcome.DELIVERED
            assert slack.asked == []
            record_callback(engine, callback("job", sentences=SENTENCES))
            refused = push(f"{served}/slack", 2)
            assert refused == AttemptResult(AttemptOutcome.FAILED, "answered 503", 30.0)
            assert push(f"{served}/slack", 3).outcome is AttemptOutcome.DELIVERED
    text = _text(slack)
    assert re.fullmatch(r"job: COMPLETED\. <http://[^/]+/console/jobs/job\|Open the console>", text)


def _text(slack: Scripted) -> str:
    """Return the text of the last message."""
    message: dict[str, str] = slack.asked[-1].get_json()

    return message["text"]


@pytest.mark.parametrize(("code", "path"), [(_EXAMPLE, "hook"), (_SLACK, "slack")])
def test_other_secrets_are_refused(engine: Engine, push: Push, code: str, path: str) -> None:
    """A message that another secret signed is answered 401."""
    record_callback(engine, callback("job"))
    example = _run_example(code)
    example["webhook"] = type(example["webhook"])(bytes(32))
    with serve_app(example["app"]) as served:
        assert push(f"{served}/{path}", 1).reason == "answered 401"
