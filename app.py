"""The application: reads the settings and wires the rooms."""

import os
from collections.abc import Mapping

from flask import Flask

from receiver import config, problem
from receiver.bounded import Bounded
from receiver.cli import commands
from receiver.ingest import views as ingest
from receiver.ingest.body import Intake
from receiver.lookup import views as lookup
from receiver.openapi import views as openapi
from receiver.ops import health
from receiver.rejected.refused import RefusedStore
from receiver.spool.folder import Spool
from receiver.store.engine import make_engine
from receiver.store.rejected_quotas import Quotas
from receiver.store.together import Together
from receiver.twilio import views as twilio


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Return the WSGI application with the settings of `environ`, by default the process's own.

    Raises receiver.config.ConfigError, which lists every fault of the settings.
    """
    settings = config.load(os.environ if environ is None else environ)
    app = Flask("app", static_folder=None)
    # A redirect would be the end of a callback, for its signature speaks of the first URL.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.extensions["settings"] = settings
    app.extensions["engine"] = make_engine(settings.database_url, pool_size=settings.db_pool_size)
    app.extensions["together"] = Together(
        app.extensions["engine"], leaders=max(1, settings.db_pool_size - 1)
    )
    app.extensions["spool"] = settings.spool_dir and Spool(
        settings.spool_dir, durable=settings.spool_durable
    )
    app.extensions["intake"] = Intake(max_body_bytes=settings.max_body_bytes)
    app.extensions["refused"] = RefusedStore(
        app.extensions["engine"], app.extensions["intake"], Quotas(settings.accounts)
    )
    problem.register(app)
    for room in (ingest, lookup, twilio, openapi, health):
        app.register_blueprint(room.blueprint)
    commands.register(app)
    # Flask's own way to wrap middleware around the application.
    app.wsgi_app = Bounded(  # type: ignore[method-assign]
        app.wsgi_app, late=problem.unavailable("It was not done before the request's deadline.")
    )

    return app
