"""Tests of the Host header where PUBLIC_URL is on loopback, as in development."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import create_environ, run_wsgi_app

from tests.support.environment import KEY
from tests.support.hosts import LOOPBACK_HOSTS, OTHER_HOSTS


def _status(app: Flask, host: str) -> str:
    # Werkzeug's own test client raises an error for some of the hosts.
    environ = create_environ("/healthz") | {"HTTP_HOST": host}
    _body, status, _headers = run_wsgi_app(app, environ)

    return status[:3]


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_any_host_is_answered_in_production(app: Flask, host: str) -> None:
    """A service whose PUBLIC_URL isn't on loopback answers requests with any Host."""
    assert _status(app, host) == "200"


class TestWithoutPublicUrl:
    """PUBLIC_URL is not set."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Unset PUBLIC_URL."""
        return environ | {"PUBLIC_URL": ""}

    @pytest.mark.parametrize("host", OTHER_HOSTS)
    def test_any_host_is_answered(self, app: Flask, host: str) -> None:
        """A service without PUBLIC_URL answers requests with any Host."""
        assert _status(app, host) == "200"


class TestLoopback:
    """PUBLIC_URL is on loopback, as `make run` sets it."""

    @pytest.fixture(params=["http://127.0.0.1:8000", "http://u:p@localhost", "http://[::1]:1/a"])
    def environ(self, environ: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
        """Set such a PUBLIC_URL."""
        return environ | {"PUBLIC_URL": request.param}

    def test_loopback_names_are_answered(self, app: Flask) -> None:
        """Requests to a loopback name are answered, with any port."""
        assert {host: _status(app, host) for host in LOOPBACK_HOSTS} == dict.fromkeys(
            LOOPBACK_HOSTS, "200"
        )

    def test_other_names_are_misdirected(self, app: Flask) -> None:
        """Requests to any other name are answered 421, so a web page can't reach the service."""
        assert {host: _status(app, host) for host in OTHER_HOSTS} == dict.fromkeys(
            OTHER_HOSTS, "421"
        )

    def test_problem_names_the_setting(self, client: FlaskClient) -> None:
        """The problem says why the request isn't answered, also with the right key."""
        response = client.get("/v3/Transcriptions", auth=KEY, headers={"Host": "evil.example"})
        assert response.status_code == 421
        assert response.content_type == "application/problem+json"
        assert "PUBLIC_URL" in response.get_json()["detail"]
