"""Submitting under gunicorn: within the request's deadline, and past a crash."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import requests

from receiver.simulator.server import serve
from tests.support.dripping import BODY, HEAD, dripping
from tests.support.environment import TOKEN
from tests.support.server import CLOSE, PATIENCE, WebServer, free_port, response_of, web_server
from tests.support.simulator.account import ACCOUNT, BY_RECORDING, simulated

WRITER = ("writer", "writer-secret")


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Yield a listener that takes connections in and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def _settings(url: str) -> dict[str, str]:
    return {
        "API_KEYS": "writer:writer-secret:write",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_BASE_URL": url,
    }


def _create(web: WebServer, *, key: str | None = None) -> requests.Response:
    return requests.post(
        f"{web.url}/v3/Transcriptions",
        json=BY_RECORDING,
        auth=WRITER,
        headers=CLOSE | ({"Idempotency-Key": key} if key else {}),
        timeout=PATIENCE,
    )


def test_a_job_is_submitted(migrated: str, tmp_path: Path) -> None:
    """By the production server, and its log tells the job and no secret."""
    with serve(simulated()) as twilio:
        log = tmp_path / "log"
        with web_server(migrated, log, **_settings(twilio.url)) as web:
            response = _create(web)
            assert response.status_code == 202, response.text
            assert web.get("/healthz").status_code == 200
    [job] = twilio.simulator.job_store.newest_first()
    logged = log.read_text()
    assert job.id in logged
    assert TOKEN not in logged
    assert "writer-secret" not in logged


def test_a_silent_twilio_is_given_up(migrated: str, tmp_path: Path, silent: socket.socket) -> None:
    """503 before the client loses patience, with the key; meanwhile others are answered."""
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"
    with web_server(migrated, tmp_path / "log", **_settings(url)) as web:
        response = _create(web)
        assert response.status_code == 503
        key = response.headers["Idempotency-Key"]
        assert key in response.json()["detail"]


# How Twilio dawdles is the same for every Postgres, and takes a request's whole time.
@pytest.mark.parametrize("postgres", [18], indirect=True, ids="postgres{}".format)
@pytest.mark.parametrize("begin", [HEAD, BODY])
def test_a_twilio_that_drips_is_given_up(migrated: str, tmp_path: Path, begin: bytes) -> None:
    """Each byte comes in time, the whole never would; the answer is ours, with the key."""
    with (
        dripping(begin) as url,
        web_server(migrated, tmp_path / "log", **_settings(url)) as web,
    ):
        response = _create(web)
    assert (response.status_code, "Twilio did not" in response.json()["detail"]) == (503, True)
    assert response.headers["Idempotency-Key"] in response.json()["detail"]


@pytest.mark.parametrize("postgres", [18], indirect=True, ids="postgres{}".format)
def test_a_database_that_hangs_leaves_the_answer_to_us(migrated: str, tmp_path: Path) -> None:
    """503 with the key, just before the request's deadline would end it without."""
    url = f"http://127.0.0.1:{free_port()}"
    with (
        web_server(migrated, tmp_path / "log", **_settings(url)) as web,
        psycopg.connect(migrated) as holder,
    ):
        holder.execute("LOCK TABLE submissions")
        response = _create(web, key="key-1")
    assert (response.status_code, response.headers["Idempotency-Key"]) == (503, "key-1")
    assert "key-1" in response.json()["detail"]


def test_a_worker_that_dies_leaves_the_intent(
    migrated: str, tmp_path: Path, silent: socket.socket
) -> None:
    """Killed while Twilio is asked; a repeat with the key makes the job."""
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"
    with (
        web_server(migrated, tmp_path / "log", **_settings(url)) as web,
        _begun(web) as client,
        _asked(silent),
    ):
        for worker in psutil.Process(web.child.process.pid).children(recursive=True):
            worker.send_signal(signal.SIGKILL)
        assert response_of(client) == b""
    with serve(simulated()) as twilio:
        with web_server(migrated, tmp_path / "log", **_settings(twilio.url)) as web:
            assert _create(web, key="key-1").status_code == 202
        assert len(twilio.simulator.job_store.newest_first()) == 1


def _asked(silent: socket.socket) -> socket.socket:
    """Return the connection on which Twilio is being asked."""
    silent.settimeout(PATIENCE)

    return silent.accept()[0]


def _begun(web: WebServer) -> socket.socket:
    """Send a request, and return the connection on which its answer is awaited."""
    begun = requests.Request(
        "POST",
        f"{web.url}/v3/Transcriptions",
        json=BY_RECORDING,
        auth=WRITER,
        headers={"Idempotency-Key": "key-1"},
    ).prepare()
    connection = web.connect()
    head = "".join(f"{name}: {value}\r\n" for name, value in begun.headers.items())
    body = begun.body
    assert isinstance(body, bytes)
    connection.sendall(f"POST {begun.path_url} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode() + body)

    return connection
