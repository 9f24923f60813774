"""Tests of the API keys, and that only the listed routes work without one."""

import base64
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from receiver.settings.keys import ApiKey
from receiver.web.auth import identify
from tests.support.stored_callbacks import json_of

KEYS = (ApiKey("one", "first-secret"), ApiKey("two", "second=secret", frozenset({"write"})))

# Open to everybody, and open to Twilio's signature. All other routes need an API key.
PUBLIC_PATHS = {"/", "/healthz", "/readyz", "/openapi.json"}
PUBLIC_CONSOLE_PATHS = {"/console/sign-in", "/console/console.css"}
SIGNED_PATHS = {f"{prefix}/callbacks/transcription" for prefix in ("", "/", "/a", "/a/a")}


def _basic_authorization(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


@pytest.mark.parametrize(
    ("authorization", "name"),
    [
        (_basic_authorization("one:first-secret"), "one"),
        (_basic_authorization("two:second=secret"), "two"),
        (_basic_authorization("one:first-secret").replace("Basic", "bASIC"), "one"),
        ("Bearer first-secret", "one"),
        ("bearer  second=secret ", "two"),
    ],
)
def test_key_is_identified_by_its_secret(authorization: str, name: str) -> None:
    """Basic identifies a key by name and secret, Bearer by the secret alone."""
    key = identify(authorization, KEYS)
    assert key is not None
    assert key.name == name


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Bearer",
        "Bearer ",
        "first-secret",
        "Token first-secret",
        "Bearer one:first-secret",
        "Bearer second",
        "Bearer FIRST-SECRET",
        _basic_authorization("one:second=secret"),
        _basic_authorization("One:first-secret"),
        _basic_authorization(":first-secret"),
        _basic_authorization("first-secret"),
        _basic_authorization("one:first-secret:write"),
        _basic_authorization("one:first-secret").rstrip("="),
        "Basic \u00e9\u00e9\u00e9\u00e9",
        "Basic ====",
        "Bearer \u00e9",
    ],
)
def test_other_credentials_identify_no_key(authorization: str) -> None:
    """Wrong, incomplete or malformed credentials identify no key."""
    assert identify(authorization, KEYS) is None


def test_request_without_key_gets_401_with_both_schemes(client: FlaskClient) -> None:
    """A request without a key gets 401 with Twilio's 20003 and both schemes."""
    response = client.get("/v3/Transcriptions")
    assert response.status_code == 401
    assert response.content_type == "application/problem+json"
    assert json_of(response)["code"] == 20003
    assert response.headers["WWW-Authenticate"] == (
        'Basic realm="transcriptions", charset="UTF-8", Bearer realm="transcriptions"'
    )


def test_request_without_key_reveals_no_job(client: FlaskClient) -> None:
    """A request without a key gets 401 even for an id that can't exist."""
    assert client.get("/v3/Transcriptions/no.such.id").status_code == 401


def test_unlisted_routes_need_a_key(app: Flask, client: FlaskClient) -> None:
    """Every route without credentials returns 401, but for the public and the signed ones."""
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<job_id>", "job").replace("<callback_id>", "1")
        path = re.sub("<path:[^>]*>", "a", path)
        assert "<" not in path
        for method in (rule.methods or set()) - {"OPTIONS"}:
            # A client would take the first part of a path with two slashes for a host.
            response = client.open(method=method, environ_overrides={"PATH_INFO": path})
            assert (method, path, response.status_code) == (method, path, _expected(path, method))


def _expected(path: str, method: str) -> int:
    """Return the status without credentials. The console leads to its sign-in instead of a 401."""
    if path in PUBLIC_CONSOLE_PATHS and method != "POST":
        return 200
    if path.startswith("/console/"):
        return 403 if method == "POST" else 303

    return 200 if path in PUBLIC_PATHS else 403 if path in SIGNED_PATHS else 401
