"""Tests of storing rejected requests: bounded, counted, and without effect on the response."""

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, delete

from receiver.rejected.store import WRITE_TIMEOUT_SECONDS
from receiver.services import services_of
from receiver.store.engine import make_engine
from receiver.store.rejected.quotas import Amount, Quotas
from receiver.store.tables import rejected
from tests.support.app import Twilio
from tests.support.faults.callbacks import callback
from tests.support.forged_callbacks import forged, make_account_id, request
from tests.support.rejected_store import (
    MAX_BODY_BYTES,
    Counts,
    busy_connection,
    make_environ,
    make_store,
    put_forged,
    stored_ids,
)
from tests.support.server import (
    free_port,
)
from tests.support.waiting import wait_until


def test_rejected_callback_is_stored_and_logged(
    app: Flask, twilio: Twilio, caplog: pytest.LogCaptureFixture
) -> None:
    """A rejected callback gets a 403 and is stored, and the log contains its id."""
    body = callback(1)
    assert twilio.call(body, secret="not-the-token").status_code == 403
    [rejected_id] = stored_ids(services_of(app).engine)
    assert caplog.records[-1].__dict__["rejected"] == rejected_id
    assert twilio.call(body).status_code == 204


def test_requests_that_are_no_callbacks_are_not_stored(app: Flask, client: FlaskClient) -> None:
    """A request without signature or right hash, or without a callback, gets a 403 only."""
    body = forged(1)
    url, headers = request(body)
    unsigned = {name: headers[name] for name in headers if name != "X-Twilio-Signature"}
    assert client.post(url, data=body, headers=unsigned).status_code == 403
    assert client.post(url.partition("?")[0], data=body, headers=headers).status_code == 403
    assert client.post(url, data=forged(2), headers=headers).status_code == 403
    assert client.post(request(b"{}")[0], data=b"{}", headers=headers).status_code == 403
    assert stored_ids(services_of(app).engine) == []


@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_body_is_counted_and_not_read(
    engine: Engine, counts: Counts, *, chunked: bool
) -> None:
    """A body above the limit, with a length or in chunks, is counted and not stored."""
    store = make_store(engine, batch_delay_seconds=0)
    small, large = forged(1, size=60_000), forged(2, size=200_000)
    assert store.put("wrong_signature", make_environ(small, chunked=chunked))
    assert store.put("wrong_signature", make_environ(large, chunked=chunked)) is None
    wait_until(lambda: counts() == {"unread": 1})


def test_requests_above_the_rate_are_not_read(engine: Engine, counts: Counts) -> None:
    """Requests above the worker's rate are counted and not read."""
    store = make_store(engine, batch_delay_seconds=0, requests_per_second=0, requests_burst=3)
    assert [put_forged(store, n) is not None for n in range(5)] == [True] * 3 + [False] * 2
    unread = make_environ(forged(9))
    store.put("wrong_signature", unread)
    assert unread["wsgi.input"].tell() == 0
    wait_until(lambda: counts() == {"unread": 3})


def test_large_bodies_use_up_the_byte_rate(engine: Engine) -> None:
    """The worker's rate limits bytes too."""
    store = make_store(engine, bytes_per_second=0, bytes_burst=50_000)
    assert store.put("wrong_signature", make_environ(forged(1, size=60_000)))
    assert put_forged(store, 2) is None


def test_used_up_quota_starts_a_cooldown(engine: Engine, counts: Counts) -> None:
    """A used up quota starts a cooldown for its accounts, and not for our own ones."""
    own = frozenset({make_account_id(0)})
    quotas = Quotas(own, each_other=Amount(1, 9**9), all_others=Amount(2, 9**9))
    store = make_store(engine, quotas, batch_delay_seconds=0, cooldown_seconds=600)
    assert put_forged(store, 1, account_id=make_account_id(1))
    assert put_forged(store, 2, account_id=make_account_id(1)) is None
    assert put_forged(store, 3, account_id=make_account_id(2))
    assert put_forged(store, 4, account_id=make_account_id(3)) is None
    with engine.connect() as connection:
        connection.execute(delete(rejected))
    assert put_forged(store, 5, account_id=make_account_id(4)) is None
    assert put_forged(store, 6, account_id=make_account_id(0))
    wait_until(lambda: counts() == {"full": 3})


def test_unavailable_database_starts_a_cooldown(caplog: pytest.LogCaptureFixture) -> None:
    """An unavailable database raises nothing, and isn't used again during the cooldown."""
    engine = make_engine(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", pool_size=1)
    store = make_store(engine, cooldown_seconds=600)
    assert put_forged(store, 1) is None
    assert put_forged(store, 2) is None
    assert caplog.text.count("a rejected request was not stored") == 1


def test_waiting_requests_respect_a_new_cooldown(caplog: pytest.LogCaptureFixture) -> None:
    """Requests that wait for the connection respect a cooldown that starts before their turn."""
    engine = make_engine(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", pool_size=1)
    store = make_store(engine, cooldown_seconds=600)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda number: put_forged(store, number), range(8))) == {None}
    assert caplog.text.count("a rejected request was not stored") == 1


def test_late_request_starts_no_cooldown(engine: Engine, counts: Counts) -> None:
    """A request that waits too long for the connection is counted and starts no cooldown."""
    store = make_store(engine, batch_delay_seconds=0)
    with busy_connection(engine, store):
        late = make_environ(forged(1), seconds=WRITE_TIMEOUT_SECONDS)
        assert store.put("wrong_signature", late) is None
    assert put_forged(store, 2)
    wait_until(lambda: counts() == {"late": 1})


def test_flush_writes_the_counts_once(engine: Engine, counts: Counts) -> None:
    """A worker that ends writes the counts that wait for their batch, once."""
    store = make_store(engine)
    with busy_connection(engine, store):
        late = make_environ(forged(1), seconds=WRITE_TIMEOUT_SECONDS)
        assert store.put("wrong_signature", late) is None
    for _ in range(2):
        store.flush()
        assert counts() == {"late": 1}


class _TruncatedStream(io.BytesIO):
    """A stream that ends before its length, like a lost connection."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes; raise OSError at the end, as the server does."""
        piece = super().read(size)
        if len(piece) != size:
            raise OSError

        return piece


def test_incomplete_bodies_use_up_the_byte_rate(engine: Engine) -> None:
    """The bytes that were read of a truncated or too large body count for the rate."""
    limits: dict[str, Any] = {"bytes_per_second": 0, "bytes_burst": 50_000}
    truncated, large = forged(1, size=90_000), forged(2, size=2 * MAX_BODY_BYTES)
    for environ in (
        make_environ(truncated) | {"wsgi.input": _TruncatedStream(truncated[:60_000])},
        make_environ(large, chunked=True),
    ):
        store = make_store(engine, **limits)
        assert store.put("wrong_signature", environ) is None
        assert put_forged(store, 3) is None
    store = make_store(engine, **limits)
    assert store.put("wrong_signature", make_environ(large)) is None
    assert put_forged(store, 4)
