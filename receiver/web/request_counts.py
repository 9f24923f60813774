"""Counts the requests for the metrics, with their time, by route and status."""

import time
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import Flask, request

from receiver.metrics.catalog import REQUEST_SECONDS, REQUESTS
from receiver.metrics.counts import Counts
from receiver.settings.urls import CALLBACK_PATH

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# In the WSGI environ: the request's route. It is not set if the request didn't reach Flask.
_ROUTE = "receiver.route"
OTHER = "other"


def register(app: Flask) -> None:
    """Make the application name the route of each request, even if it ends at its deadline."""

    @app.before_request
    def _name_route() -> None:
        if rule := request.url_rule:
            request.environ[_ROUTE] = _route(rule.rule)


@cache
def _route(rule: str) -> str:
    """Return the rule: paths have ids, and anyone can choose them."""
    # The callback's route also exists with a second slash and below a prefix.
    return CALLBACK_PATH if rule.endswith(CALLBACK_PATH) else rule


class RequestCountMiddleware:
    """WSGI middleware: count each request, also one that ends at its deadline."""

    def __init__(self, wsgi_app: "WSGIApplication", counts: Counts) -> None:
        self.wsgi_app = wsgi_app
        self.counts = counts

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer with the application, and count the request."""
        began_at = time.perf_counter()
        statuses: list[str] = []

        def start(status: str, *args: Any) -> Any:
            statuses[:] = [status[:3]]
            return start_response(status, *args)

        response = self.wsgi_app(environ, start)
        route = environ.get(_ROUTE, OTHER)
        self.counts.add(REQUESTS, route, *statuses)
        self.counts.observe(REQUEST_SECONDS, time.perf_counter() - began_at, route)

        return response
