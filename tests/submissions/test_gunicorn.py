"""Submitting under gunicorn: within the request's deadline, and past a crash."""

import signal
import socket
from collections.abc import Iterator

import psutil
import psycopg
import pytest
import requests

from receiver.simulator.server import serve
from tests.support.dripping_server import BODY, HEAD, serve_dripping
from tests.support.environment import TOKEN
from tests.support.server import (
    CONNECTION_CLOSE,
    TIMEOUT_SECONDS,
    WebServer,
    free_port,
    read_response,
    wait_until,
    web_server,
)
from tests.support.simulator.account import ACCOUNT, BY_RECORDING, simulated

WRITER = ("writer", "writer-secret")


# Long enough to ask Twilio and to say that it did not answer.
REQUEST_SECONDS = 3.0


@pytest.fixture(scope="module")
def twilio_port() -> int:
    """Return the port on which each test is Twilio in its own way."""
    return free_port()


@pytest.fixture(scope="module")
def web(
    module_database: str, twilio_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebServer]:
    """Run the service with a short deadline."""
    with web_server(
        module_database,
        tmp_path_factory.mktemp("web") / "log",
        {"request_seconds": REQUEST_SECONDS},
        API_KEYS="writer:writer-secret:write",
        TWILIO_ACCOUNT_SID=ACCOUNT,
        TWILIO_BASE_URL=f"http://127.0.0.1:{twilio_port}",
    ) as server:
        yield server


@pytest.fixture
def silent(twilio_port: int) -> Iterator[socket.socket]:
    """Yield a listener that takes connections in and says nothing."""
    with socket.create_server(("127.0.0.1", twilio_port)) as listener:
        yield listener


def _create(web: WebServer, *, key: str | None = None) -> requests.Response:
    return requests.post(
        f"{web.url}/v3/Transcriptions",
        json=BY_RECORDING,
        auth=WRITER,
        headers=CONNECTION_CLOSE | ({"Idempotency-Key": key} if key else {}),
        timeout=TIMEOUT_SECONDS,
    )


def test_a_job_is_submitted(web: WebServer, twilio_port: int) -> None:
    """The production server submits a job, and its log names the job and no secret."""
    with serve(simulated(), port=twilio_port) as twilio:
        response = _create(web)
        assert response.status_code == 202, response.text
        assert web.get("/healthz").status_code == 200
    [job] = twilio.simulator.job_store.newest_first()
    wait_until(lambda: job.id in web.log.read_text())
    logged = web.log.read_text()
    assert TOKEN not in logged
    assert "writer-secret" not in logged


@pytest.mark.usefixtures("silent")
def test_a_silent_twilio_is_given_up(web: WebServer) -> None:
    """503 before the client loses patience, with the key in the header and in the text."""
    response = _create(web)
    assert response.status_code == 503
    key = response.headers["Idempotency-Key"]
    assert key in response.json()["detail"]


@pytest.mark.parametrize("begin", [HEAD, BODY], ids=["head", "body"])
def test_a_twilio_that_drips_is_given_up(web: WebServer, twilio_port: int, begin: bytes) -> None:
    """Each byte comes in time, the whole never would; the answer is ours, with the key."""
    with serve_dripping(begin, port=twilio_port):
        response = _create(web)
    assert (response.status_code, "Twilio did not" in response.json()["detail"]) == (503, True)
    assert response.headers["Idempotency-Key"] in response.json()["detail"]


def test_a_database_that_hangs_leaves_the_answer_to_us(
    web: WebServer, module_database: str
) -> None:
    """503 with the key, just before the request's deadline would end it without."""
    with psycopg.connect(module_database) as holder:
        holder.execute("LOCK TABLE submissions")
        response = _create(web, key="key-of-the-hanging")
    assert (response.status_code, response.headers["Idempotency-Key"]) == (
        503,
        "key-of-the-hanging",
    )
    assert "key-of-the-hanging" in response.json()["detail"]


def test_a_worker_that_dies_leaves_the_intent(web: WebServer, twilio_port: int) -> None:
    """A worker is killed while it asks Twilio; a repeat with the key makes the job."""
    with (
        socket.create_server(("127.0.0.1", twilio_port)) as silent,
        _begun(web) as client,
        _asked(silent),
    ):
        for worker in psutil.Process(web.child.process.pid).children(recursive=True):
            worker.send_signal(signal.SIGKILL)
        assert read_response(client) == b""
    with serve(simulated(), port=twilio_port) as twilio:
        assert _create(web, key="key-of-the-killed").status_code == 202
        assert len(twilio.simulator.job_store.newest_first()) == 1


def _asked(silent: socket.socket) -> socket.socket:
    """Return the connection on which Twilio is being asked."""
    silent.settimeout(TIMEOUT_SECONDS)

    return silent.accept()[0]


def _begun(web: WebServer) -> socket.socket:
    """Send a request, and return the connection on which its answer is awaited."""
    begun = requests.Request(
        "POST",
        f"{web.url}/v3/Transcriptions",
        json=BY_RECORDING,
        auth=WRITER,
        headers={"Idempotency-Key": "key-of-the-killed"},
    ).prepare()
    connection = web.connect()
    head = "".join(f"{name}: {value}\r\n" for name, value in begun.headers.items())
    body = begun.body
    assert isinstance(body, bytes)
    connection.sendall(f"POST {begun.path_url} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode() + body)

    return connection
