"""Tests of the service under gunicorn over HTTP, without failures."""

import select as polling
from contextlib import ExitStack, suppress

import pytest
from sqlalchemy import Engine, select

from receiver.store.tables import events
from tests.support.samples import COMPLETED
from tests.support.server import WebServer, read_response

pytestmark = pytest.mark.both_postgres  # the whole path of a callback over HTTP

# More than fits into the buffers of both ends.
MAX_SENT_BYTES = 64 * 1024 * 1024


def _bodies(engine: Engine) -> list[bytes]:
    with engine.connect() as connection:
        return list(connection.execute(select(events.c.body)).scalars())


def _callback(number: int) -> bytes:
    return COMPLETED.replace(
        b"voice_transcription_7n7h", f"voice_transcription_{number:04}".encode()
    )


def _status(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


def test_callback_is_stored_and_readable(web: WebServer) -> None:
    """A callback is answered 204, and its transcript can be read."""
    answer = web.call(COMPLETED)
    assert (answer.status_code, answer.content) == (204, b"")
    [job] = web.get("/v3/Transcriptions").json()["transcriptions"]
    assert job["transcript"] == {"available": True, "sentences": 5, "source": "callback"}
    transcript = web.get(f"/v3/Transcriptions/{job['id']}/Transcript?format=text").text
    assert "Jane Doe: Hi, I am calling" in transcript


def test_requests_in_different_forms_are_one_callback(web: WebServer, web_engine: Engine) -> None:
    """Requests with chunks, an absolute target or contradictory headers are the same callback."""
    with web.connect() as connection:
        connection.sendall(web.head_of_call(COMPLETED, length="Transfer-Encoding: chunked"))
        for part in (COMPLETED[:100], COMPLETED[100:], b""):
            connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        assert _status(read_response(connection)) == 204
    with web.connect() as connection:
        connection.sendall(web.head_of_call(COMPLETED, target=web.url) + COMPLETED)
        assert _status(read_response(connection)) == 204
    with web.connect() as connection:
        head = web.head_of_call(
            COMPLETED, length=f"Expect: 100-continue\r\nContent-Length: {len(COMPLETED)}"
        )
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(COMPLETED)
        assert _status(read_response(connection)) == 204
    contradictory = {"X-Forwarded-Proto": "http", "X-Forwarded-Ssl": "on", "X-Forwarded-Host": "x"}
    assert web.call(COMPLETED, headers=contradictory).status_code == 204
    assert _bodies(web_engine) == [COMPLETED]


def test_forged_request_is_rejected_before_its_body(web: WebServer) -> None:
    """A request with a wrong signature is rejected before its body arrives."""
    head = web.head_of_call(COMPLETED).replace(b"bodySHA256=", b"bodySHA256=0")
    with web.connect() as connection:
        connection.sendall(head)  # and not a byte of the body
        assert _status(connection.recv(65536)) == 403


def test_unsigned_bodies_do_not_delay_signed_ones(web: WebServer) -> None:
    """Unsigned forms don't delay signed callbacks, because they have a separate memory budget."""
    head = (
        b"POST /callbacks/transcription HTTP/1.1\r\nHost: localhost\r\nX-Twilio-Signature: x\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n"
    )
    with ExitStack() as stack:
        slow_requests = []
        for length in [b"Content-Length: 65536", b"Transfer-Encoding: chunked"] * 40:
            slow_requests.append(stack.enter_context(web.connect()))
            slow_requests[-1].sendall(head + length + b"\r\n\r\n")
        large = stack.enter_context(web.connect())
        large.sendall(head + b"Content-Length: 65537\r\n\r\n")
        assert _status(large.recv(65536)) == 413
        answers = [web.call(_callback(i)).status_code for i in range(4)]
        # The first slow requests are still being served; those that found no place are refused.
        assert polling.select(slow_requests[:2], [], [], 0)[0] == []
    assert answers == [204] * 4


@pytest.mark.parametrize("chunk", [b"1\r\nx\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n"])
def test_an_endless_body_ends_its_connection(web: WebServer, chunk: bytes) -> None:
    """A client without a key gets its response, and no more than a part of its body is read."""
    head = (
        f"POST /callbacks/transcription HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    part, sent_bytes = chunk * (65536 // len(chunk)), 0
    with web.connect() as connection, suppress(ConnectionError):
        connection.sendall(head.encode())
        while sent_bytes < MAX_SENT_BYTES:
            sent_bytes += connection.send(part)
    assert sent_bytes < MAX_SENT_BYTES


def test_a_short_body_that_was_not_read_keeps_the_connection(web: WebServer) -> None:
    """The rest of a rejected request's body is read, and the connection carries the next one."""
    head = (
        f"POST /callbacks/transcription HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\n"
        "Content-Length: 1000\r\n\r\n"
    )
    healthz = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\nConnection: close\r\n\r\n"
    with web.connect() as connection:
        connection.sendall(head.encode() + b"x" * 1000 + healthz.encode())
        answers = read_response(connection)
    assert answers.startswith(b"HTTP/1.1 403")
    assert b"HTTP/1.1 200" in answers


def test_long_trailer_ends_the_connection(web: WebServer) -> None:
    """The fields after a chunked body have a limit; beyond it the connection is closed."""
    head = (
        f"POST /callbacks/transcription HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n"
    )
    trailer = f"X: {'x' * 4000}\r\n" * 10 + "\r\n"
    healthz = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\nConnection: close\r\n\r\n"
    answers = b""
    with web.connect() as connection, suppress(ConnectionResetError):
        connection.sendall((head + trailer + healthz).encode())
        while part := connection.recv(65536):
            answers += part
    assert answers.startswith(b"HTTP/1.1 403")
    assert b"HTTP/1.1 200" not in answers


def test_malformed_unread_body_logs_no_traceback(web: WebServer) -> None:
    """A malformed chunk after a rejection ends the connection; the log has no traceback."""
    head = (
        f"POST /callbacks/transcription HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\n"
        "Transfer-Encoding: chunked\r\n\r\nnot a size\r\n"
    )
    with web.connect() as connection:
        connection.sendall(head.encode())
        answer = read_response(connection)
    assert answer.startswith(b"HTTP/1.1 403")
    assert "Traceback" not in web.log.read_text()
