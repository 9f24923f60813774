"""Tests of CORS: which pages of other origins may read the API."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from tests.support.environment import ENVIRON, close_app

ORIGIN = "https://player.example"
OTHERS = ("https://evil.example", "null", "https://player.example.evil.example", f"{ORIGIN}:444")
BEARER = {"Authorization": "Bearer reader-secret"}
# These paths need no database: the id is invalid, and the route doesn't exist.
PATHS = ("/v3/Transcriptions/a.b", "/v3/nothing")


def _client(**changes: str) -> Iterator[FlaskClient]:
    app = create_app(ENVIRON | changes)
    yield app.test_client()
    close_app(app)


@pytest.fixture
def client() -> Iterator[FlaskClient]:
    """Yield a client of a service that two origins may read, below the path of PUBLIC_URL."""
    yield from _client(
        CORS_ORIGINS=f"{ORIGIN}/, http://localhost:3000", PUBLIC_URL="https://app.example.com/calls"
    )


@pytest.fixture
def closed() -> Iterator[FlaskClient]:
    """Yield a client of a service without CORS_ORIGINS."""
    yield from _client()


def _preflight(client: FlaskClient, origin: str, path: str = PATHS[0]) -> TestResponse:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization,if-none-match",
    }

    return client.options(path, headers=headers)


def _cors_headers(response: TestResponse) -> set[str]:
    return {name for name, _ in response.headers if name.startswith("Access-Control-")}


@pytest.mark.parametrize("path", [*PATHS, "/calls/v3/Transcriptions"])
@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:3000"])
def test_preflight_of_configured_origin_needs_no_key(
    client: FlaskClient, origin: str, path: str
) -> None:
    """A preflight of a configured origin is a 204 that allows it to read with a key."""
    response = _preflight(client, origin, path)
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "origin" in response.vary.as_set()


def test_preflight_allows_to_make_links(client: FlaskClient) -> None:
    """Of the unsafe requests, a page of a configured origin may only make links."""
    response = _preflight(client, ORIGIN, "/v3/Transcriptions/job/Links")
    assert response.headers["Access-Control-Allow-Methods"] == "POST"


@pytest.mark.parametrize("origin", OTHERS)
def test_preflight_of_another_origin_is_401(client: FlaskClient, origin: str) -> None:
    """A preflight of another origin needs a key, as any request does, and allows nothing."""
    response = _preflight(client, origin)
    assert (response.status_code, _cors_headers(response)) == (401, set())
    assert "origin" in response.vary.as_set()


def test_answer_to_configured_origin_can_be_read(client: FlaskClient) -> None:
    """An answer, an error too, names the origin, and the headers that its page may read."""
    for headers, status in ((BEARER, 404), ({}, 401)):
        response = client.get(PATHS[0], headers=headers | {"Origin": ORIGIN})
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        exposed = set(response.headers["Access-Control-Expose-Headers"].split(", "))
        assert {"ETag", "Retry-After", "X-Request-ID"} <= exposed
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert "origin" in response.vary.as_set()


def test_answer_to_a_link_can_be_read(client: FlaskClient) -> None:
    """A `<track>` of a configured origin may read what a link leads to; it sends no preflight."""
    response = client.get(f"{PATHS[0]}/Transcript.vtt?token=1", headers={"Origin": ORIGIN})
    assert response.status_code == 403
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("origin", [*OTHERS, None])
def test_answer_to_another_origin_can_not_be_read(client: FlaskClient, origin: str | None) -> None:
    """An answer to another origin, or to no page, allows nothing, and caches keep it apart."""
    headers = BEARER | ({"Origin": origin} if origin else {})
    response = client.get(PATHS[0], headers=headers)
    assert (response.status_code, _cors_headers(response)) == (404, set())
    assert "origin" in response.vary.as_set()


@pytest.mark.parametrize("path", ["/callbacks/transcription", "/healthz", "/"])
def test_only_the_api_allows_origins(client: FlaskClient, path: str) -> None:
    """No route but those below `/v3` allows an origin."""
    for response in (
        _preflight(client, ORIGIN, path),
        client.get(path, headers={"Origin": ORIGIN}),
    ):
        assert _cors_headers(response) == set()


def test_without_origins_nothing_is_allowed(closed: FlaskClient) -> None:
    """Without CORS_ORIGINS no origin is allowed, and no answer varies by it."""
    assert _preflight(closed, ORIGIN).status_code == 401
    response = closed.get(PATHS[0], headers=BEARER | {"Origin": ORIGIN})
    assert _cors_headers(response) == set()
    assert "origin" not in response.vary.as_set()
