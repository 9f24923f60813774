"""`flask --app app simulate`, as a developer runs it."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from flask import Flask

from app import create_app
from receiver.simulator.configurations import CALLBACK_ONLY
from tests.support.environment import ENVIRON, TOKEN
from tests.support.paths import ROOT
from tests.support.samples import ACCOUNT
from tests.support.server import (
    free_port,
)
from tests.support.simulator.account import BY_RECORDING, CALLED_BACK_ONLY
from tests.support.simulator.callback_receiver import Receiver
from tests.support.waiting import wait_until


@contextmanager
def _simulating(log: Path, *options: str, **settings: str) -> Iterator[str]:
    """Run the command until the block ends, and yield its origin: that of TWILIO_BASE_URL."""
    url = f"http://127.0.0.1:{free_port()}"
    environ = {
        **ENVIRON,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_BASE_URL": url,
        "PYTHONUNBUFFERED": "1",
        **settings,
    }
    arguments = ["--app", "app", "simulate", "--seconds", "0", *options]
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
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
    assert code == 0, log.read_text()


def test_printed_request_creates_a_job(tmp_path: Path, receiver: Receiver) -> None:
    """The printed environment and request create a job, and the log shows its life."""
    log = tmp_path / "log"
    options = ("--callback-url", f"{receiver.url}/callbacks/transcription", "--seed", "7")
    with _simulating(log, *options) as url:
        guide = log.read_text()
        assert f"export TWILIO_BASE_URL={url} TWILIO_ACCOUNT_SID={ACCOUNT}" in guide
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
    output = log.read_text()
    lines = [line.split()[1] for line in output.splitlines() if job_id in line]
    assert set(lines) == {"created", "running", "completed", "delivered", "stored"}
    assert len(receiver.received) == 1
    assert CALLBACK_ONLY in output
    assert "None of them will arrive" not in output
    assert TOKEN not in output
    assert "Traceback" not in output


def test_faults_are_percentages(tmp_path: Path, receiver: Receiver) -> None:
    """`--lose 100%` loses every callback; a SharedKey and an API key are sufficient credentials."""
    log = tmp_path / "log"
    settings = {
        "TWILIO_AUTH_TOKEN": "",
        "TWILIO_SIGNING_KEYS": "KY1=a-shared-secret",
        "TWILIO_API_KEY": f"SK{'1' * 32}",
        "TWILIO_API_SECRET": "an-api-keys-secret",
    }
    options = ("--callback-url", receiver.url, "--lose", "100%", "--duplicate", "5")
    with _simulating(log, *options, **settings) as url:
        auth = (settings["TWILIO_API_KEY"], settings["TWILIO_API_SECRET"])
        for document in (BY_RECORDING, CALLED_BACK_ONLY):
            requests.post(f"{url}/v3/Transcriptions", json=document, auth=auth, timeout=10)
        wait_until(lambda: log.read_text().count("lost") == 2)
    assert '-u "$TWILIO_API_KEY:$TWILIO_API_SECRET"' in log.read_text()
    assert "secret" not in log.read_text()
    assert receiver.received == []


@pytest.mark.parametrize(
    ("options", "public_url"),
    [
        ((), "https://app.example.com"),
        ((), "https://127.0.0.1"),
        ((), "http://192.0.2.1"),
        (("--callback-url", "http://[2001:db8::1]/callbacks"), ""),
    ],
)
def test_undeliverable_callback_url_is_reported(
    tmp_path: Path, options: tuple[str, ...], public_url: str
) -> None:
    """The command warns at start if callbacks would leave this machine or need TLS."""
    log = tmp_path / "log"
    with _simulating(log, *options, PUBLIC_URL=public_url, PORT="8123"):
        output = log.read_text()
    assert "None of them will arrive" in output
    assert "with PUBLIC_URL=http://127.0.0.1:8123," in output


def test_default_callback_url_is_this_service(tmp_path: Path) -> None:
    """Without PUBLIC_URL, callbacks go to the receiver's port on this machine."""
    log = tmp_path / "log"
    with _simulating(log, PUBLIC_URL="", PORT="8123"):
        output = log.read_text()
    assert "Callbacks go to http://127.0.0.1:8123/callbacks/transcription\n\n" in output


@pytest.fixture
def app() -> Flask:
    """Return the application without a database."""
    return create_app(ENVIRON)


@pytest.mark.parametrize("share", ["101%", "-1", "nan", "some"])
def test_invalid_percentage_is_a_usage_error(app: Flask, share: str) -> None:
    """A share outside 0% to 100% is a usage error."""
    result = app.test_cli_runner().invoke(args=["simulate", "--lose", share])
    assert result.exit_code == 2
    assert "is not a percentage" in result.stderr


def test_command_needs_credentials() -> None:
    """With a SharedKey alone no request can authenticate: the command names the setting."""
    app = create_app({**ENVIRON, "TWILIO_AUTH_TOKEN": "", "TWILIO_SIGNING_KEYS": "KY1=secret"})
    result = app.test_cli_runner().invoke(args=["simulate"])
    assert result.exit_code == 1
    assert "set TWILIO_AUTH_TOKEN" in result.stderr


def test_port_in_use_is_reported(app: Flask) -> None:
    """The command names the port that is in use, and the option for another one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = app.test_cli_runner().invoke(args=["simulate", "--port", str(port)])
    assert result.exit_code == 1
    assert f"port {port}: Address already in use. Choose another port with --port" in result.stderr
