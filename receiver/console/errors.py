"""Shows errors as pages of the console."""

import logging

from flask import Response, request
from werkzeug.exceptions import HTTPException

from receiver.console.page import render
from receiver.runtime.concurrency_limit import TooBusyError
from receiver.runtime.errors import locate
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.problems import ProblemError, title_of

logger = logging.getLogger(__name__)


def from_problem(error: ProblemError) -> Response:
    """Show a problem."""
    response = _show(error.status, error.detail)
    response.headers.extend(error.headers)

    return response


def from_http(error: HTTPException) -> Response:
    """Show an error of the framework."""
    return _show(error.code or 500, error.description or "")


def from_too_busy(_error: TooBusyError) -> Response:
    """Show that the worker has no place for the request."""
    return _show(429, "Too many requests are being processed. Try again in a few seconds.")


def from_unavailable(_error: DatabaseUnavailableError) -> Response:
    """Show that the database is unavailable."""
    return _show(
        503,
        "The database doesn't answer, so this page can't be shown. Callbacks that arrive now "
        "are kept in the spool, or Twilio sends them again.",
    )


def from_any(error: Exception) -> Response:
    """Show that an error is ours, and log where it is."""
    # Flask would log the message and traceback, which may quote a transcript.
    logger.error("a page failed: %s", locate(error), extra={"endpoint": request.endpoint})

    return _show(500, "Internal error of this service; its log says where.")


def _show(status: int, detail: str) -> Response:
    return render("error.html", status=status, error_title=title_of(status), detail=detail)
