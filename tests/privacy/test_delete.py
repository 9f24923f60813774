"""Tests of `DELETE /v3/Transcriptions/{id}`."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, text
from werkzeug.test import TestResponse

from app import create_app
from receiver.services import services_of
from receiver.store.tables import erasures
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.environment import ENVIRON, KEY, close_app
from tests.support.erasing import ADDRESS, SPOKEN, bodies, body, is_stored, rows_of
from tests.support.samples import ACCOUNT, COMPLETED, JOB, OTHER_ACCOUNT
from tests.support.stored_callbacks import json_of

PATH = f"/v3/Transcriptions/{JOB}"


@pytest.fixture
def erasing(app: Flask) -> Iterator[FlaskClient]:
    """Yield a client of a service with keys of scope `erase`, on the same database."""
    keys = (
        "reader:reader-secret,writer:writer-secret:write,eraser:eraser-secret:erase,"
        f"own@{ACCOUNT}:own-secret:erase+write,other@{OTHER_ACCOUNT}:other-secret:erase"
    )
    database_url = services_of(app).settings.database_url
    other = create_app({**ENVIRON, "DATABASE_URL": database_url, "API_KEYS": keys})
    yield other.test_client()
    close_app(other)


def _delete(client: FlaskClient, path: str = PATH, key: str = "eraser") -> TestResponse:
    return client.delete(path, headers={"Authorization": f"Bearer {key}-secret"})


@pytest.mark.parametrize("key", ["eraser", "own"])
def test_job_is_erased(app: Flask, twilio: Twilio, erasing: FlaskClient, key: str) -> None:
    """An erased job is a 204, at a repetition too; the receipt names the key and the request."""
    twilio.call(COMPLETED)
    response = _delete(erasing, key=key)
    assert (response.status_code, response.data) == (204, b"")
    assert not is_stored(app, SPOKEN)
    assert _delete(erasing, key=key).status_code == 204
    first, second = rows_of(app, erasures)
    assert first.requested_by == key
    assert first.reason == f"request {response.headers['X-Request-ID']}"
    assert first.counts == {"jobs": 1, "events": 1, "bodies": 1}
    assert second.counts == {}


def test_key_without_the_scope_may_not_erase(
    app: Flask, twilio: Twilio, erasing: FlaskClient, client: FlaskClient
) -> None:
    """A key without the scope gets a 403, and no key a 401; nothing is erased."""
    twilio.call(COMPLETED)
    for key in ("reader", "writer"):
        response = _delete(erasing, key=key)
        assert response.status_code == 403
        assert "name:secret:erase" in json_of(response)["detail"]
    assert _delete(erasing, key="unknown").status_code == 401
    assert client.delete(PATH, auth=KEY).status_code == 403
    assert bodies(app) == [COMPLETED]


def test_unknown_jobs(app: Flask, twilio: Twilio, erasing: FlaskClient) -> None:
    """A job that nobody knows is a 404, and so is another account's for a bound key."""
    twilio.call(COMPLETED)
    assert _delete(erasing, "/v3/Transcriptions/nobody").status_code == 404
    assert _delete(erasing, "/v3/Transcriptions/a.b").status_code == 404
    assert _delete(erasing, key="other").status_code == 404
    assert bodies(app) == [COMPLETED]
    assert rows_of(app, erasures) == []


def test_quarantined_callback_of_an_unknown_job(
    app: Flask, twilio: Twilio, erasing: FlaskClient
) -> None:
    """A job that only a quarantined callback names is erased by a key that may read it."""
    twilio.call(body(status="what"))
    assert _delete(erasing, key="other").status_code == 404
    assert _delete(erasing, key="own").status_code == 204
    assert bodies(app) == []


@pytest.mark.parametrize("claim", [{}, {"status": "what"}], ids=["usable", "unusable"])
@pytest.mark.parametrize("comes_first", [True, False])
def test_account_can_not_erase_what_another_one_sends(
    app: Flask, twilio: Twilio, erasing: FlaskClient, *, claim: dict[str, str], comes_first: bool
) -> None:
    """An account that claimed the id of another's job, and erased it, destroys only its claim."""
    twilio.call(body(accountId=OTHER_ACCOUNT, **claim))
    if comes_first and not claim:
        twilio.call(COMPLETED)
    assert _delete(erasing, key="other").status_code == 204
    assert twilio.call(COMPLETED).status_code == 204
    assert bodies(app) == [COMPLETED]
    assert twilio.call(body(accountId=OTHER_ACCOUNT, language="de-DE")).status_code == 204
    assert bodies(app) == [COMPLETED]


