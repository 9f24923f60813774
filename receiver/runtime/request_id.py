"""Request ids: each request has one, in its response and in the log lines that it causes.

The log lines also have the request's `traceparent`, if it is well-formed.
"""

import logging
import re
import secrets
from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADER = "X-Request-ID"

# A router's or a client's own id: UUIDs, hexadecimal digits, base64. Nothing that could end a
# header or that a terminal would interpret.
_WELL_FORMED = re.compile(r"[A-Za-z0-9._+/=-]{1,128}")

# https://www.w3.org/TR/trace-context/: version, trace, parent and flags; some values are not valid.
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)

# The id and the trace of the current request. Each greenlet has a context of its own, so a request
# never sees those of another one.
_current: ContextVar[tuple[str | None, str | None]] = ContextVar("request", default=(None, None))


def current_request_id() -> str | None:
    """Return the id of the current request; None if there is no request."""
    return _current.get()[0]


class RequestIdMiddleware:
    """WSGI middleware: take over the client's request id if it is well-formed, else make one."""

    def __init__(self, wsgi_app: "WSGIApplication") -> None:
        self.wsgi_app = wsgi_app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer with the application, and add the id to the response's headers."""
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _WELL_FORMED.fullmatch(given) else secrets.token_hex(16)

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            return start_response(status, [*headers, (HEADER, request_id)], *exc_info)

        trace = environ.get("HTTP_TRACEPARENT")
        if trace and not _TRACEPARENT.fullmatch(trace):
            trace = None
        token = _current.set((request_id, trace))
        try:
            return self.wsgi_app(environ, start)
        finally:
            _current.reset(token)


class RequestIdFilter(logging.Filter):
    """Adds the fields `request_id` and `traceparent` to the log lines that a request causes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields, and keep the line."""
        request_id, trace = _current.get()
        if request_id:
            record.request_id = request_id
        if trace:
            record.traceparent = trace

        return True
