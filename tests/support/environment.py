"""The environment and parts of a deployment, for tests that need no running one."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from flask import Flask
from sqlalchemy import Engine, QueuePool
from werkzeug.serving import WSGIRequestHandler, make_server

from receiver.services import install, services_of
from receiver.store.bounded_connection import ANSWER_TIMEOUT_SECONDS
from receiver.store.engine import make_engine
from tests.support.server_thread import in_thread
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

TOKEN = "0123456789abcdef" * 2
PUBLIC_URL = "https://app.example.com"
ROUTE = "/callbacks/transcription"
KEY = ("reader", "reader-secret")

# A complete environment; no server listens at the database's address.
ENVIRON = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "TWILIO_AUTH_TOKEN": TOKEN,
    "PUBLIC_URL": PUBLIC_URL,
    "API_KEYS": ":".join(KEY),
    "WEB_CONCURRENCY": "1",
    "FLASK_SKIP_DOTENV": "1",  # the tests ignore a developer's `.env`
}


@contextlib.contextmanager
def open_engine(
    url: str, *, answer_timeout_seconds: float = ANSWER_TIMEOUT_SECONDS
) -> Iterator[Engine]:
    """Yield an engine with one connection at most, and dispose of it."""
    engine = make_engine(url, pool_size=1, answer_timeout_seconds=answer_timeout_seconds)
    try:
        yield engine
    finally:
        engine.dispose()


def close_app(app: Flask) -> None:
    """Close the application's connections, when its threads have returned them.

    The pool doesn't close a connection that is returned after it was disposed of. The garbage
    collector would find it during another test, which then fails.
    """
    parts = services_of(app)
    parts.rejected.flush()
    wait_until(lambda: cast("QueuePool", parts.engine.pool).checkedout() == 0)
    parts.engine.dispose()


@contextlib.contextmanager
def changed_settings(app: Flask, **changes: Any) -> Iterator[None]:
    """Change the application's settings until the block ends."""
    services = services_of(app)
    install(app, replace(services, settings=replace(services.settings, **changes)))
    try:
        yield
    finally:
        install(app, services)


class _QuietRequestHandler(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Log nothing."""


@contextlib.contextmanager
def serve_app(app: "WSGIApplication", *, port: int = 0, threaded: bool = False) -> Iterator[str]:
    """Serve the application on loopback, in this process, and yield its origin."""
    server = make_server(
        "127.0.0.1", port, app, threaded=threaded, request_handler=_QuietRequestHandler
    )
    with in_thread(server):
        yield f"http://127.0.0.1:{server.port}"
