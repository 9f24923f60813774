"""A worker's store of rejected requests, with limits of its own, and requests for it."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, select, text

from receiver.bodies.reader import BodyReader
from receiver.rejected.store import RejectedStore, WorkerLimits
from receiver.runtime.deadline import KEY, REQUEST_SECONDS, Deadline
from receiver.store.engine import transactional
from receiver.store.rejected.quotas import Quotas
from receiver.store.tables import rejected
from tests.support.forged_callbacks import forged, request
from tests.support.samples import ACCOUNT
from tests.support.sessions import waits_for_lock
from tests.support.waiting import wait_until

MAX_BODY_BYTES = 100_000

Counts = Callable[[], dict[str, int]]


def make_environ(
    body: bytes, *, chunked: bool = False, seconds: float = REQUEST_SECONDS
) -> dict[str, Any]:
    """Return the WSGI environment of a rejected request with this body."""
    url, headers = request(body)

    return {
        KEY: Deadline(seconds),
        "RAW_URI": url,
        "HTTP_HOST": "internal",
        "HTTP_X_TWILIO_SIGNATURE": headers["X-Twilio-Signature"],
        "wsgi.input": io.BytesIO(body),
        **({} if chunked else {"CONTENT_LENGTH": str(len(body))}),
    }


def make_store(
    engine: Engine,
    quotas: Quotas | None = None,
    *,
    batch_delay_seconds: float = 3600,
    **limits: float,
) -> RejectedStore:
    """Return a store with these limits.

    By default it writes no counts: if that fails, it would be retried until the tests end.
    """
    return RejectedStore(
        engine,
        BodyReader(max_body_bytes=MAX_BODY_BYTES),
        quotas or Quotas(frozenset()),
        limits=WorkerLimits(batch_delay_seconds=batch_delay_seconds, **limits),
    )


def put_forged(store: RejectedStore, number: int, account_id: str = ACCOUNT) -> int | None:
    """Put a forged callback into the store; return its id, None if it isn't stored."""
    return store.put("wrong_signature", make_environ(forged(number, account_id=account_id)))


@contextmanager
def busy_connection(engine: Engine, store: RejectedStore) -> Iterator[None]:
    """Keep the store's connection busy with one write until the block ends."""
    with ThreadPoolExecutor(1) as pool:
        with transactional(engine).begin() as connection:
            connection.execute(text("LOCK rejected"))
            writing = pool.submit(put_forged, store, 1000)
            wait_until(lambda: waits_for_lock(engine))
            yield
        assert writing.result(30)


def stored_ids(engine: Engine) -> list[int]:
    """Return the ids of all rejected requests that are stored."""
    with engine.connect() as connection:
        return list(connection.execute(select(rejected.c.id).order_by(rejected.c.id)).scalars())
