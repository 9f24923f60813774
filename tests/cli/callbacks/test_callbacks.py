"""The commands `callbacks list`, `show` and `body`."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from receiver.events.api_events import event_of, record_response
from tests.support import signing
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.environment import ROUTE, TOKEN
from tests.support.samples import COMPLETED

CALLED = f"https://user:hush@app.example.com{ROUTE}"
NOT_JSON = b"\x00\xffnot JSON"


@pytest.fixture
def quarantined(twilio: Twilio) -> None:
    """Record a callback that is not JSON, and two deliveries of one without a status."""
    twilio.call(NOT_JSON)
    twilio.call(b'{"id": "job_1", "accountId": "AC1"}')
    twilio.call(b'{"id": "job_1", "accountId": "AC1"}')


@pytest.mark.usefixtures("quarantined")
def test_list_prints_quarantined_callbacks(app: Flask) -> None:
    """`list` prints one line per callback, newest first, with job, deliveries and reason."""
    lines = run(app, "callbacks", "list", "--outcome", "quarantined").stdout.splitlines()
    assert len(lines) == 2
    assert all(word in lines[0] for word in ("quarantined", "x2", "job_1", "invalid"))
    assert all(word in lines[1] for word in ("quarantined", "x1", "undecodable"))


@pytest.mark.usefixtures("quarantined")
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
def test_each_filter_selects_its_callbacks(
    app: Flask, options: tuple[str, ...], count: int
) -> None:
    """Each filter of `list` selects the matching callbacks."""
    assert len(run(app, "callbacks", "list", *options).stdout.splitlines()) == count


@pytest.mark.parametrize(
    ("options", "sources"),
    [
        ((), ["callback"]),
        (("--source", "callback"), ["callback"]),
        (("--source", "fetch"), ["fetch"]),
        (("--source", "conversation"), []),
        (("--source", "all"), ["fetch", "submission", "callback"]),
        (("--source", "all", "--outcome", "quarantined"), ["submission"]),
    ],
)
def test_list_selects_the_source(
    app: Flask, engine: Engine, twilio: Twilio, options: tuple[str, ...], sources: list[str]
) -> None:
    """`list` prints callbacks alone by default; `--source` selects Twilio's responses, or all."""
    twilio.call(COMPLETED)
    record_response(engine, event_of("submission", b"[]", datetime.now(UTC)))
    record_response(engine, event_of("fetch", COMPLETED, datetime.now(UTC)))
    lines = run(app, "callbacks", "list", *options).stdout.splitlines()
    assert [line.split()[2] for line in lines] == sources


@pytest.mark.usefixtures("quarantined")
def test_show_omits_the_body(app: Flask) -> None:
    """`show` prints everything but the body, and `body` prints its exact bytes."""
    listed = run(app, "callbacks", "list", "--reason", "undecodable").stdout
    number = listed.split()[0]
    shown = run(app, "callbacks", "show", number).stdout
    assert "undecodable" in shown
    assert "not JSON" not in shown.replace("is not JSON", "")
    assert run(app, "callbacks", "body", number).stdout_bytes == NOT_JSON


def test_unknown_callback_is_an_error(app: Flask) -> None:
    """A number that no callback has is an error."""
    for command in ("show", "body"):
        result = run(app, "callbacks", command, "999")
        assert result.exit_code == 1
        assert "no callback 999" in result.stderr


class TestCredentialsInTheUrl:
    """PUBLIC_URL contains a user and a password for the proxy."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Set such a PUBLIC_URL."""
        return environ | {"PUBLIC_URL": CALLED.removesuffix(ROUTE)}

    def test_show_omits_credentials(self, app: Flask, client: FlaskClient) -> None:
        """`show` prints the URL without user and password."""
        url, headers = signing.callback(CALLED, TOKEN, NOT_JSON)
        path = ROUTE + url.removeprefix(CALLED)
        assert client.post(path, data=NOT_JSON, headers=headers).status_code == 204
        shown = run(app, "callbacks", "show", "1").stdout
        assert f"https://app.example.com{path}" in shown
        assert "hush" not in shown
