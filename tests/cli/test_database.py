"""Commands on the whole database, and commands without a database."""

import pytest
from flask import Flask

from receiver.services import services_of
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.server import free_port


def test_rebuild_prints_the_corrected_jobs(app: Flask, twilio: Twilio) -> None:
    """`rebuild` prints nothing for correct data, and the id of each job that it corrects."""
    for number in range(3):
        twilio.call(b'{"id": "job_%d", "accountId": "AC1", "status": "failed"}' % number)
    healthy = run(app, "rebuild")
    assert (healthy.exit_code, healthy.stdout) == (0, "")
    assert "3 jobs checked, 0 changed" in healthy.stderr
    with services_of(app).engine.connect() as connection:
        connection.exec_driver_sql("UPDATE transcriptions SET duration = 1 WHERE id = 'job_1'")
    assert run(app, "rebuild").stdout == "job_1\n"


class TestUnavailableDatabase:
    """No server listens at DATABASE_URL."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Set DATABASE_URL to a closed port."""
        return environ | {"DATABASE_URL": f"postgresql://u:hush@127.0.0.1:{free_port()}/none"}

    @pytest.mark.parametrize(
        "command",
        [
            ("migrate",),
            ("rebuild",),
            ("callbacks", "list"),
            ("callbacks", "replay", "--outcome", "quarantined"),
        ],
    )
    def test_error_is_one_line(self, app: Flask, command: tuple[str, ...]) -> None:
        """The error says in one line what failed and what to do, without the password."""
        result = run(app, *command)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: the database failed (")
        assert "doctor" in result.stderr
        assert "hush" not in result.stderr
