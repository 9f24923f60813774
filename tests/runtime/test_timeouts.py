"""Tests of time limits, and of work in gevent's thread pool."""

from typing import TYPE_CHECKING

import gevent
import pytest
from werkzeug.test import create_environ, run_wsgi_app
from werkzeug.wrappers import Response
from werkzeug.wsgi import responder

from receiver.runtime.timeouts import (
    DeadlineExceededError,
    DeadlineMiddleware,
    run_in_thread,
    time_limit,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def test_wait_ends_at_the_time_limit() -> None:
    """A wait that gevent can interrupt ends at the time limit."""
    with pytest.raises(DeadlineExceededError, match=r"no answer within 0\.01 s"), time_limit(0.01):
        gevent.sleep(60)


def test_outer_limit_is_reported_as_itself() -> None:
    """An outer time limit is reported with its own seconds, not with those of an inner one."""
    with pytest.raises(DeadlineExceededError, match=r"0\.01 s"), time_limit(0.01), time_limit(60):
        gevent.sleep(60)


def test_work_in_a_thread_returns_or_raises(capfd: pytest.CaptureFixture[str]) -> None:
    """Work in a thread returns its result or raises its error, and prints nothing."""
    assert run_in_thread(max, 1, 2) == 2
    with pytest.raises(FileNotFoundError):
        run_in_thread(open, "/nowhere/at/all")
    assert capfd.readouterr() == ("", "")


def test_line_of_a_late_request_has_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    """A request that ends at its deadline is logged with the status and the time of its answer."""

    @responder
    def hang(_environ: "WSGIEnvironment", _start: "StartResponse") -> Response:
        gevent.sleep(30)

        return Response()

    late = Response(status=503)
    _, status, _ = run_wsgi_app(DeadlineMiddleware(hang, late=late, seconds=0.05), create_environ())
    assert status.startswith("503")
    [line] = caplog.records
    assert vars(line)["answered"] == 503
    assert vars(line)["seconds"] >= 0.05
