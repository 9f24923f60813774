"""`flask --app app simulate`, as a developer runs it."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from flask import Flask

from app import create_app
from receiver.twilio.simulator.configurations import CALLBACK_ONLY
from tests.environment import ENVIRON, TOKEN
from tests.server import free_port, wait_until
from tests.twilio.simulator.account import BY_RECORDING, CALLED_BACK_ONLY
from tests.twilio.simulator.receiving import Receiver

ROOT = Path(__file__).parent.parent.parent.parent
ACCOUNT = "AC" + "a" * 32


@contextmanager
def _simulating(log: Path, *options: str) -> Iterator[str]:
    """Run the command until the block ends, and yield its origin."""
    port = free_port()
    environ = {**ENVIRON, "TWILIO_ACCOUNT_SID": ACCOUNT, "PYTHONUNBUFFERED": "1"}
    arguments = ["--app", "app", "simulate", "--port", str(port), "--seconds", "0", *options]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", *arguments],
            cwd=ROOT,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: "Ctrl-C" in log.read_text() or process.poll() is not None)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
    assert code == 0, log.read_text()


def test_it_serves_what_it_says(tmp_path: Path, receiver: Receiver) -> None:
    """The printed environment and request make a job, whose life is told in short lines."""
    log = tmp_path / "log"
    options = ("--callback-url", f"{receiver.url}/callbacks/transcription", "--seed", "7")
    with _simulating(log, *options) as url:
        guide = log.read_text()
        assert f'curl -u "{ACCOUNT}:$TWILIO_AUTH_TOKEN"' in guide
        [document] = re.findall(r"-d '(.*?)'", guide, re.DOTALL)
        answer = requests.post(
            f"{url}/v3/Transcriptions",
            data=document,
            headers={"Content-Type": "application/json"},
            auth=(ACCOUNT, TOKEN),
            timeout=10,
        )
        assert answer.status_code == 202
        job_id = answer.json()["transcription"]["id"]
        wait_until(lambda: "stored" in log.read_text() and "delivered" in log.read_text())
    told = log.read_text()
    lines = [line.split()[1] for line in told.splitlines() if job_id in line]
    assert set(lines) == {"created", "running", "completed", "delivered", "stored"}
    assert len(receiver.received) == 1
    assert CALLBACK_ONLY in told
    assert TOKEN not in told
    assert "Traceback" not in told


def test_trouble_is_in_percent(tmp_path: Path, receiver: Receiver) -> None:
    """`--lose 100%` loses every callback."""
    log = tmp_path / "log"
    options = ("--callback-url", receiver.url, "--lose", "100%", "--duplicate", "5")
    with _simulating(log, *options) as url:
        for document in (BY_RECORDING, CALLED_BACK_ONLY):
            requests.post(
                f"{url}/v3/Transcriptions", json=document, auth=(ACCOUNT, TOKEN), timeout=10
            )
        wait_until(lambda: log.read_text().count("lost") == 2)
    assert receiver.received == []


@pytest.fixture
def app() -> Flask:
    """Return the application, without a database."""
    return create_app(ENVIRON)


@pytest.mark.parametrize("share", ["101%", "-1", "nan", "some"])
def test_a_share_is_a_percentage(app: Flask, share: str) -> None:
    """What isn't from 0% to 100% is a usage error."""
    result = app.test_cli_runner().invoke(args=["simulate", "--lose", share])
    assert result.exit_code == 2
    assert "is not a percentage" in result.stderr


def test_without_credentials_it_does_not_start() -> None:
    """With a SharedKey alone nobody could call it, and it says what to set."""
    app = create_app({**ENVIRON, "TWILIO_AUTH_TOKEN": "", "TWILIO_SIGNING_KEYS": "KY1=secret"})
    result = app.test_cli_runner().invoke(args=["simulate"])
    assert result.exit_code == 1
    assert "set TWILIO_AUTH_TOKEN" in result.stderr
