"""Logs each request of an API client: who read or submitted what, and how it was answered.

The line has no query, since that may contain an address of a participant, and no secret.
"""

import logging

from flask import Flask, Response, g, request

from receiver.runtime.deadline import request_deadline
from receiver.runtime.timeouts import LOG_FIELDS

logger = logging.getLogger(__name__)

MAX_VALUE_CHARACTERS = 128  # of a part of the path; an id has no more


def register(app: Flask) -> None:
    """Make the application log each request with a valid API key.

    A request that ends at its deadline has the line of DeadlineMiddleware instead.
    """

    @app.after_request
    def _log(response: Response) -> Response:
        if "api_key" in g:
            _log_request(response.status_code)

        return response


def _log_request(status: int) -> None:
    logger.info(
        "request answered",
        extra={
            "method": request.method,
            "route": request.url_rule and request.url_rule.rule,
            **_ids(),
            **request.environ.get(LOG_FIELDS, {}),
            "answered": status,
            "seconds": round(request_deadline(request.environ).elapsed(), 3),
        },
    )


def _ids() -> dict[str, str]:
    """Return the ids in the request's path: `job`, `callback`."""
    values = request.view_args or {}

    return {
        name.removesuffix("_id"): str(value)[:MAX_VALUE_CHARACTERS]
        for name, value in values.items()
        if name.endswith("_id")
    }
