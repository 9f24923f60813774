"""The command `metrics`."""

from flask import Flask

from app import create_app
from receiver.services import services_of
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.environment import ENVIRON
from tests.support.metrics import value
from tests.support.stored_callbacks import callback


def test_command_prints_the_page(app: Flask, twilio: Twilio) -> None:
    """The command prints what the workers have written, without a running worker."""
    assert twilio.call(callback("voice_transcription_1")).status_code == 204
    services_of(app).metrics.write()
    done = run(app, "metrics")
    assert done.exit_code == 0
    applied = {"outcome": "applied", "reason": ""}
    assert value(done.stdout, "receiver_callbacks_total", applied) == 1
    assert value(done.stdout, "receiver_jobs_completed") == 1


def test_database_error_is_one_line() -> None:
    """Without its database the command fails with a message that names the cause."""
    done = run(create_app(ENVIRON), "metrics")
    assert done.exit_code == 1
    assert "the database failed" in done.stderr
