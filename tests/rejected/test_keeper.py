"""Keeping beside a worker's work: bounded, counted, and never a reason for another answer."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, delete, select

from receiver.ingest.body import Intake
from receiver.rejected import keeper, missed
from receiver.rejected.keeper import Keeper
from receiver.store.engine import make_engine
from receiver.store.rejected import Quota, Rooms
from receiver.store.rejected_read import not_kept
from receiver.store.tables import rejected
from tests.app import Twilio
from tests.faults.callbacks import callback
from tests.rejected.forged import SAMPLE, account, forged, request
from tests.server import free_port, wait_until

LARGEST = 100_000


def _environ(body: bytes, *, chunked: bool = False) -> dict[str, Any]:
    url, headers = request(body)

    return {
        "RAW_URI": url,
        "HTTP_HOST": "internal",
        "HTTP_X_TWILIO_SIGNATURE": headers["X-Twilio-Signature"],
        "wsgi.input": io.BytesIO(body),
        **({} if chunked else {"CONTENT_LENGTH": str(len(body))}),
    }


def _keeper(engine: Engine, rooms: Rooms | None = None) -> Keeper:
    return Keeper(engine, Intake(max_body_bytes=LARGEST), rooms or Rooms(frozenset()))


def _keep(worker: Keeper, number: int, account_id: str = SAMPLE) -> int | None:
    return worker.keep("wrong_signature", _environ(forged(number, account_id=account_id)))


def _stored(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.execute(select(rejected.c.id).order_by(rejected.c.id)).scalars())


Counts = Callable[[], dict[str, int]]


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Counts:
    """Return what reads the counts of what wasn't kept, which are written without waiting."""
    monkeypatch.setattr(missed, "BATCH_SECONDS", 0.0)

    def read() -> dict[str, int]:
        with engine.connect() as connection:
            return {row.reason: row.requests for row in not_kept(connection)}

    return read


def test_a_refused_callback_is_kept_and_told(
    app: Flask, twilio: Twilio, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is 403 all the same, and the log has its number."""
    body = callback(1)
    assert twilio.call(body, secret="not-the-token").status_code == 403
    [number] = _stored(app.extensions["engine"])
    assert caplog.records[-1].__dict__["rejected"] == number
    assert twilio.call(body).status_code == 204


def test_without_a_signature_nothing_is_kept(app: Flask, client: FlaskClient) -> None:
    """Nor without a hash, nor what is no callback; all are 403."""
    body = forged(1)
    url, headers = request(body)
    unsigned = {name: headers[name] for name in headers if name != "X-Twilio-Signature"}
    assert client.post(url, data=body, headers=unsigned).status_code == 403
    assert client.post(url.partition("?")[0], data=body, headers=headers).status_code == 403
    assert client.post(url, data=forged(2), headers=headers).status_code == 403
    assert client.post(request(b"{}")[0], data=b"{}", headers=headers).status_code == 403
    assert _stored(app.extensions["engine"]) == []


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_are_read_up_to_the_cap(engine: Engine, counts: Counts, *, chunked: bool) -> None:
    """With a length or in chunks; a larger one is counted and left unread."""
    worker = _keeper(engine)
    small, large = forged(1, size=60_000), forged(2, size=200_000)
    assert worker.keep("wrong_signature", _environ(small, chunked=chunked))
    assert worker.keep("wrong_signature", _environ(large, chunked=chunked)) is None
    wait_until(lambda: counts() == {"unread": 1})


def test_what_exceeds_the_budget_is_not_read(
    engine: Engine, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood has what a worker can spend, and the rest of it is counted."""
    monkeypatch.setattr(keeper, "REQUESTS_PER_SECOND", 0.0)
    monkeypatch.setattr(keeper, "REQUESTS_AT_ONCE", 3.0)
    worker = _keeper(engine)
    assert [_keep(worker, number) is not None for number in range(5)] == [True] * 3 + [False] * 2
    unread = _environ(forged(9))
    worker.keep("wrong_signature", unread)
    assert unread["wsgi.input"].tell() == 0
    wait_until(lambda: counts() == {"unread": 3})


def test_large_bodies_use_the_budget_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one of bytes too."""
    monkeypatch.setattr(keeper, "BYTES_PER_SECOND", 0.0)
    monkeypatch.setattr(keeper, "BYTES_AT_ONCE", 50_000.0)
    worker = _keeper(engine)
    assert worker.keep("wrong_signature", _environ(forged(1, size=60_000)))
    assert _keep(worker, 2) is None


def test_a_full_store_is_left_alone_for_a_while(
    engine: Engine, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strangers who filled their room ask no more; an account of our own is kept meanwhile."""
    monkeypatch.setattr(keeper, "PAUSE_SECONDS", 600.0)
    rooms = Rooms(frozenset({account(0)}), each_other=Quota(1, 9**9), all_others=Quota(2, 9**9))
    worker = _keeper(engine, rooms)
    assert _keep(worker, 1, account_id=account(1))
    assert _keep(worker, 2, account_id=account(1)) is None
    assert _keep(worker, 3, account_id=account(2))
    assert _keep(worker, 4, account_id=account(3)) is None
    with engine.connect() as connection:
        connection.execute(delete(rejected))
    assert _keep(worker, 5, account_id=account(4)) is None
    assert _keep(worker, 6, account_id=account(0))
    wait_until(lambda: counts() == {"full": 3})


def test_a_database_that_is_away_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It isn't asked again for a while, and nothing is raised."""
    monkeypatch.setattr(keeper, "PAUSE_SECONDS", 600.0)
    engine = make_engine(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", pool_size=1)
    worker = _keeper(engine)
    assert _keep(worker, 1) is None
    monkeypatch.setattr(worker, "_engine", None)  # would raise if it were asked
    assert _keep(worker, 2) is None


def test_counts_wait_for_the_database(
    engine: Engine, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be written is in the next batch."""
    away = make_engine(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", pool_size=1)
    counting = missed.Missed(away)
    counting.count("unread")
    wait_until(lambda: counting._timer is None and counting._counts["unread"] == 1)  # noqa: SLF001 - the batch that came back
    monkeypatch.setattr(counting, "_engine", engine)
    counting.count("unread")
    wait_until(lambda: counts() == {"unread": 2})
