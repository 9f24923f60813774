"""Tests of `wait`: the long poll."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app import create_app
from receiver.services import install, services_of
from receiver.store.changes.watcher import Watcher
from tests.support.environment import KEY
from tests.support.samples import ACCOUNT, OTHER_ACCOUNT
from tests.support.server import wait_until
from tests.support.stored_callbacks import callback, json_of, record_callback

LOOK_SECONDS = 0.05
KEYS = f"{':'.join(KEY)},bound@{ACCOUNT}:bound-secret"


@pytest.fixture
def app(environ: dict[str, str]) -> Iterator[Flask]:
    """Yield the application, which looks for changes often."""
    app = create_app(environ | {"API_KEYS": KEYS})
    parts = services_of(app)
    watcher = Watcher(parts.engine, parts.limits.connections, look_seconds=LOOK_SECONDS)
    install(app, replace(parts, changes=watcher))
    yield app
    parts.engine.dispose()


def _get(app: Flask, cursor: str, *, wait: int, secret: str = KEY[1]) -> TestResponse:
    return app.test_client().get(
        "/v3/Changes",
        query_string={"cursor": cursor, "wait": wait},
        headers={"Authorization": f"Bearer {secret}"},
    )


def _cursor(response: TestResponse) -> str:
    cursor: str = json_of(response)["meta"]["nextCursor"]

    return cursor


@contextmanager
def _waiting(app: Flask, cursor: str, *, count: int = 1) -> Iterator[list[TestResponse]]:
    """Let clients wait for what the block does; the list has the answers after it."""
    responses: list[TestResponse] = []
    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(_get, app, cursor, wait=6) for _ in range(count)]
        wait_until(lambda: services_of(app).changes.waiting_count == count)
        yield responses
        responses += [future.result() for future in futures]


def test_change_ends_the_wait(app: Flask, engine: Engine) -> None:
    """A client that waits gets the change that is committed meanwhile."""
    cursor = _cursor(_get(app, "now", wait=0))
    with _waiting(app, cursor) as responses:
        record_callback(engine, callback("job"))
    assert [change["id"] for change in json_of(responses[0])["changes"]] == ["job"]


def test_change_that_is_there_already_is_not_waited_for(app: Flask, engine: Engine) -> None:
    """A client that has something to read gets it at once, and so does one without `wait`."""
    cursor = _cursor(_get(app, "now", wait=0))
    assert json_of(_get(app, cursor, wait=0))["changes"] == []
    record_callback(engine, callback("job"))
    assert len(json_of(_get(app, cursor, wait=6))["changes"]) == 1
    assert services_of(app).changes.waiting_count == 0


def test_wait_ends_without_a_change(app: Flask, engine: Engine) -> None:
    """After the time a client gets an empty page, and continues where it was."""
    cursor = _cursor(_get(app, "now", wait=0))
    response = _get(app, cursor, wait=1)
    assert json_of(response)["changes"] == []
    record_callback(engine, callback("job"))
    assert len(json_of(_get(app, _cursor(response), wait=0))["changes"]) == 1


def test_waiting_clients_use_no_place_and_no_connection(app: Flask, engine: Engine) -> None:
    """While more clients wait than readers are admitted, others are served, then all get news."""
    cursor = _cursor(_get(app, "now", wait=0))
    with _waiting(app, cursor, count=40) as responses:
        assert services_of(app).engine.pool.checkedout() <= 1  # type: ignore[attr-defined]
        assert _get(app, cursor, wait=0).status_code == 200
        record_callback(engine, callback("job"))
    assert {response.status_code for response in responses} == {200}
    assert {len(json_of(response)["changes"]) for response in responses} == {1}


def test_other_accounts_change_does_not_end_the_wait(app: Flask, engine: Engine) -> None:
    """A client with a bound key waits for the changes of its own account."""
    cursor = _cursor(_get(app, "now", wait=0))
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(_get, app, cursor, wait=6, secret="bound-secret")
        wait_until(lambda: services_of(app).changes.waiting_count == 1)
        record_callback(engine, callback("other", accountId=OTHER_ACCOUNT))
        assert len(json_of(_get(app, cursor, wait=6))["changes"]) == 1
        assert not future.done()
        record_callback(engine, callback("own"))
        changes = json_of(future.result())["changes"]
    assert [change["id"] for change in changes] == ["own"]


@pytest.mark.parametrize("wait", ["-1", "1.5", "soon", ""])
def test_invalid_wait_is_refused(client: FlaskClient, wait: str) -> None:
    """What isn't a whole number of seconds is a 400."""
    response = client.get("/v3/Changes", query_string={"wait": wait}, auth=KEY)
    assert response.status_code == 400
