"""Tests of the signed links to a transcript as WebVTT."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, update

from receiver.services import services_of
from receiver.settings.keys import ApiKey
from receiver.store.tables import events
from receiver.web.links import make_token
from tests.support.environment import changed_settings
from tests.support.stored_callbacks import callback, json_of, record_callback

JOB = "/v3/Transcriptions/job"
ACCOUNTS = ("AC" + "a" * 32, "AC" + "b" * 32)
FAR = 4_000_000_000


@pytest.fixture
def stranger(shared_app: Flask, engine: Engine) -> FlaskClient:
    """Store two transcripts; return a client without an API key."""
    for job_id in ("job", "other"):
        record_callback(engine, callback(job_id, sentences=[{"text": "Hello."}]))

    return shared_app.test_client()


def _link(reader: FlaskClient, query: str = "") -> str:
    """Return the path and query of a new link."""
    response = reader.post(f"{JOB}/Links{query}")
    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "no-store"

    return str(json_of(response)["url"]).removeprefix("http://localhost")


def _expiry(link: str) -> int:
    [token] = parse_qs(urlsplit(link).query)["token"]

    return int(token.partition(".")[0])


def test_link_needs_no_key(reader: FlaskClient, stranger: FlaskClient) -> None:
    """A link returns the transcript as WebVTT, and its 304, without an API key."""
    link = _link(reader)
    response = stranger.get(link)
    assert response.status_code == 200
    assert response.data == reader.get(f"{JOB}/Transcript.vtt").data
    assert response.headers["Referrer-Policy"] == "no-referrer"
    again = stranger.get(link, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304
    assert stranger.head(link).status_code == 200


def test_link_is_for_one_transcript_and_format(reader: FlaskClient, stranger: FlaskClient) -> None:
    """The token of a link opens no other job, format or route."""
    token = urlsplit(_link(reader)).query
    assert stranger.get(f"/v3/Transcriptions/other/Transcript.vtt?{token}").status_code == 403
    for path in (f"{JOB}/Transcript.srt", f"{JOB}/Transcript", JOB, "/v3/Transcriptions"):
        assert stranger.get(f"{path}?{token}").status_code == 401
    assert stranger.post(f"{JOB}/Links?{token}").status_code == 401


@pytest.mark.parametrize(("query", "seconds"), [("", 300), ("?expiresIn=3600", 3600)])
@pytest.mark.usefixtures("stranger")
def test_link_expires(reader: FlaskClient, query: str, seconds: int) -> None:
    """A link is valid for five minutes, or for as long as `expiresIn` says."""
    at_once = _expiry(_link(reader, "?expiresIn=1"))
    assert seconds - 1 <= _expiry(_link(reader, query)) - at_once < seconds + 60


@pytest.mark.parametrize("value", ["0", "-1", "3601", "x", ""])
@pytest.mark.usefixtures("stranger")
def test_invalid_time_is_400(reader: FlaskClient, value: str) -> None:
    """A link can't be valid for more than an hour."""
    assert reader.post(f"{JOB}/Links?expiresIn={value}").status_code == 400


def test_forged_or_expired_link_is_403(shared_app: Flask, stranger: FlaskClient) -> None:
    """A token that has expired, or that another secret signed, is a 403 problem."""
    [key, *_] = services_of(shared_app).settings.api_keys
    valid = make_token(key, "job", FAR)
    assert stranger.get(f"{JOB}/Transcript.vtt?token={valid}").status_code == 200
    tokens = (
        make_token(key, "job", 1),
        make_token(replace(key, secret="another"), "job", FAR),
        make_token(key, "job", FAR - 1).replace(str(FAR - 1), str(FAR)),
        f"{valid}0",
        valid.upper(),
        "",
        "1.",
        "ä" * 64,
    )
    for token in tokens:
        response = stranger.get(f"{JOB}/Transcript.vtt", query_string={"token": token})
        assert (response.status_code, response.content_type) == (403, "application/problem+json")
        assert "expired" in json_of(response)["detail"]


def test_rotating_the_secret_ends_links(
    shared_app: Flask, reader: FlaskClient, stranger: FlaskClient
) -> None:
    """A link ends when the secret of the API key that made it changes, or the key is removed."""
    link = _link(reader)
    keys = services_of(shared_app).settings.api_keys
    rotated = tuple(replace(key, secret=f"{key.secret}-2") for key in keys)
    for changed in (rotated, keys[:1]):
        with changed_settings(shared_app, api_keys=changed):
            assert stranger.get(link).status_code == 403
    assert stranger.get(link).status_code == 200


def test_link_of_a_bound_key_stays_in_its_account(
    shared_app: Flask, engine: Engine, stranger: FlaskClient
) -> None:
    """A key that is bound to an account makes links to its jobs only, and reads no other ones."""
    record_callback(
        engine, callback("bound", accountId=ACCOUNTS[0], sentences=[{"text": "Hello."}])
    )
    keys = tuple(
        ApiKey(name, f"{name}-secret", account=account)
        for name, account in zip("ab", ACCOUNTS, strict=True)
    )
    with changed_settings(shared_app, api_keys=keys):
        for key, created, status in zip(keys, (201, 404), (200, 404), strict=True):
            made = stranger.post(
                "/v3/Transcriptions/bound/Links", headers={"Authorization": f"Bearer {key.secret}"}
            )
            assert made.status_code == created
            token = make_token(key, "bound", FAR)
            url = f"/v3/Transcriptions/bound/Transcript.vtt?token={token}"
            assert stranger.get(url).status_code == status


def test_link_to_nothing_is_404(reader: FlaskClient, stranger: FlaskClient, engine: Engine) -> None:
    """There is no link to a job that is unknown or has no transcript, or after it was erased."""
    record_callback(engine, callback("running", status="running"))
    for job_id in ("running", "unknown", "a.b"):
        assert reader.post(f"/v3/Transcriptions/{job_id}/Links").status_code == 404
    link = _link(reader)
    with engine.connect() as connection:
        connection.execute(update(events).values(body=None))
    assert stranger.get(link).status_code == 404


def test_wrong_key_beside_a_token_is_401(reader: FlaskClient, stranger: FlaskClient) -> None:
    """A request with an Authorization header is authenticated by it alone."""
    link = _link(reader)
    assert stranger.get(link, headers={"Authorization": "Bearer wrong"}).status_code == 401
