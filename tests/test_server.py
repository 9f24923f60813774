"""The service under gunicorn: what happens on the wire, and while Postgres is in trouble."""

import json
import select as polling
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from dev.postgres import Server
from receiver.store.engine import make_engine
from receiver.store.migrate import migrate
from receiver.store.tables import events
from tests.postgres import frozen
from tests.server import WebServer, response_of, wait_until, web_server

BODY = (Path(__file__).parent / "samples" / "completed_flat.json").read_bytes()


@pytest.fixture
def web(migrated: str, tmp_path: Path) -> Iterator[WebServer]:
    """Run the service."""
    with web_server(migrated, tmp_path / "log") as server:
        yield server


def _bodies(engine: Engine) -> list[bytes]:
    with engine.connect() as connection:
        return list(connection.execute(select(events.c.body)).scalars())


def _another(number: int) -> bytes:
    return BODY.replace(b"voice_transcription_7n7h", f"voice_transcription_{number:04}".encode())


def _status(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


def test_a_callback_comes_in_and_goes_out_over_http(web: WebServer) -> None:
    """What Twilio delivered can be read, and its answer is empty."""
    answer = web.call(BODY)
    assert (answer.status_code, answer.content) == (204, b"")
    [job] = web.get("/v3/Transcriptions").json()["transcriptions"]
    assert job["transcript"] == {"available": True, "sentences": 5}
    transcript = web.get(f"/v3/Transcriptions/{job['id']}/Transcript?format=text").text
    assert "Jane Doe: Hi, I am calling" in transcript


def test_every_way_to_send_the_same_request(web: WebServer, engine: Engine) -> None:
    """Chunks, an absolute target, a proxy that contradicts itself: it is one callback."""
    with web.connect() as connection:
        connection.sendall(web.head_of_call(BODY, length="Transfer-Encoding: chunked"))
        for part in (BODY[:100], BODY[100:], b""):
            connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        assert _status(response_of(connection)) == 204
    with web.connect() as connection:
        connection.sendall(web.head_of_call(BODY, target=web.url) + BODY)
        assert _status(response_of(connection)) == 204
    with web.connect() as connection:
        head = web.head_of_call(BODY, route="//callbacks/transcription")
        connection.sendall(head + BODY)
        assert _status(response_of(connection)) == 204
    with web.connect() as connection:
        head = web.head_of_call(BODY, length=f"Expect: 100-continue\r\nContent-Length: {len(BODY)}")
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(BODY)
        assert _status(response_of(connection)) == 204
    contradiction = {"X-Forwarded-Proto": "http", "X-Forwarded-Ssl": "on", "X-Forwarded-Host": "x"}
    assert web.call(BODY, headers=contradiction).status_code == 204
    assert _bodies(engine) == [BODY]


def test_a_body_cut_short_is_answered_503(web: WebServer, engine: Engine) -> None:
    """It is the way that failed, not the sender: Twilio tries again, and nothing is stored."""
    for length in (None, "Transfer-Encoding: chunked"):
        with web.connect() as connection:
            start = BODY[:100] if length is None else b"64\r\n" + BODY[:50]
            connection.sendall(web.head_of_call(BODY, length=length) + start)
            connection.shutdown(socket.SHUT_WR)
            answer = response_of(connection)
        assert _status(answer) == 503
        assert b"Retry-After: " in answer
    assert _bodies(engine) == []


def test_a_forged_request_is_refused_before_its_body(web: WebServer) -> None:
    """A wrong signature over a URL with the body's hash costs neither memory nor time."""
    head = web.head_of_call(BODY).replace(b"bodySHA256=", b"bodySHA256=0")
    with web.connect() as connection:
        connection.sendall(head)  # and not a byte of the body
        assert _status(connection.recv(65536)) == 403


def test_unsigned_bodies_keep_no_signed_one_waiting(web: WebServer) -> None:
    """Forms have to be read before anything is proved; they have a little room of their own."""
    head = (
        b"POST /callbacks/transcription HTTP/1.1\r\nHost: a\r\nX-Twilio-Signature: x\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n"
    )
    with ExitStack() as stack:
        for length in [b"Content-Length: 65536", b"Transfer-Encoding: chunked"] * 40:
            slow = stack.enter_context(web.connect())
            slow.sendall(head + length + b"\r\n\r\n")
        large = stack.enter_context(web.connect())
        large.sendall(head + b"Content-Length: 65537\r\n\r\n")
        assert _status(large.recv(65536)) == 413
        answers = [web.call(_another(i)).status_code for i in range(4)]
        # The slow ones are being served still: they had their turn before us.
        assert polling.select([slow], [], [], 0)[0] == []
    assert answers == [204] * 4


def test_sigterm_finishes_what_is_in_flight(web: WebServer, engine: Engine) -> None:
    """A callback whose body is on its way is stored and answered before the process ends."""
    with web.connect() as connection:
        connection.sendall(web.head_of_call(BODY, length="Transfer-Encoding: chunked"))
        connection.sendall(b"%x\r\n%s\r\n" % (len(BODY), BODY))
        # It is in the application's hands once another request, sent later, is answered.
        assert web.get("/healthz").status_code == 200
        web.terminate()
        connection.sendall(b"0\r\n\r\n")
        assert _status(response_of(connection)) == 204
    assert web.child.process.wait(20) == 0
    assert _bodies(engine) == [BODY]


def _connections(engine: Engine) -> int:
    others = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with engine.connect() as connection:
        return int(connection.execute(others).scalar_one())


@pytest.fixture
def own_engine(own_postgres: Server) -> Iterator[Engine]:
    """Yield an engine on a server of the test's own."""
    engine = make_engine(own_postgres.url(), pool_size=2)
    migrate(engine, tell=lambda _: None)
    yield engine
    engine.dispose()


def test_a_frozen_postgres_and_a_slow_body_end_at_the_deadline(
    own_postgres: Server, own_engine: Engine, tmp_path: Path
) -> None:
    """Each is answered 503 to try again, reading and readiness too, and nothing is lost after."""
    with (
        web_server(own_postgres.url(), tmp_path / "log") as web,
        web.connect() as slow,
        ThreadPoolExecutor(16) as pool,
    ):
        assert web.call(_another(0)).status_code == 204  # there are connections to freeze
        slow.sendall(web.head_of_call(BODY) + BODY[:100])
        with frozen(own_postgres):
            # More than there are connections: some wait for the pool, some for the server.
            calls = [pool.submit(web.call, _another(i)) for i in range(1, 13)]
            reads = [pool.submit(web.get, path) for path in ("/v3/Transcriptions", "/readyz")]
            assert web.get("/healthz").status_code == 200
            answers = [call.result() for call in calls + reads]
            assert [answer.status_code for answer in answers] == [503] * 14
            assert all(int(answer.headers["Retry-After"]) for answer in answers[:12])
            assert _status(response_of(slow)) == 503
        # The log names the jobs whose callbacks were sent back.
        lines = [json.loads(line) for line in web.log.read_text().splitlines()]
        late = {line.get("job") for line in lines if "its deadline" in line["message"]}
        assert {json.loads(_another(i))["id"] for i in range(1, 13)} <= late
        again = [pool.submit(web.call, _another(i)) for i in range(13)]
        assert [call.result().status_code for call in again] == [204] * 13
        # What was given up holds no connection: there are the pool's eight at most.
        wait_until(lambda: _connections(own_engine) <= 8)
    assert sorted(_bodies(own_engine)) == sorted(_another(i) for i in range(13))


def test_the_first_burst_after_a_restart_is_taken(
    own_postgres: Server, own_engine: Engine, tmp_path: Path
) -> None:
    """Stale connections in the pool are no reason to fail."""
    with (
        web_server(own_postgres.url(), tmp_path / "log") as web,
        ThreadPoolExecutor(8) as pool,
    ):
        statuses = [c.status_code for c in pool.map(web.call, map(_another, range(8)))]
        with own_engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        statuses += [c.status_code for c in pool.map(web.call, map(_another, range(8, 16)))]
        assert statuses == [204] * 16
