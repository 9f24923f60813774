"""The application: reads the settings and wires the rooms."""

import os
from collections.abc import Mapping

from flask import Flask

from receiver.bodies.reader import BodyReader
from receiver.callbacks import views as callbacks
from receiver.cli import commands
from receiver.lookup import views as lookup
from receiver.openapi import views as openapi
from receiver.rejected.store import READ_SECONDS, RejectedStore
from receiver.runtime.deadline import REQUEST_SECONDS
from receiver.runtime.timeouts import DeadlineMiddleware
from receiver.settings import config
from receiver.spool.folder import Spool
from receiver.store.engine import make_engine
from receiver.store.ledger.group_commit import GroupCommitter
from receiver.store.rejected.quotas import Quotas
from receiver.submissions import views as twilio
from receiver.web import health, problems


def create_app(
    environ: Mapping[str, str] | None = None,
    *,
    request_seconds: float = REQUEST_SECONDS,
    rejected_read_seconds: float = READ_SECONDS,
) -> Flask:
    """Return the WSGI application with the settings of `environ`, by default the process's own.

    A request ends after `request_seconds`; the body of one that is rejected is read for
    `rejected_read_seconds` at most.

    Raises receiver.settings.config.ConfigError, which lists every fault of the settings.
    """
    settings = config.load(os.environ if environ is None else environ)
    app = Flask("app", static_folder=None)
    # A redirect would be the end of a callback, for its signature speaks of the first URL.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.extensions["settings"] = settings
    app.extensions["engine"] = make_engine(settings.database_url, pool_size=settings.db_pool_size)
    app.extensions["together"] = GroupCommitter(
        app.extensions["engine"], leaders=max(1, settings.db_pool_size - 1)
    )
    app.extensions["spool"] = settings.spool_dir and Spool(
        settings.spool_dir, durable=settings.spool_durable
    )
    app.extensions["intake"] = BodyReader(max_body_bytes=settings.max_body_bytes)
    app.extensions["refused"] = RejectedStore(
        app.extensions["engine"],
        app.extensions["intake"],
        Quotas(settings.accounts),
        read_seconds=rejected_read_seconds,
    )
    problems.register(app)
    for room in (callbacks, lookup, twilio, openapi, health):
        app.register_blueprint(room.blueprint)
    commands.register(app)
    # Flask's own way to wrap middleware around the application.
    app.wsgi_app = DeadlineMiddleware(  # type: ignore[method-assign]
        app.wsgi_app,
        late=problems.unavailable("It was not done before the request's deadline."),
        seconds=request_seconds,
    )

    return app
