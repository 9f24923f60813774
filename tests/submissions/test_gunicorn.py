"""Submissions under gunicorn: the deadline of a request, and a crash of a worker."""

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
from tests.support.samples import ACCOUNT
from tests.support.server import (
    CONNECTION_CLOSE,
    TIMEOUT_SECONDS,
    WebServer,
    free_port,
    read_response,
    web_server,
)
from tests.support.simulator.account import BY_RECORDING, simulated
from tests.support.waiting import wait_until

WRITER = ("writer", "writer-secret")

# Long enough to call Twilio and to report that it did not answer.
REQUEST_SECONDS = 3.0


@pytest.fixture(scope="module")
def twilio_port() -> int:
    """Return the port on which each test serves its own Twilio."""
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
def silent_twilio(twilio_port: int) -> Iterator[socket.socket]:
    """Yield a listener that accepts connections and sends nothing."""
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


def test_job_is_submitted(web: WebServer, twilio_port: int) -> None:
    """The production server submits a job, and its log contains the job's id and no secret."""
    with serve(simulated(), port=twilio_port) as twilio:
        response = _create(web)
        assert response.status_code == 202, response.text
        assert web.get("/healthz").status_code == 200
    [job] = twilio.simulator.job_store.newest_first()
    wait_until(lambda: job.id in web.log.read_text())
    logged = web.log.read_text()
    assert TOKEN not in logged
    assert "writer-secret" not in logged


@pytest.mark.usefixtures("silent_twilio")
def test_silent_twilio_is_a_503(web: WebServer) -> None:
    """If Twilio sends nothing, the client gets a 503 with the key in the header and the text."""
    response = _create(web)
    assert response.status_code == 503
    key = response.headers["Idempotency-Key"]
    assert key in response.json()["detail"]


@pytest.mark.parametrize("start", [HEAD, BODY], ids=["head", "body"])
def test_endless_answer_of_twilio_is_a_503(web: WebServer, twilio_port: int, start: bytes) -> None:
    """If Twilio's answer never ends, the client gets a 503 with the key."""
    with serve_dripping(start, port=twilio_port):
        response = _create(web)
    assert (response.status_code, "Twilio did not" in response.json()["detail"]) == (503, True)
    assert response.headers["Idempotency-Key"] in response.json()["detail"]


def test_blocked_database_is_a_503_with_the_key(web: WebServer, module_database: str) -> None:
    """If the database blocks, the client gets a 503 with the key just before the deadline."""
    with psycopg.connect(module_database) as holder:
        holder.execute("LOCK TABLE submissions")
        response = _create(web, key="key-of-the-blocked")
    assert (response.status_code, response.headers["Idempotency-Key"]) == (
        503,
        "key-of-the-blocked",
    )
    assert "key-of-the-blocked" in response.json()["detail"]


def test_intent_outlives_a_killed_worker(web: WebServer, twilio_port: int) -> None:
    """After a worker is killed during its call to Twilio, a repeat with the key makes one job."""
    with (
        socket.create_server(("127.0.0.1", twilio_port)) as listener,
        _send_request(web) as client,
        _accept_call(listener),
    ):
        for worker in psutil.Process(web.child.process.pid).children(recursive=True):
            worker.send_signal(signal.SIGKILL)
        assert read_response(client) == b""
    with serve(simulated(), port=twilio_port) as twilio:
        assert _create(web, key="key-of-the-killed").status_code == 202
        assert len(twilio.simulator.job_store.newest_first()) == 1


def _accept_call(listener: socket.socket) -> socket.socket:
    """Return the connection on which Twilio is called."""
    listener.settimeout(TIMEOUT_SECONDS)

    return listener.accept()[0]


def _send_request(web: WebServer) -> socket.socket:
    """Send a request, and return the connection that waits for the answer."""
    request = requests.Request(
        "POST",
        f"{web.url}/v3/Transcriptions",
        json=BY_RECORDING,
        auth=WRITER,
        headers={"Idempotency-Key": "key-of-the-killed"},
    ).prepare()
    connection = web.connect()
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    body = request.body
    assert isinstance(body, bytes)
    connection.sendall(
        f"POST {request.path_url} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode() + body
    )

    return connection