def test_account_can_not_hinder_the_erasure_of_a_quarantined_callback(
    app: Flask, twilio: Twilio, erasing: FlaskClient
) -> None:
    """Another account's claim of the same id, without a job, leaves an account its own erasure."""
    other = body(accountId=OTHER_ACCOUNT, status="what")
    twilio.call(body(status="what"))
    twilio.call(other)
    assert _delete(erasing, key="own").status_code == 204
    assert bodies(app) == [other]


def test_erasing_a_job_keeps_no_unreadable_callback_out(
    app: Flask, twilio: Twilio, erasing: FlaskClient
) -> None:
    """A job may have the id `None`; bodies without an id are still stored after its erasure."""
    twilio.call(body(id="None"))
    assert _delete(erasing, "/v3/Transcriptions/None").status_code == 204
    assert twilio.call(COMPLETED[:-9]).status_code == 204
    assert bodies(app) == [COMPLETED[:-9]]


def test_held_job_is_a_409(app: Flask, twilio: Twilio, erasing: FlaskClient) -> None:
    """A job on hold is a 409 that names the hold, and stays."""
    twilio.call(COMPLETED)
    run(app, "hold", "add", "case-7", "--address", ADDRESS, "--reason", "court")
    response = _delete(erasing)
    assert response.status_code == 409
    assert "case-7" in json_of(response)["detail"]
    assert bodies(app) == [COMPLETED]


def test_quarantined_callback_with_a_held_address_is_a_409(
    app: Flask, twilio: Twilio, erasing: FlaskClient
) -> None:
    """A job without a row is held too, if a quarantined callback of it contains the address."""
    twilio.call(body(status="what"))
    run(app, "hold", "add", "case-7", "--address", ADDRESS, "--reason", "court")
    assert _delete(erasing).status_code == 409
    assert bodies(app) == [body(status="what")]


def test_parameters_are_refused(erasing: FlaskClient) -> None:
    """The route has no parameters."""
    assert _delete(erasing, f"{PATH}?reason=x").status_code == 400


def test_page_of_another_site_can_not_erase(
    app: Flask, twilio: Twilio, erasing: FlaskClient
) -> None:
    """A browser's remembered Basic credentials don't erase for a page of another site."""
    twilio.call(COMPLETED)
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    response = erasing.delete(PATH, auth=("eraser", "eraser-secret"), headers=headers)
    assert response.status_code == 403
    assert bodies(app) == [COMPLETED]


def test_other_methods_are_405(erasing: FlaskClient) -> None:
    """The answer to another method names those that the path has."""
    response = erasing.put(PATH, headers={"Authorization": "Bearer eraser-secret"})
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"DELETE", "GET", "HEAD", "OPTIONS"}


def test_earlier_release_is_a_503(app: Flask, twilio: Twilio, erasing: FlaskClient) -> None:
    """While an earlier release is connected, the answer is a 503, and nothing is erased."""
    twilio.call(COMPLETED)
    url = services_of(app).engine.url.update_query_dict(
        {"application_name": "transcription-receiver"}
    )
    earlier: Engine = create_engine(url)
    with earlier.connect() as connection:
        connection.execute(text("SELECT 1"))
        response = _delete(erasing)
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert "earlier release" in json_of(response)["detail"]
    earlier.dispose()
    assert bodies(app) == [COMPLETED]


def test_write_that_does_not_end_is_a_503(app: Flask, twilio: Twilio) -> None:
    """A write that began before and doesn't end makes a 503 in time; a repetition continues."""
    twilio.call(COMPLETED)
    environ = {
        **ENVIRON,
        "DATABASE_URL": services_of(app).settings.database_url,
        "API_KEYS": "eraser:eraser-secret:erase",
    }
    other = create_app(environ, request_seconds=1.5)
    client = other.test_client()
    engine = create_engine(services_of(app).engine.url)
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE events IN ROW EXCLUSIVE MODE"))
        response = _delete(client)
        assert response.status_code == 503
        assert "still writes" in json_of(response)["detail"]
    engine.dispose()
    assert _delete(client).status_code == 204
    [receipt] = rows_of(app, erasures)
    assert receipt.completed_at
    assert not is_stored(app, SPOKEN)
    close_app(other)
