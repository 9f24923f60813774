"""Creates the application: reads the settings and registers the routes and commands."""

import os
from collections.abc import Mapping

from flask import Flask

from receiver.callbacks import views as callbacks
from receiver.cli import commands
from receiver.lookup import views as lookup
from receiver.openapi import views as openapi
from receiver.rejected.store import READ_TIMEOUT_SECONDS
from receiver.runtime.deadline import REQUEST_SECONDS
from receiver.runtime.request_id import RequestIdMiddleware
from receiver.runtime.timeouts import DeadlineMiddleware
from receiver.services import create_services, install
from receiver.settings import config
from receiver.submissions import views as submissions
from receiver.web import access_log, health, problems


def create_app(
    environ: Mapping[str, str] | None = None,
    *,
    request_seconds: float = REQUEST_SECONDS,
    rejected_read_seconds: float = READ_TIMEOUT_SECONDS,
) -> Flask:
    """Return the WSGI application for the settings in `environ`, by default the process's own.

    A request ends after `request_seconds`; a rejected request's body is read for at most
    `rejected_read_seconds`. Raises receiver.settings.config.ConfigError, which lists every fault of
    the settings.
    """
    settings = config.load(os.environ if environ is None else environ)
    app = Flask("app", static_folder=None)
    # A redirected callback would be lost: its signature covers the first URL only.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    install(app, create_services(settings, rejected_read_seconds=rejected_read_seconds))
    problems.register(app)
    access_log.register(app)
    for views in (callbacks, lookup, submissions, openapi, health):
        app.register_blueprint(views.blueprint)
    commands.register(app)
    # Flask documents this assignment as the way to wrap an application in middleware.
    app.wsgi_app = RequestIdMiddleware(  # type: ignore[method-assign]
        DeadlineMiddleware(
            app.wsgi_app,
            late=problems.unavailable("The request was not completed before its deadline."),
            seconds=request_seconds,
        )
    )

    return app
