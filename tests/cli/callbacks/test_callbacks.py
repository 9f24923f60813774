"""Looking into the ledger of real callbacks."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support import signing
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.environment import TOKEN

ROUTE = "/callbacks/transcription"
CALLED = f"https://user:hush@app.example.com{ROUTE}"
RUBBISH = b"\x00\xffnot JSON"


@pytest.fixture
def ledger(twilio: Twilio) -> None:
    """Take in one callback that is no JSON, and one for a job that lacks its status."""
    twilio.call(RUBBISH)
    twilio.call(b'{"id": "job_1", "accountId": "AC1"}')
    twilio.call(b'{"id": "job_1", "accountId": "AC1"}')


@pytest.mark.usefixtures("ledger")
def test_list_shows_what_was_quarantined(app: Flask) -> None:
    """One line each, newest first, with job, deliveries and reason."""
    lines = run(app, "callbacks", "list", "--outcome", "quarantined").stdout.splitlines()
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
    assert len(run(app, "callbacks", "list", *options).stdout.splitlines()) == count


@pytest.mark.usefixtures("ledger")
def test_show_and_body(app: Flask) -> None:
    """`show` tells all but the body, and `body` prints its exact bytes."""
    listed = run(app, "callbacks", "list", "--reason", "undecodable").stdout
    number = listed.split()[0]
    shown = run(app, "callbacks", "show", number).stdout
    assert "undecodable" in shown
    assert "not JSON" not in shown.replace("is not JSON", "")
    assert run(app, "callbacks", "body", number).stdout_bytes == RUBBISH


def test_an_unknown_callback_is_an_error(app: Flask) -> None:
    """A number that no callback has ends with 1 and says so."""
    for command in ("show", "body"):
        result = run(app, "callbacks", command, "999")
        assert result.exit_code == 1
        assert "no callback 999" in result.stderr


class TestCredentialsInTheUrl:
    """PUBLIC_URL holds what the proxy asks of Twilio."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Put a user and a password before the host."""
        return environ | {"PUBLIC_URL": CALLED.removesuffix(ROUTE)}

    def test_show_keeps_them_to_itself(self, app: Flask, client: FlaskClient) -> None:
        """The URL is told as it was called, but for them."""
        url, headers = signing.callback(CALLED, TOKEN, RUBBISH)
        path = ROUTE + url.removeprefix(CALLED)
        assert client.post(path, data=RUBBISH, headers=headers).status_code == 204
        shown = run(app, "callbacks", "show", "1").stdout
        assert f"https://app.example.com{path}" in shown
        assert "hush" not in shown
