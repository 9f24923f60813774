"""Tests of exports under gunicorn: clients that receive slowly, and clients that leave."""

import base64
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from sqlalchemy import Engine, text

from receiver.runtime.reader_limits import MAX_EXPORTS
from tests.support.environment import KEY
from tests.support.exporting import parse_lines, record_jobs
from tests.support.samples import COMPLETED
from tests.support.server import (
    WebServer,
    web_server,
)
from tests.support.waiting import wait_until

# Together more than the buffers of a connection.
LARGE = [{"text": "word " * 120_000}]
JOBS = 20
PATH = "/v3/Export"


@pytest.fixture(autouse=True)
def _stored(web: WebServer, web_engine: Engine) -> None:  # noqa: ARG001 - it empties the database
    record_jobs(web_engine, JOBS, sentences=LARGE)


@contextmanager
def _slow_client(web: WebServer) -> Iterator[socket.socket]:
    """Yield the connection of a client that has received only the first bytes of an export."""
    credentials = base64.b64encode(":".join(KEY).encode()).decode()
    with web.connect() as connection:
        connection.sendall(
            f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\n"
            f"Authorization: Basic {credentials}\r\n\r\n".encode()
        )
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        yield connection


def _busy_sessions(engine: Engine) -> int:
    """Return how many other sessions run a statement, or are in a transaction."""
    statement = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND state <> 'idle'"
    )
    with engine.connect() as connection:
        count: int = connection.execute(statement).scalar_one()

    return count


def test_slow_and_lost_clients_hold_nothing(web: WebServer, web_engine: Engine) -> None:
    """Slow clients hold only places for exports; callbacks and readers are answered; all is freed.

    A client that leaves frees its place.
    """
    with _slow_client(web), _slow_client(web), _slow_client(web), _slow_client(web):
        refused = web.get(PATH)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
        wait_until(lambda: _busy_sessions(web_engine) == 0)
        assert web.call(COMPLETED).status_code == 204
        assert web.get("/v3/Transcriptions/job000/Transcript.vtt").status_code == 200
    for _ in range(MAX_EXPORTS + 1):
        wait_until(lambda: web.get(PATH).status_code == 200)
    jobs, last = parse_lines(web.get(f"{PATH}?createdBefore=2025-12-01T00:00:00Z").content)
    assert (len(jobs), last["complete"]) == (JOBS, True)


def test_worker_that_ends_tells_a_client_where_to_continue(
    web: WebServer, module_database: str, tmp_path: Path
) -> None:
    """At SIGTERM an export ends behind a job, with a last line whose cursor continues it."""
    with (
        web_server(module_database, tmp_path / "log") as ending,
        requests.get(f"{ending.url}{PATH}", auth=KEY, stream=True, timeout=15) as response,
    ):
        pieces = response.iter_content(1024)
        received = next(pieces)
        ending.terminate()
        received += b"".join(pieces)
    jobs, last = parse_lines(received)
    assert (last["complete"], last["jobs"]) == (False, len(jobs))
    rest, end = parse_lines(web.get(f"{PATH}?cursor={last['cursor']}").content)
    assert (len(jobs) + len(rest), end["complete"]) == (JOBS, True)
