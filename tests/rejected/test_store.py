"""Keeping beside a worker's work: bounded, counted, and never a reason for another answer."""

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, QueuePool, delete, select

from receiver.bodies.reader import BodyReader
from receiver.rejected import dropped, store
from receiver.rejected.dropped import DroppedCounts
from receiver.rejected.store import RejectedStore
from receiver.runtime.deadline import KEY, REQUEST_SECONDS, Deadline
from receiver.services import services_of
from receiver.store.engine import make_engine
from receiver.store.rejected.not_kept import not_kept_counts as read_counts
from receiver.store.rejected.quotas import Amount, Quotas
from receiver.store.tables import rejected
from tests.support.app import Twilio
from tests.support.faults.callbacks import callback
from tests.support.forged_callbacks import SAMPLE, account_id, forged, request
from tests.support.server import free_port, wait_until

LARGEST = 100_000


def _environ(
    body: bytes, *, chunked: bool = False, seconds: float = REQUEST_SECONDS
) -> dict[str, Any]:
    url, headers = request(body)

    return {
        KEY: Deadline(seconds),
        "RAW_URI": url,
        "HTTP_HOST": "internal",
        "HTTP_X_TWILIO_SIGNATURE": headers["X-Twilio-Signature"],
        "wsgi.input": io.BytesIO(body),
        **({} if chunked else {"CONTENT_LENGTH": str(len(body))}),
    }


def _worker(engine: Engine, quotas: Quotas | None = None) -> RejectedStore:
    return RejectedStore(engine, BodyReader(max_body_bytes=LARGEST), quotas or Quotas(frozenset()))


def _put(worker: RejectedStore, number: int, account_id: str = SAMPLE) -> int | None:
    return worker.put("wrong_signature", _environ(forged(number, account_id=account_id)))


def _stored(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.execute(select(rejected.c.id).order_by(rejected.c.id)).scalars())


Counts = Callable[[], dict[str, int]]


@pytest.fixture(autouse=True)
def _uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write no counts where nobody looks: what fails would be tried for as long as tests run."""
    monkeypatch.setattr(dropped, "BATCH_DELAY_SECONDS", 3600.0)


@pytest.fixture
def counts(_uncounted: None, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Iterator[Counts]:
    """Yield what reads the counts of what wasn't kept, which are written without waiting."""
    monkeypatch.setattr(dropped, "BATCH_DELAY_SECONDS", 0.0)

    def read() -> dict[str, int]:
        with engine.connect() as connection:
            return {row.reason: row.requests for row in read_counts(connection)}

    yield read
    # Who wrote them may not have given back its connection yet.
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    wait_until(lambda: pool.checkedout() == 0)


