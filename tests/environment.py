"""What a deployment has, for the tests that need less than a running one."""

import contextlib
from collections.abc import Iterator

from sqlalchemy import Engine

from receiver.store.engine import make_engine

# A whole environment, on whose database nobody listens.
ENVIRON = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "TWILIO_AUTH_TOKEN": "0123456789abcdef" * 2,
    "PUBLIC_URL": "https://app.example.com",
    "API_KEYS": "reader:s3cret",
    "WEB_CONCURRENCY": "1",
}


@contextlib.contextmanager
def engine_on(url: str) -> Iterator[Engine]:
    """Yield an engine with one connection at most, and close it."""
    engine = make_engine(url, pool_size=1)
    try:
        yield engine
    finally:
        engine.dispose()
