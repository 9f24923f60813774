"""Tests of the request ids."""

import logging
import re
from typing import TYPE_CHECKING

import gevent
import pytest
from werkzeug.test import create_environ, run_wsgi_app
from werkzeug.wrappers import Response
from werkzeug.wsgi import responder

from receiver.runtime.request_id import RequestIdFilter, RequestIdMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

NEW_ID = re.compile("[0-9a-f]{32}")


def _id_in_log() -> str | None:
    """Return the request id of a log line that is written now."""
    record = logging.makeLogRecord({})
    assert RequestIdFilter().filter(record)

    return getattr(record, "request_id", None)


def _call(request_id: str | None) -> tuple[str, str]:
    """Return the id in the response's header, and the one in the log of a request with this id."""
    logged = []

    @responder
    def answer(_environ: "WSGIEnvironment", _start: "StartResponse") -> Response:
        gevent.sleep(0)  # lets another request go on
        logged.append(_id_in_log())

        return Response()

    environ = create_environ()
    if request_id is not None:
        environ["HTTP_X_REQUEST_ID"] = request_id
    _, _, headers = run_wsgi_app(RequestIdMiddleware(answer), environ)

    return headers["X-Request-ID"], str(logged[0])


@pytest.mark.parametrize(
    "request_id",
    ["a", "a" * 128, "01234567-89ab-cdef-0123-456789abcdef", "Root=1-67891233-abc", "a+b/c_d.e="],
)
def test_well_formed_id_is_taken_over(request_id: str) -> None:
    """A well-formed id of the client is in the response and in the log."""
    assert _call(request_id) == (request_id, request_id)


@pytest.mark.parametrize(
    "request_id", [None, "", "a" * 129, "a b", "a,b", "a\n", "\x1b[2J", '"', "é", "<a>", "a;b"]
)
def test_other_id_is_replaced(request_id: str | None) -> None:
    """A request without a well-formed id gets a new one."""
    in_response, in_log = _call(request_id)
    assert in_response == in_log
    assert NEW_ID.fullmatch(in_response)
    assert in_response != _call(request_id)[0]


def test_concurrent_requests_have_their_own_ids() -> None:
    """Requests that run side by side don't see each other's ids."""
    ids = [f"id-{number}" for number in range(10)]
    calls = [gevent.spawn(_call, request_id) for request_id in ids]
    gevent.joinall(calls, raise_error=True)
    assert [call.value for call in calls] == [(request_id, request_id) for request_id in ids]


def test_other_log_lines_have_no_id() -> None:
    """A line that no request caused has no request id."""
    _call("a")
    assert _id_in_log() is None


def _logged_traceparent(given: str) -> str | None:
    """Return the trace in the log of a request with this header."""
    logged = []

    @responder
    def answer(_environ: "WSGIEnvironment", _start: "StartResponse") -> Response:
        record = logging.makeLogRecord({})
        RequestIdFilter().filter(record)
        logged.append(getattr(record, "traceparent", None))

        return Response()

    environ = create_environ(headers={"traceparent": given})
    run_wsgi_app(RequestIdMiddleware(answer), environ)

    return logged[0]


def test_well_formed_traceparent_is_logged() -> None:
    """The log lines of a request have its `traceparent`, in the form of W3C's Trace Context."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert _logged_traceparent(trace) == trace


@pytest.mark.parametrize(
    "given",
    [
        "",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\x1b[2J",
    ],
)
def test_other_traceparent_is_left_out(given: str) -> None:
    """A header that isn't well-formed isn't logged."""
    assert _logged_traceparent(given) is None
