"""API keys: who passes, and that no route is open by mistake."""

import base64
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from receiver.settings.keys import ApiKey
from receiver.web.auth import identify
from tests.support.stored_callbacks import json_of

KEYS = (ApiKey("one", "first-secret"), ApiKey("two", "second=secret", may_write=True))

# Open to everybody, and open to Twilio by its signature; all the rest needs an API key.
OPEN = {"/healthz", "/readyz", "/openapi.json"}
SIGNED = {f"{prefix}/callbacks/transcription" for prefix in ("", "/", "/a", "/a/a")}


def _basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


@pytest.mark.parametrize(
    ("authorization", "name"),
    [
        (_basic("one:first-secret"), "one"),
        (_basic("two:second=secret"), "two"),
        (_basic("one:first-secret").replace("Basic", "bASIC"), "one"),
        ("Bearer first-secret", "one"),
        ("bearer  second=secret ", "two"),
    ],
)
def test_a_key_is_known_by_name_and_secret_or_by_secret(authorization: str, name: str) -> None:
    """Basic carries both, as Twilio's SDKs send them, and Bearer the secret alone."""
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
        _basic("one:second=secret"),
        _basic("One:first-secret"),
        _basic(":first-secret"),
        _basic("first-secret"),
        _basic("one:first-secret:write"),
        _basic("one:first-secret").rstrip("="),
        "Basic \u00e9\u00e9\u00e9\u00e9",
        "Basic ====",
        "Bearer \u00e9",
    ],
)
def test_nothing_else_is_a_key(authorization: str) -> None:
    """A secret under another name, half a pair, another scheme or no base64 are nobody."""
    assert identify(authorization, KEYS) is None


def test_a_stranger_is_told_how_to_come_in(client: FlaskClient) -> None:
    """Without a key the answer is 401, Twilio's 20003, and names both schemes."""
    response = client.get("/v3/Transcriptions")
    assert response.status_code == 401
    assert response.content_type == "application/problem+json"
    assert json_of(response)["code"] == 20003
    assert response.headers["WWW-Authenticate"] == (
        'Basic realm="transcriptions", charset="UTF-8", Bearer realm="transcriptions"'
    )


def test_a_stranger_learns_of_no_job(client: FlaskClient) -> None:
    """Without a key even an id that can't exist is answered 401."""
    assert client.get("/v3/Transcriptions/no.such.id").status_code == 401


def test_every_route_is_closed_unless_it_is_listed_here(app: Flask, client: FlaskClient) -> None:
    """Without credentials each route answers 401, the callback's 403, and only a few answer."""
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<job_id>", "job").replace("<callback_id>", "1")
        path = re.sub("<string[^>]*>", "a", path)
        assert "<" not in path
        for method in (rule.methods or set()) - {"OPTIONS"}:
            # Of a path that begins with two slashes a client would make a host.
            said = client.open(method=method, environ_overrides={"PATH_INFO": path})
            expected = 200 if path in OPEN else 403 if path in SIGNED else 401
            assert (method, path, said.status_code) == (method, path, expected)
