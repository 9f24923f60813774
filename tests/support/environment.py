"""What a deployment has, for the tests that need less than a running one."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Flask
from sqlalchemy import Engine
from werkzeug.serving import WSGIRequestHandler, make_server

from receiver.services import install, services_of
from receiver.store.engine import make_engine

TOKEN = "0123456789abcdef" * 2
PUBLIC_URL = "https://app.example.com"
KEY = ("reader", "reader-secret")

# A whole environment, on whose database nobody listens.
ENVIRON = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "TWILIO_AUTH_TOKEN": TOKEN,
    "PUBLIC_URL": PUBLIC_URL,
    "API_KEYS": ":".join(KEY),
    "WEB_CONCURRENCY": "1",
    "FLASK_SKIP_DOTENV": "1",  # a developer's `.env` has no part in the tests
}


@contextlib.contextmanager
def open_engine(url: str) -> Iterator[Engine]:
    """Yield an engine with one connection at most, and close it."""
    engine = make_engine(url, pool_size=1)
    try:
        yield engine
    finally:
        engine.dispose()


@contextlib.contextmanager
def changed_settings(app: Flask, **changes: Any) -> Iterator[None]:
    """Give the application other settings until the block ends."""
    parts = services_of(app)
    install(app, replace(parts, settings=replace(parts.settings, **changes)))
    try:
        yield
    finally:
        install(app, parts)


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Leave the terminal to the tests."""


@contextlib.contextmanager
def serve_app(app: Flask) -> Iterator[str]:
    """Serve the application on loopback, in this process, and yield its origin."""
    server = make_server("127.0.0.1", 0, app, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
