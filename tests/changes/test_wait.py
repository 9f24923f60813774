"""Tests of `wait`: the long poll."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event
from werkzeug.test import TestResponse

from app import create_app
from receiver.runtime.concurrency_limit import ConcurrencyLimit
from receiver.services import install, services_of
from receiver.store.changes.watcher import Watcher
from tests.support.environment import KEY, close_app
from tests.support.samples import ACCOUNT, OTHER_ACCOUNT
from tests.support.stored_callbacks import callback, json_of, record_callback
from tests.support.waiting import wait_until

LOOK_SECONDS = 0.05
BOUND = "bound-secret"
KEYS = f"{':'.join(KEY)},bound@{ACCOUNT}:{BOUND}"


@pytest.fixture
def app(environ: dict[str, str]) -> Iterator[Flask]:
    """Yield the application, which looks for changes often."""
    app = create_app(environ | {"API_KEYS": KEYS})
    _watch(app)
    yield app
    close_app(app)


def _watch(app: Flask, **options: Any) -> None:
    """Let the application use a watcher with these options."""
    parts = services_of(app)
    defaults: dict[str, Any] = {
        "connections": parts.limits.connections,
        "look_seconds": LOOK_SECONDS,
    }
    watcher = Watcher(parts.engine, **defaults | options)
    install(app, replace(parts, changes=watcher))


def _get(app: Flask, cursor: str, *, wait: int, secret: str = KEY[1]) -> TestResponse:
    return app.test_client().get(
        "/v3/Changes",
        query_string={"cursor": cursor, "wait": wait},
        headers={"Authorization": f"Bearer {secret}"},
    )


def _cursor(response: TestResponse) -> str:
    cursor: str = json_of(response)["meta"]["nextCursor"]

    return cursor


def _now(app: Flask) -> str:
    return _cursor(_get(app, "now", wait=0))


def _ids(response: TestResponse) -> list[str]:
    return [change["id"] for change in json_of(response)["changes"]]


Wait = Callable[..., Future[TestResponse]]


@contextmanager
def _waiting(app: Flask, count: int = 1) -> Iterator[Wait]:
    """Yield a function that lets a client wait, and returns when the watcher has looked for it."""
    with ThreadPoolExecutor(count) as pool:

        def wait(cursor: str, **options: Any) -> Future[TestResponse]:
            future = pool.submit(_get, app, cursor, wait=6, **options)
            wait_until(lambda: services_of(app).changes.last is not None)
            return future

        yield wait


def test_change_ends_the_wait(app: Flask, engine: Engine) -> None:
    """A client that waits gets the change that is committed meanwhile."""
    with _waiting(app) as wait:
        response = wait(_now(app))
        record_callback(engine, callback("job"))
        assert _ids(response.result()) == ["job"]


@pytest.mark.parametrize("start", ["now", None])
def test_client_without_a_cursor_may_wait(app: Flask, engine: Engine, start: str | None) -> None:
    """A client that starts now waits; one that starts at the beginning gets what there is."""
    record_callback(engine, callback("old"))
    client = app.test_client()
    query = {"wait": "1"} | ({"cursor": start} if start else {})
    response = client.get("/v3/Changes", query_string=query, auth=KEY)
    assert _ids(response) == ([] if start else ["old"])
    record_callback(engine, callback("new"))
    assert _ids(_get(app, _cursor(response), wait=6)) == ["new"]


def test_change_that_is_there_already_is_not_waited_for(app: Flask, engine: Engine) -> None:
    """A client that has something to read gets it at once, and so does one without `wait`."""
    cursor = _now(app)
    assert _ids(_get(app, cursor, wait=0)) == []
    record_callback(engine, callback("job"))
    assert _ids(_get(app, cursor, wait=6)) == ["job"]


def test_wait_ends_without_a_change(app: Flask, engine: Engine) -> None:
    """After the time a client gets an empty page, and continues where it was."""
    response = _get(app, _now(app), wait=1)
    assert _ids(response) == []
    record_callback(engine, callback("job"))
    assert _ids(_get(app, _cursor(response), wait=0)) == ["job"]


@contextmanager
def _statements(app: Flask) -> Iterator[list[str]]:
    """Yield the statements of the application while the block runs."""
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    engine = services_of(app).engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_waiting_clients_share_looks_and_pages(app: Flask, engine: Engine) -> None:
    """More clients wait than readers are admitted; others are served; all get the same news.

    For each look at most one of them reads the page.
    """
    count = 40
    cursor = _now(app)
    with _statements(app) as statements, _waiting(app, count) as wait:
        responses = [wait(cursor) for _ in range(count)]
        assert services_of(app).engine.pool.checkedout() <= 1  # type: ignore[attr-defined]
        record_callback(engine, callback("job"))
    assert {response.result().status_code for response in responses} == {200}
    assert {tuple(_ids(response.result())) for response in responses} == {("job",)}
    looks = sum("pg_current_snapshot" in each for each in statements)
    assert 1 <= sum("AS writer" in each for each in statements) <= looks


@pytest.mark.both_postgres
def test_clients_of_other_accounts_share_no_page(app: Flask, engine: Engine) -> None:
    """Of two clients that wait at the same place, the one with a bound key gets its own jobs."""
    cursor = _now(app)
    with _waiting(app, 2) as wait:
        own, all_jobs = wait(cursor, secret=BOUND), wait(cursor)
        record_callback(engine, callback("other", accountId=OTHER_ACCOUNT))
        assert _ids(all_jobs.result()) == ["other"]
        assert not own.done()
        record_callback(engine, callback("own"))
        assert _ids(own.result()) == ["own"]


def test_cursor_of_a_later_state_waits_for_it(app: Flask, engine: Engine) -> None:
    """A cursor that another worker gave out, after this one's last look, is not refused."""
    _watch(app, look_seconds=0.3)
    with _waiting(app, 2) as wait:
        own = wait(_now(app), secret=BOUND)
        look = services_of(app).changes.last
        wait_until(lambda: services_of(app).changes.last is not look)
        record_callback(engine, callback("other", accountId=OTHER_ACCOUNT))
        ahead = wait(_now(app))
        record_callback(engine, callback("own"))
        assert (_ids(own.result()), _ids(ahead.result())) == (["own"], ["own"])


def test_busy_readers_end_no_wait(app: Flask, engine: Engine) -> None:
    """While readers use all connections, clients go on waiting, and get the news after that."""
    connections = ConcurrencyLimit(1)
    _watch(app, connections=connections, look_timeout_seconds=0.1)
    with _waiting(app) as wait:
        response = wait(_now(app))
        with connections.hold(1):
            record_callback(engine, callback("job"))
            with pytest.raises(TimeoutError):
                response.result(timeout=0.3)
        assert _ids(response.result()) == ["job"]


def test_further_clients_are_answered_at_once(app: Flask, engine: Engine) -> None:
    """While as many clients wait as may, another one reads its page like a client without wait."""
    _watch(app, max_waiting=1)
    cursor = _now(app)
    with _waiting(app) as wait:
        response = wait(cursor)
        assert _ids(_get(app, cursor, wait=6)) == []
        assert not response.done()
        record_callback(engine, callback("job"))
        assert _ids(response.result()) == ["job"]


@pytest.mark.parametrize("wait", ["-1", "1.5", "soon", ""])
def test_invalid_wait_is_refused(client: FlaskClient, wait: str) -> None:
    """What isn't a whole number of seconds is a 400."""
    response = client.get("/v3/Changes", query_string={"wait": wait}, auth=KEY)
    assert response.status_code == 400
