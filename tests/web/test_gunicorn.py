"""Tests of wrong API keys, request ids and log lines on the service under gunicorn."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from receiver.runtime.failure_limiter import MAX_FAILURES
from tests.support.environment import KEY
from tests.support.samples import COMPLETED, JOB
from tests.support.server import CONNECTION_CLOSE, TIMEOUT_SECONDS, WebServer


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
