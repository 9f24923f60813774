"""The application: reads the settings and connects the parts."""

import os
from collections.abc import Mapping

from flask import Flask

from receiver.callbacks import views as callbacks
from receiver.cli import commands
from receiver.lookup import views as lookup
from receiver.openapi import views as openapi
from receiver.rejected.store import READ_SECONDS
from receiver.runtime.deadline import REQUEST_SECONDS
from receiver.runtime.timeouts import DeadlineMiddleware
from receiver.services import create_services, install
from receiver.settings import config
from receiver.submissions import views as submissions
from receiver.web import health, problems


def create_app(
    environ: Mapping[str, str] | None = None,
    *,
    request_seconds: float = REQUEST_SECONDS,
    rejected_read_seconds: float = READ_SECONDS,
) -> Flask:
    """Return the WSGI application for the settings in `environ`, by default the process's own.

    A request ends after `request_seconds`; a rejected request's body is read for at most
    `rejected_read_seconds`. Raises receiver.settings.config.ConfigError, which lists every fault of
    the settings.
    """
    settings = config.load(os.environ if environ is None else environ)
    app = Flask("app", static_folder=None)
    # A redirect would lose the callback: its signature covers the first URL only.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    install(app, create_services(settings, rejected_read_seconds=rejected_read_seconds))
    problems.register(app)
    for room in (callbacks, lookup, submissions, openapi, health):
        app.register_blueprint(room.blueprint)
    commands.register(app)
    # Flask's own way to wrap middleware around the application.
    app.wsgi_app = DeadlineMiddleware(  # type: ignore[method-assign]
        app.wsgi_app,
        late=problems.unavailable("It was not done before the request's deadline."),
        seconds=request_seconds,
    )

    return app
