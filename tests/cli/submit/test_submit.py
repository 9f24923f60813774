"""The command `submit` for one job, with the simulated Twilio or a scripted one."""

import json
import os
import signal

import pytest
from flask import Flask
from werkzeug.wrappers import Request, Response

from app import create_app
from receiver.simulator.configurations import CALLBACK_ONLY, WITH_CONVERSATION
from receiver.simulator.server import SimulatorServer
from tests.support.command import run
from tests.support.csv_submissions import twilio_recordings
from tests.support.environment import close_app
from tests.support.scripted import accepted, problem, scripted
from tests.support.simulator.account import PARTICIPANTS, recording
from tests.support.submitting import open_app


def test_submit_prints_the_job_id(app: Flask, twilio: SimulatorServer) -> None:
    """The job's id is printed, and Twilio receives what the options say."""
    result = run(
        app,
        "submit",
        f"--configuration={WITH_CONVERSATION}",
        "--media-url=https://example.com/a.wav",
        "--audio-started-at=2026-03-10T19:42:16Z",
        f"--participants={json.dumps(PARTICIPANTS)}",
    )
    [job] = twilio.simulator.job_store.newest_first()
    assert (result.exit_code, result.stdout) == (0, f"{job.id}\n")
    assert job.media_url == "https://example.com/a.wav"


def test_idempotency_key_makes_one_job(app: Flask, twilio: SimulatorServer) -> None:
    """The same key prints the same job; the key with another request is an error."""
    options = ["submit", f"--configuration={CALLBACK_ONLY}", "--idempotency-key=key-1"]
    first = run(app, *options, f"--source-id={recording(1)}")
    assert run(app, *options, f"--source-id={recording(1)}").stdout == first.stdout
    other = run(app, *options, f"--source-id={recording(2)}")
    assert other.exit_code == 1
    assert "17534" in other.stderr
    assert twilio_recordings(twilio) == [recording(1)]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ((), "Name the job: --configuration and --source-id or --media-url"),
        (("--check",), "Or name a file: --from-csv"),
        (("--source-id=RE1",), "--configuration is required. --source-id: Must be"),
        ((f"--configuration={CALLBACK_ONLY}",), "Either --source-id or --media-url"),
        ((f"--configuration={CALLBACK_ONLY}", "--source-id=RE1"), "--source-id: Must be"),
        (
            (f"--configuration={WITH_CONVERSATION}", "--media-url=https://example.com/a"),
            "/participants",
        ),
        ((f"--configuration={CALLBACK_ONLY}", f"--source-id=RE20404{'0' * 27}"), "20404"),
        (("--idempotency-key=ä",), "printable ASCII"),
        (("--idempotency-key=resubmit-job_1",), "must not begin with"),
        ((f"--idempotency-key={'a' * 129}",), "1 to 128"),
        (("--from-csv=pyproject.toml", "--source-id=RE1"), "can't be combined"),
    ],
)
def test_invalid_request_is_an_error(
    app: Flask, twilio: SimulatorServer, options: tuple[str, ...], fault: str
) -> None:
    """An invalid request is an error that names the fault, and there is no job."""
    result = run(app, "submit", *options)
    assert result.exit_code != 0
    assert fault in result.stderr
    assert twilio.simulator.job_store.newest_first() == []


def test_fault_of_the_whole_request_has_no_pointer(app: Flask) -> None:
    """The error for the whole request contains no pointer."""
    result = run(app, "submit", f"--configuration={CALLBACK_ONLY}")
    assert result.stderr == "Error: Either --source-id or --media-url must be given.\n"


def test_refusal_is_printed_once(app: Flask) -> None:
    """A refusal is printed once, with its pointer and without advice to repeat the command."""
    options = (f"--configuration={CALLBACK_ONLY}", f"--source-id=RE17533{'0' * 27}")
    result = run(app, "submit", *options)
    assert result.stderr == (
        "Error: Twilio refused it (400, code 17533): /sourceId: The recording is unfinished, "
        "encrypted or stored elsewhere.\n"
    )


def test_refusal_cannot_control_the_terminal(environ: dict[str, str]) -> None:
    """Escape sequences and line breaks in Twilio's text are printed as such."""
    options = ("submit", f"--configuration={CALLBACK_ONLY}", f"--source-id={recording(1)}")
    with scripted() as scripted_twilio, open_app(environ, scripted_twilio.url) as app:
        scripted_twilio.answers(problem(400, 17500, detail="\033[2Jno\nError: none\u202e"))
        result = run(app, *options)
    assert result.exit_code == 1
    assert r"\x1b[2Jno\nError: none\u202e" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_open_submission_prints_its_key(environ: dict[str, str]) -> None:
    """If it is unknown whether there is a job, the error contains the key for a repeat."""

    def reply(_: Request) -> Response:
        os.kill(os.getpid(), signal.SIGINT)  # ends the wait before the next attempt
        return Response(status=500)

    options = ("submit", f"--configuration={CALLBACK_ONLY}", f"--source-id={recording(1)}")
    with scripted() as scripted_twilio, open_app(environ, scripted_twilio.url) as app:
        scripted_twilio.answers(reply, accepted())
        result = run(app, *options)
        key = scripted_twilio.asked[0].headers["Idempotency-Key"]
        assert (result.exit_code, f"--idempotency-key {key}" in result.stderr) == (1, True)
        assert run(app, *options, f"--idempotency-key={key}").exit_code == 0


def test_missing_credentials_are_named(environ: dict[str, str]) -> None:
    """Without Twilio's credentials the error names the variables."""
    app = create_app(environ | {"TWILIO_ACCOUNT_SID": ""})
    options = (f"--configuration={CALLBACK_ONLY}", f"--source-id={recording(1)}")
    result = run(app, "submit", *options)
    close_app(app)
    assert result.exit_code == 1
    assert "TWILIO_API_KEY" in result.stderr
