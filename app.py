"""Creates the application: reads the settings and registers the routes and commands."""

import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask

from receiver import __version__
from receiver.callbacks import views as callbacks
from receiver.changes import views as changes
from receiver.cli import commands, help_only
from receiver.console import routes as console
from receiver.export import routes as export
from receiver.lookup import views as lookup
from receiver.metrics.counts import Counts
from receiver.openapi import routes as openapi
from receiver.privacy import routes as privacy
from receiver.runtime import error_reports
from receiver.runtime.deadline import REQUEST_SECONDS
from receiver.runtime.request_id import RequestIdMiddleware
from receiver.runtime.timeouts import DeadlineMiddleware
from receiver.search import routes as search
from receiver.services import create_services, install
from receiver.settings import config
from receiver.settings.urls import is_loopback_host
from receiver.submissions import routes as submissions
from receiver.web import (
    access_log,
    admission,
    cors,
    health,
    index,
    metrics,
    problems,
    request_counts,
    response_headers,
)
from receiver.web.loopback_only import LoopbackHostMiddleware
from receiver.web.public_path import PublicPathMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class _App(Flask):
    """A Flask application that has no coroutines among its views and hooks."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function. Flask would look at each call of it whether it is a coroutine."""
        return func


def create_app(
    environ: Mapping[str, str] | None = None,
    *,
    request_seconds: float = REQUEST_SECONDS,
    **seconds_of_services: float,
) -> Flask:
    """Return the WSGI application for the settings in `environ`, by default the process's own.

    A request ends after `request_seconds`. The other times are those of
    receiver.services.create_services. Raises receiver.settings.config.ConfigError, which lists
    every fault of the settings.
    """
    try:
        settings = config.load(os.environ if environ is None else environ)
    except config.ConfigError as error:
        if help_only.is_command_lookup():
            return help_only.HelpOnlyApp(error)
        raise
    if settings.sentry_dsn:
        _report_errors(settings.sentry_dsn)
    app = _App("app", static_folder=None)
    # A redirected callback would be lost: its signature covers the first URL only.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    parts = create_services(settings, **seconds_of_services)
    install(app, parts)
    _register(app, settings.cors_origins)
    # Flask documents this assignment as the way to wrap an application in middleware.
    app.wsgi_app = _wrap(app, settings.public_url, request_seconds, parts.metrics.counts)  # type: ignore[method-assign]

    return app


def _report_errors(dsn: str) -> None:
    try:
        error_reports.start(dsn, release=__version__)
    except error_reports.NotInstalledError as error:
        raise config.ConfigError(
            "SENTRY_DSN is set, but sentry-sdk is not installed; run "
            "`pip install 'sentry-sdk>=2.75'`, or unset SENTRY_DSN."
        ) from error


def _register(app: Flask, cors_origins: Collection[str]) -> None:
    """Register what applies to all requests, then the routes and the commands."""
    request_counts.register(app)
    problems.register(app)
    access_log.register(app)
    admission.register(app, unpaced=callbacks.blueprint.name)
    cors.register(app, origins=cors_origins)
    response_headers.register(app)
    for views in (
        callbacks,
        lookup,
        changes,
        search,
        submissions,
        privacy,
        export,
        openapi,
        health,
        metrics,
        console,
        index,
    ):
        app.register_blueprint(views.blueprint)
    commands.register(app)


def _wrap(
    app: Flask, public_url: str | None, request_seconds: float, counts: Counts
) -> RequestIdMiddleware:
    """Return the WSGI application in its middleware, the innermost first."""
    wsgi_app: WSGIApplication = app.wsgi_app
    url = urlsplit(public_url or "")
    if url.path:
        wsgi_app = PublicPathMiddleware(app, wsgi_app, url.path)
    if is_loopback_host(url.netloc.rpartition("@")[2]):
        wsgi_app = LoopbackHostMiddleware(wsgi_app)
    wsgi_app = DeadlineMiddleware(wsgi_app, late=_answer_late, seconds=request_seconds)
    wsgi_app = request_counts.RequestCountMiddleware(wsgi_app, counts)

    return RequestIdMiddleware(wsgi_app)


def _answer_late(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer a request that was ended at its deadline."""
    response = problems.unavailable("The request was not completed before its deadline.")

    return response_headers.set_nosniff(response)(environ, start_response)


if __name__ == "__main__":
    sys.exit(
        "Error: app.py is not a program. Run `make run` to try the service, or `gunicorn "
        '"app:create_app()"` with the settings of docs/settings.md.'
    )
