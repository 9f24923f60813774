"""Checks under gunicorn: a slow or hostile media server blocks no other request."""

import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from threading import Event

import psycopg
import pytest
import requests

from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.server import serve
from tests.support.media.server import serve_raw
from tests.support.paths import ROOT
from tests.support.samples import ACCOUNT, COMPLETED
from tests.support.server import (
    CONNECTION_CLOSE,
    TIMEOUT_SECONDS,
    WebServer,
    free_port,
    web_server,
)
from tests.support.simulator.account import BY_RECORDING, simulated
from tests.support.waiting import wait_until

CONFIGURATION = ROOT / "tests/support/media/open_policy.py"
WRITER = ("writer", "writer-secret")
MAX_CHECK_COUNT = 4


@contextmanager
def _serve(
    database: str, tmp_path: Path, *, seconds: float, twilio: str = ""
) -> Iterator[WebServer]:
    """Run the service with a policy that allows every address; a check takes `seconds` at most."""
    port = free_port()
    with web_server(
        database,
        tmp_path / "log",
        PORT=str(port),
        GUNICORN_CMD_ARGS=f"--bind=127.0.0.1:{port} --config={quote(str(CONFIGURATION))}",
        CHECK_SECONDS=str(seconds),
        API_KEYS="writer:writer-secret:write",
        TWILIO_ACCOUNT_SID=ACCOUNT,
        TWILIO_BASE_URL=twilio or f"http://127.0.0.1:{free_port()}",
    ) as web:
        yield web


def _submit(web: WebServer, document: Mapping[str, object], query: str = "") -> requests.Response:
    return requests.post(
        f"{web.url}/v3/Transcriptions{query}",
        json=document,
        auth=WRITER,
        headers=CONNECTION_CLOSE | {"Idempotency-Key": "key-1"},
        timeout=TIMEOUT_SECONDS,
    )


def _check(web: WebServer, host: str) -> requests.Response:
    document = {"transcriptionConfigurationId": CALLBACK_ONLY, "mediaUrl": f"http://{host}/"}

    return _submit(web, document, "?check=true")


# An MP3 whose cover picture has 256 MiB, byte by byte.
_CHUNKS = b"".join(b"1\r\n%c\r\n" % byte for byte in b"ID3\x04\0\0\x7f\x7f\x7f\x7f")


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + _CHUNKS, b"1\r\nx\r\n"),
    ],
    ids=["heads", "chunks"],
)
def test_fast_server_blocks_no_other_request(
    migrated: str, tmp_path: Path, begin: bytes, again: bytes
) -> None:
    """The service answers others while a media server sends so fast that reading never waits."""
    begun = Event()

    def respond(connection: socket.socket) -> None:
        begun.set()
        connection.sendall(begin)
        while True:
            connection.sendall(again * 10_000)

    with (
        serve_raw(respond) as port,
        _serve(migrated, tmp_path, seconds=5) as web,
        ThreadPoolExecutor() as clients,
    ):
        running = clients.submit(_check, web, f"127.0.0.1:{port}")
        assert begun.wait(TIMEOUT_SECONDS)
        assert web.call(COMPLETED).status_code == 204
        assert not running.done()
        assert running.result().status_code == 422


def test_concurrent_checks_are_limited(migrated: str, tmp_path: Path) -> None:
    """A check over the limit gets 503 with Retry-After and its key; callbacks need no slot."""
    released, connections = Event(), []

    def respond(connection: socket.socket) -> None:
        connections.append(connection)
        released.wait()

    with (
        serve_raw(respond) as port,
        _serve(migrated, tmp_path, seconds=6) as web,
        ThreadPoolExecutor() as clients,
    ):
        try:
            checks = [
                clients.submit(_check, web, f"127.0.0.1:{port}") for _ in range(MAX_CHECK_COUNT)
            ]
            wait_until(lambda: len(connections) == MAX_CHECK_COUNT)
            refused = _check(web, f"127.0.0.1:{port}")
            assert web.call(COMPLETED).status_code == 204
        finally:
            released.set()
        assert refused.status_code == 503
        assert "was not asked" in refused.json()["detail"]
        assert (refused.headers["Retry-After"], refused.headers["Idempotency-Key"]) == (
            "10",
            "key-1",
        )
        assert len(connections) == MAX_CHECK_COUNT
        assert {each.result().status_code for each in checks} == {422}
        assert _check(web, f"127.0.0.1:{port}").status_code == 422


def test_hanging_lookups_block_no_other_lookup(migrated: str, tmp_path: Path) -> None:
    """The service resolves its database and Twilio while many other lookups hang."""
    with serve(simulated()) as twilio:
        names = (
            migrated.replace("127.0.0.1", "localhost"),
            twilio.url.replace("127.0.0.1", "localhost"),
        )
        with (
            _serve(names[0], tmp_path, seconds=0.4, twilio=names[1]) as web,
            ThreadPoolExecutor(MAX_CHECK_COUNT) as clients,
        ):
            hosts = [f"{number}.slow.example" for number in range(3 * MAX_CHECK_COUNT)]
            statuses = [
                each.status_code for each in clients.map(lambda host: _check(web, host), hosts)
            ]
            assert set(statuses) == {422, 503}
            assert _check(web, "slow.example").status_code == 503
            _disconnect(migrated)
            assert web.call(COMPLETED).status_code == 204
            assert _submit(web, BY_RECORDING).status_code == 202
    assert len(twilio.simulator.job_store.newest_first()) == 1


def _disconnect(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