def test_a_refused_callback_is_kept_and_told(
    app: Flask, twilio: Twilio, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is 403 all the same, and the log has its number."""
    body = callback(1)
    assert twilio.call(body, secret="not-the-token").status_code == 403
    [number] = _stored(services_of(app).engine)
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
    assert _stored(services_of(app).engine) == []


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_are_read_up_to_the_cap(engine: Engine, counts: Counts, *, chunked: bool) -> None:
    """With a length or in chunks; a larger one is counted and left unread."""
    worker = _worker(engine)
    small, large = forged(1, size=60_000), forged(2, size=200_000)
    assert worker.put("wrong_signature", _environ(small, chunked=chunked))
    assert worker.put("wrong_signature", _environ(large, chunked=chunked)) is None
    wait_until(lambda: counts() == {"unread": 1})


def test_what_exceeds_the_budget_is_not_read(
    engine: Engine, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood has what a worker can spend, and the rest of it is counted."""
    monkeypatch.setattr(store, "REQUESTS_PER_SECOND", 0.0)
    monkeypatch.setattr(store, "REQUESTS_BURST", 3.0)
    worker = _worker(engine)
    assert [_put(worker, number) is not None for number in range(5)] == [True] * 3 + [False] * 2
    unread = _environ(forged(9))
    worker.put("wrong_signature", unread)
    assert unread["wsgi.input"].tell() == 0
    wait_until(lambda: counts() == {"unread": 3})


def test_large_bodies_use_the_budget_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one of bytes too."""
    monkeypatch.setattr(store, "BYTES_PER_SECOND", 0.0)
    monkeypatch.setattr(store, "BYTES_BURST", 50_000.0)
    worker = _worker(engine)
    assert worker.put("wrong_signature", _environ(forged(1, size=60_000)))
    assert _put(worker, 2) is None


def test_a_full_store_is_left_alone_for_a_while(
    engine: Engine, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strangers who filled their quota ask no more; an account of our own is kept meanwhile."""
    monkeypatch.setattr(store, "COOLDOWN_SECONDS", 600.0)
    worker = _worker(
        engine,
        Quotas(frozenset({account_id(0)}), each_other=Amount(1, 9**9), all_others=Amount(2, 9**9)),
    )
    assert _put(worker, 1, account_id=account_id(1))
    assert _put(worker, 2, account_id=account_id(1)) is None
    assert _put(worker, 3, account_id=account_id(2))
    assert _put(worker, 4, account_id=account_id(3)) is None
    with engine.connect() as connection:
        connection.execute(delete(rejected))
    assert _put(worker, 5, account_id=account_id(4)) is None
    assert _put(worker, 6, account_id=account_id(0))
    wait_until(lambda: counts() == {"full": 3})


def test_a_database_that_is_away_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It isn't asked again for a while, and nothing is raised."""
    monkeypatch.setattr(store, "COOLDOWN_SECONDS", 600.0)
    engine = make_engine(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", pool_size=1)
    worker = _worker(engine)
    assert _put(worker, 1) is None
    monkeypatch.setattr(worker, "_engine", None)  # would raise if it were asked
    assert _put(worker, 2) is None


def test_who_waits_too_long_for_its_turn_is_late(engine: Engine, counts: Counts) -> None:
    """That says nothing about the database, which is asked again at once."""
    worker = _worker(engine)
    late = _environ(forged(1), seconds=store.WRITE_TIMEOUT_SECONDS)
    with worker._connection:  # noqa: SLF001 - the turn of another
        assert worker.put("wrong_signature", late) is None
    assert _put(worker, 2)
    wait_until(lambda: counts() == {"late": 1})


def test_a_worker_that_ends_writes_its_counts(
    engine: Engine, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for its batch is written, and what has been isn't written again."""
    monkeypatch.setattr(dropped, "BATCH_DELAY_SECONDS", 3600.0)
    worker = _worker(engine)
    with worker._connection:  # noqa: SLF001 - the turn of another
        late = _environ(forged(1), seconds=store.WRITE_TIMEOUT_SECONDS)
        assert worker.put("wrong_signature", late) is None
    for _ in range(2):
        worker.flush()
        assert counts() == {"late": 1}


def test_who_waited_heeds_what_happened_meanwhile(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A burst in front of a database that fails asks it once, not one after the other."""
    monkeypatch.setattr(store, "COOLDOWN_SECONDS", 600.0)
    engine = make_engine(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", pool_size=1)
    worker = _worker(engine)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda number: _put(worker, number), range(8))) == {None}
    assert caplog.text.count("a rejected request was not stored") == 1


class _Cut(io.BytesIO):
    """A stream that breaks off after so many bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return what is there, or raise as the server does."""
        piece = super().read(size)
        if len(piece) != size:
            raise OSError

        return piece


def test_what_was_read_in_vain_is_paid_for(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that is cut short or turns out too large costs what a whole one does."""
    monkeypatch.setattr(store, "BYTES_PER_SECOND", 0.0)
    monkeypatch.setattr(store, "BYTES_BURST", 50_000.0)
    cut, large = forged(1, size=90_000), forged(2, size=2 * LARGEST)
    for vain in (
        _environ(cut) | {"wsgi.input": _Cut(cut[:60_000])},
        _environ(large, chunked=True),
    ):
        worker = _worker(engine)
        assert worker.put("wrong_signature", vain) is None
        assert _put(worker, 3) is None
    unread = _environ(large)
    worker = _worker(engine)
    assert worker.put("wrong_signature", unread) is None
    assert _put(worker, 4)


def test_counts_wait_for_the_database(
    engine: Engine,
    counts: Counts,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What could not be written is tried again by itself, one batch at a time."""
    away = make_engine(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", pool_size=1)
    connection = threading.Lock()
    counting = DroppedCounts(away, connection)
    counting.add("unread")
    wait_until(lambda: "not written yet" in caplog.text)
    with connection:
        monkeypatch.setattr(counting, "_engine", engine)
        assert counts() == {}
    wait_until(lambda: counts() == {"unread": 1})
