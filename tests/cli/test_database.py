"""Commands on the whole database, and commands without a database."""

from concurrent.futures import ThreadPoolExecutor

import psutil
import psycopg
import pytest
from flask import Flask

from receiver.services import services_of
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.server import (
    free_port,
)
from tests.support.waiting import wait_until


def test_rebuild_prints_the_corrected_jobs(app: Flask, twilio: Twilio) -> None:
    """`rebuild` prints nothing for correct data, and the id of each job that it corrects."""
    for number in range(3):
        twilio.call(b'{"id": "job_%d", "accountId": "AC1", "status": "failed"}' % number)
    healthy = run(app, "rebuild", "--workers", "2")
    assert (healthy.exit_code, healthy.stdout) == (0, "")
    assert "3 jobs checked, 0 changed" in healthy.stderr
    with services_of(app).engine.connect() as connection:
        connection.exec_driver_sql("UPDATE transcriptions SET duration = 1 WHERE id = 'job_1'")
    assert run(app, "rebuild", "--workers", "1").stdout == "job_1\n"


def test_rebuild_continues_after_a_job(app: Flask, twilio: Twilio) -> None:
    """`rebuild --after` skips the jobs up to the given one, as an interrupted rebuild did them."""
    for number in range(3):
        twilio.call(b'{"id": "job_%d", "accountId": "AC1", "status": "failed"}' % number)
    with services_of(app).engine.connect() as connection:
        connection.exec_driver_sql("UPDATE transcriptions SET duration = 1")
    result = run(app, "rebuild", "--after", "job_0", "--workers", "1")
    assert result.stdout == "job_1\njob_2\n"
    assert "2 jobs checked, 2 changed" in result.stderr


def _workers() -> list[psutil.Process]:
    children = psutil.Process().children()

    return [child for child in children if "--multiprocessing-fork" in child.cmdline()]


def _kill_worker() -> None:
    wait_until(lambda: bool(_workers()))
    _workers()[0].kill()


def test_rebuild_reports_a_killed_worker(app: Flask, twilio: Twilio) -> None:
    """If a worker process is killed, as for lack of memory, the command says so in one line."""
    twilio.call(b'{"id": "job_0", "accountId": "AC1", "status": "failed"}')
    with ThreadPoolExecutor() as pool:
        killing = pool.submit(_kill_worker)
        result = run(app, "rebuild", "--workers", "1")
        killing.result()
    assert result.exit_code == 1
    assert "Error: a worker process was killed" in result.stderr


@pytest.mark.own_database
def test_interrupted_rebuild_prints_how_to_continue(app: Flask, migrated: str) -> None:
    """A rebuild that fails prints the job after which the next one continues."""
    with services_of(app).engine.connect() as connection:
        connection.exec_driver_sql(_MANY_JOBS)
        # The fold of the last job fails.
        connection.exec_driver_sql("UPDATE events SET head = '{}' WHERE job_id = 'job_0501'")
    result = run(app, "rebuild", "--workers", "1")
    assert result.exit_code == 1
    assert "Continue with `flask --app app rebuild --after job_0500`" in result.stderr
    with psycopg.connect(migrated) as connection:
        connection.execute("DELETE FROM events WHERE job_id = 'job_0501'")
    result = run(app, "rebuild", "--after", "job_0500", "--workers", "1")
    assert "0 jobs checked, 0 changed" in result.stderr


_MANY_JOBS = """
INSERT INTO events (sha256, source, job_id, head, body_bytes, received_at, last_received_at,
                    outcome)
SELECT sha256(n::text::bytea), 'callback', 'job_' || lpad(n::text, 4, '0'), jsonb_build_object(
    'id', 'job_' || lpad(n::text, 4, '0'), 'account_id', 'AC1', 'status', 'RUNNING'
), 0, now(), now(), 'applied'
FROM generate_series(1, 501) AS n
"""


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
