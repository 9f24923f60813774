"""The operator's commands, on the ledger of real callbacks."""

import pytest
from click.testing import Result
from flask import Flask

from tests.app import Twilio
from tests.server import free_port

RUBBISH = b"\x00\xffnot JSON"


@pytest.fixture
def ledger(twilio: Twilio) -> None:
    """Take in one callback that is no JSON, and one for a job that lacks its status."""
    twilio.call(RUBBISH)
    twilio.call(b'{"id": "job_1", "accountId": "AC1"}')
    twilio.call(b'{"id": "job_1", "accountId": "AC1"}')


def _run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments))


@pytest.mark.usefixtures("ledger")
def test_list_shows_what_was_quarantined(app: Flask) -> None:
    """One line each, newest first, with job, deliveries and reason."""
    lines = _run(app, "callbacks", "list", "--outcome", "quarantined").stdout.splitlines()
    assert len(lines) == 2
    assert all(word in lines[0] for word in ("quarantined", "x2", "job_1", "invalid"))
    assert all(word in lines[1] for word in ("quarantined", "x1", "undecodable"))


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--reason", "undecodable"), 1),
        (("--job", "job_1"), 1),
        (("--job", "job_2"), 0),
        (("--outcome", "applied"), 0),
        (("--since", "2000-01-01"), 2),
        (("--since", "2999-01-01"), 0),
        (("--limit", "1"), 1),
    ],
)
def test_list_filters(app: Flask, options: tuple[str, ...], count: int) -> None:
    """Each filter alone lets through what it names."""
    assert len(_run(app, "callbacks", "list", *options).stdout.splitlines()) == count


@pytest.mark.usefixtures("ledger")
def test_show_and_body(app: Flask) -> None:
    """`show` tells all but the body, and `body` prints its exact bytes."""
    listed = _run(app, "callbacks", "list", "--reason", "undecodable").stdout
    number = listed.split()[0]
    shown = _run(app, "callbacks", "show", number).stdout
    assert "undecodable" in shown
    assert "not JSON" not in shown.replace("is not JSON", "")
    assert _run(app, "callbacks", "body", number).stdout_bytes == RUBBISH


def test_an_unknown_callback_is_an_error(app: Flask) -> None:
    """A number that no callback has ends with 1 and says so."""
    for command in ("show", "body"):
        result = _run(app, "callbacks", command, "999")
        assert result.exit_code == 1
        assert "no callback 999" in result.stderr


def test_rebuild_lists_what_had_to_change(app: Flask, twilio: Twilio) -> None:
    """On healthy data that is nothing; a row that was damaged is named."""
    for number in range(3):
        twilio.call(b'{"id": "job_%d", "accountId": "AC1", "status": "failed"}' % number)
    healthy = _run(app, "rebuild")
    assert (healthy.exit_code, healthy.stdout) == (0, "")
    assert "3 jobs, of which 0 had to change" in healthy.stderr
    with app.extensions["engine"].connect() as connection:
        connection.exec_driver_sql("UPDATE transcriptions SET duration = 1 WHERE id = 'job_1'")
    assert _run(app, "rebuild").stdout == "job_1\n"


class TestDatabaseAway:
    """Nobody listens where DATABASE_URL points."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Point it at a closed port."""
        return environ | {"DATABASE_URL": f"postgresql://u:hush@127.0.0.1:{free_port()}/none"}

    @pytest.mark.parametrize("command", [("migrate",), ("callbacks", "list")])
    def test_the_error_is_one_line(self, app: Flask, command: tuple[str, ...]) -> None:
        """The operator reads what failed and what to do, and no traceback."""
        result = _run(app, *command)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: the database failed: ")
        assert "doctor" in result.stderr
        assert "hush" not in result.stderr
