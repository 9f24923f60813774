"""Tests of wrong API keys, request ids and log lines on the service under gunicorn."""

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from receiver.runtime.failure_limiter import MAX_FAILURES
from receiver.runtime.line_limiter import MAX_LINES
from tests.support.environment import KEY
from tests.support.samples import COMPLETED, JOB
from tests.support.server import CONNECTION_CLOSE, TIMEOUT_SECONDS, WebServer, read_response


def _get(web: WebServer, path: str, secret: str = KEY[1], **headers: str) -> requests.Response:
    return requests.get(
        f"{web.url}{path}",
        auth=(KEY[0], secret),
        headers=CONNECTION_CLOSE | headers,
        timeout=TIMEOUT_SECONDS,
    )


def _lines(web: WebServer) -> list[dict[str, Any]]:
    """Return the lines of the log."""
    return [json.loads(line) for line in web.log.read_text().splitlines()]


def test_flood_of_wrong_keys_locks_nobody_out(web: WebServer) -> None:
    """During a flood of wrong keys, valid keys read, callbacks are stored, and the log is short."""

    def guess(number: int) -> int:
        return _get(web, "/v3/Transcriptions", f"wrong-{number}").status_code

    with ThreadPoolExecutor(8) as threads:
        guesses = threads.map(guess, range(20 * MAX_FAILURES))
        for number in range(5):
            body = COMPLETED.replace(b"_7n7h", f"_{number:04}".encode())
            assert web.call(body).status_code == 204
            assert _get(web, "/v3/Transcriptions").status_code == 200
    assert set(guesses) == {401, 429}
    warnings = [line for line in _lines(web) if "wrong API key" in line["message"]]
    assert {line["address"] for line in warnings} == {"127.0.0.1"}
    assert "wrong-" not in web.log.read_text()
    # Two for each window. On a very slow machine there may be more than one window.
    assert 2 <= len(warnings) <= 6


def test_request_id_is_in_the_answer_and_in_the_log(web: WebServer) -> None:
    """Concurrent requests and callbacks have their own ids, in the answer and in the log."""
    assert web.call(COMPLETED).status_code == 204

    def request(number: int) -> None:
        request_id = {"X-Request-ID": f"id-{number}"}
        if number % 2:
            answer = web.call(COMPLETED, headers=request_id)
        else:
            answer = _get(web, f"/v3/Transcriptions/{JOB}", **request_id)
        assert answer.headers["X-Request-ID"] == f"id-{number}"

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(request, range(20)))
    lines = {line["request_id"]: line for line in _lines(web) if "request_id" in line}
    for number in range(20):
        line = lines[f"id-{number}"]
        assert line["job"] == JOB
        assert line["message"] == ("callback applied" if number % 2 else "request answered")
    assert len(requests.get(f"{web.url}/healthz", timeout=10).headers["X-Request-ID"]) == 32


@pytest.mark.parametrize(
    "malformed",
    [
        b"secret sentence\r\n\r\n",
        b"GET /secret sentence\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization Bearer secret\r\n\r\n",
        b"GET / HTTP/1.1\r\nExpect: secret\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: secret\r\n\r\n",
    ],
)
def test_text_of_a_malformed_request_is_not_logged(web: WebServer, malformed: bytes) -> None:
    """A request that can't be read is logged and answered without a text of its own.

    It may be the rest of a callback whose Content-Length was too small.
    """
    body = COMPLETED[:50]
    rest = web.head_of_call(body).replace(b"Connection: close\r\n", b"") + body + malformed
    with web.connect() as connection:
        connection.sendall(rest)
        answer = read_response(connection)
    assert answer.startswith(b"HTTP/1.1 204")
    assert re.search(rb"HTTP/1.1 (400|417|501) ", answer)
    assert b"secret" not in answer
    assert "secret" not in web.log.read_text()
    assert any("Invalid request" in line["message"] for line in _lines(web))


def test_flood_of_malformed_requests_keeps_the_log_short(web: WebServer) -> None:
    """Requests that can't be read or don't verify cause a limited number of log lines."""

    def send(number: int) -> None:
        with web.connect() as connection:
            target = "/callbacks/transcription HTTP/1.1" if number % 2 else "*"
            fields = "Host: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close"
            connection.sendall(f"POST {target}\r\n{fields}\r\n\r\n".encode())
            read_response(connection)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(send, range(6 * MAX_LINES)))
    messages = Counter(line["message"].partition(":")[0] for line in _lines(web))
    # On a very slow machine there may be more than one window.
    assert MAX_LINES <= messages["callback rejected"] <= 2 * MAX_LINES
    assert MAX_LINES <= messages["Invalid request from ip=127.0.0.1"] <= 2 * MAX_LINES
