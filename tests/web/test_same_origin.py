"""Tests that a page of another site can't use the Basic credentials that a browser remembers."""

import base64
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from app import create_app
from tests.support.environment import ENVIRON, close_app
from tests.support.stored_callbacks import json_of

BASIC = f"Basic {base64.b64encode(b'writer:writer-secret').decode()}"
BEARER = "Bearer writer-secret"
KEYS = {"API_KEYS": "writer:writer-secret:write"}


def _client(**changes: str) -> Iterator[FlaskClient]:
    app = create_app(ENVIRON | KEYS | changes)
    yield app.test_client()
    close_app(app)


@pytest.fixture
def submitter() -> Iterator[FlaskClient]:
    """Yield a client of a service whose PUBLIC_URL has a path prefix."""
    yield from _client(PUBLIC_URL="https://user:pw@App.example.com/twilio")


@pytest.fixture
def submitter_without_url() -> Iterator[FlaskClient]:
    """Yield a client of a service without PUBLIC_URL."""
    yield from _client(PUBLIC_URL="")


def _is_refused(client: FlaskClient, headers: dict[str, str], authorization: str = BASIC) -> bool:
    """Return whether a submission is refused before its (invalid) document is read."""
    response = client.post(
        "/v3/Transcriptions", json={}, headers=headers | {"Authorization": authorization}
    )
    assert response.status_code in {400, 403}

    return response.status_code == 403


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        pytest.param({}, False, id="no browser"),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": ""}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, True),
        ({"Origin": "https://evil.example"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": ""}, True),
        ({"Origin": "http://app.example.com"}, True),
        ({"Origin": "https://app.example.com.evil.example"}, True),
        ({"Origin": "https://app.example.com@evil.example"}, True),
        ({"Origin": "https://app.example.com:8443"}, True),
        ({"Origin": "https://app.example.com:99999"}, True),
        ({"Origin": "https://app.example.com"}, False),
        ({"Origin": "https://app.example.com:443"}, False),
        ({"Origin": "https://app.example.com", "Sec-Fetch-Site": "same-origin"}, False),
    ],
)
def test_submission_from_another_site_is_refused(
    submitter: FlaskClient, headers: dict[str, str], *, refused: bool
) -> None:
    """With Basic, a browser's submission is taken from a page of the service's own origin only."""
    assert _is_refused(submitter, headers) == refused


def test_bearer_is_exempt(submitter: FlaskClient) -> None:
    """A browser never adds a Bearer key by itself, so its origin doesn't matter."""
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert not _is_refused(submitter, headers, BEARER)


def test_requests_own_origin_counts_without_public_url(submitter_without_url: FlaskClient) -> None:
    """Without PUBLIC_URL, the origin that the request was sent to is the service's own."""
    proxy = {"X-Forwarded-Proto": "https", "Host": "other.example.com"}
    own = {"Origin": "https://other.example.com"}
    assert not _is_refused(submitter_without_url, proxy | own)
    assert _is_refused(submitter_without_url, proxy | {"Origin": "https://app.example.com"})
    assert _is_refused(submitter_without_url, {"Host": "a@b", "Origin": "null"})


def test_wrong_key_is_a_401_first(submitter: FlaskClient) -> None:
    """A wrong key gets the same answer from every origin."""
    for headers in ({}, {"Origin": "https://evil.example"}):
        response = submitter.post("/v3/Transcriptions", headers=headers, auth=("writer", "wrong"))
        assert response.status_code == 401


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 400),
        ("application/json; charset=utf-8", 400),
        ("Application/JSON;charset=UTF-8", 400),
        ("application/problem+json", 400),
        (None, 415),
        ("text/plain", 415),
        ("text/plain; application/json", 415),
        ("text/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonp", 415),
        ("*/*", 415),
    ],
)
def test_submission_must_be_json(
    submitter: FlaskClient, content_type: str | None, status: int
) -> None:
    """A type that a page of another site can send without the service's consent is a 415."""
    for authorization in (BASIC, BEARER):
        response = submitter.post(
            "/v3/Transcriptions",
            data=b"{}",
            content_type=content_type,
            headers={"Authorization": authorization},
        )
        assert response.status_code == status
        assert response.content_type == "application/problem+json"
    if status == 415:
        assert "application/json" in json_of(response)["detail"]
