"""Tests of streams that can't go on: they end with a last line that says so."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import Engine

from receiver.export.lines import LINE_FORMATS
from receiver.export.position import Position
from receiver.export.stream import Export, Stream
from receiver.runtime.concurrency_limit import ConcurrencyLimit
from receiver.runtime.reader_limits import MAX_REQUESTS
from receiver.runtime.shutdown import Shutdown
from receiver.services import Services, services_of
from receiver.store.audit.access import Access, Route
from receiver.store.audit.export import read_page
from receiver.store.clock import database_now
from receiver.store.engine import make_engine
from receiver.store.jobs.read import Row
from tests.support.app import Reader
from tests.support.environment import ENVIRON
from tests.support.exporting import ids_of, parse_lines, record_jobs

EXPORT = Export(
    line_format=LINE_FORMATS["ndjson"],
    origin="https://example.com",
    account_id=None,
    access=Access(reader="reader", route=Route.EXPORT, format="ndjson", status=200),
    has_head=True,
    is_compressed=False,
)
PAGE_SECONDS = 0.2
# Each fills a page.
LARGE = [{"text": "word " * 40_000}]


@pytest.fixture
def parts(app: Flask) -> Services:
    """Return the application's parts."""
    return services_of(app)


def _begin(parts: Services, export: Export = EXPORT) -> tuple[Export, Position, Sequence[Row]]:
    """Return the export, its beginning, and its first page."""
    with parts.engine.connect() as connection:
        position = Position(until=database_now(connection))
        return export, position, read_page(connection, export.range_after(position), export.access)


def _assert_continues(read: Reader, received: bytes, expected: list[str]) -> None:
    """Check that the cursor of the last line leads to the other jobs."""
    jobs, last = parse_lines(received)
    assert last["complete"] is False
    assert last["jobs"] == len(jobs)
    rest, last_of_rest = parse_lines(read(f"/v3/Export?cursor={last['cursor']}").data)
    assert ids_of([*jobs, *rest]) == expected
    assert (last_of_rest["jobs"], last_of_rest["complete"]) == (len(expected), True)


def test_client_that_is_too_slow_gets_an_end(parts: Services, engine: Engine, read: Reader) -> None:
    """After the time for sending, the stream ends behind a page."""
    record_jobs(engine, 3, sentences=LARGE)
    pieces = Stream(parts, *_begin(parts, replace(EXPORT, sending_seconds=1e-9))).pieces()
    received = b"".join(pieces)
    assert len(parse_lines(received)[0]) == 1
    _assert_continues(read, received, ["job000", "job001", "job002"])


def test_worker_that_ends_ends_the_stream(parts: Services, engine: Engine, read: Reader) -> None:
    """At SIGTERM the stream ends behind a page, and another worker can continue it."""
    record_jobs(engine, 3, sentences=LARGE)
    shutdown = Shutdown()
    pieces = Stream(parts, *_begin(parts), shutdown=shutdown).pieces()
    received = next(pieces)
    shutdown.begin()
    _assert_continues(read, received + b"".join(pieces), ["job000", "job001", "job002"])


def _without_database(parts: Services) -> Services:
    return replace(parts, engine=make_engine(ENVIRON["DATABASE_URL"], pool_size=1))


def _without_place(parts: Services) -> Services:
    return replace(parts, limits=replace(parts.limits, requests=ConcurrencyLimit(0)))


def _without_connection(parts: Services) -> Services:
    return replace(parts, limits=replace(parts.limits, connections=ConcurrencyLimit(0)))


@pytest.mark.parametrize("broken", [_without_database, _without_place, _without_connection])
def test_stream_that_can_not_go_on_ends(
    parts: Services, engine: Engine, read: Reader, broken: Callable[[Services], Services]
) -> None:
    """Without the database, a place or a connection, the stream ends and can be continued."""
    record_jobs(engine, 2, sentences=LARGE)
    stream = Stream(broken(parts), *_begin(parts, replace(EXPORT, page_seconds=PAGE_SECONDS)))
    _assert_continues(read, b"".join(stream.pieces()), ["job000", "job001"])


def test_every_line_of_csv_has_all_columns(parts: Services, engine: Engine) -> None:
    """Also the last row of a stream that ended early has the columns of the head."""
    record_jobs(engine, 2, sentences=LARGE)
    export = replace(EXPORT, line_format=LINE_FORMATS["csv"], sending_seconds=1e-9)
    received = b"".join(Stream(parts, *_begin(parts, export)).pieces())
    rows = list(csv.reader(io.StringIO(received.decode(), newline="")))
    assert len({len(row) for row in rows}) == 1


def test_stream_that_is_left_holds_nothing(parts: Services, engine: Engine) -> None:
    """While the client receives, no connection and no reader's place is held."""
    record_jobs(engine, 3, sentences=LARGE)
    pieces = Stream(parts, *_begin(parts)).pieces()
    for _ in range(5):
        next(pieces)
        assert parts.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        for _ in range(MAX_REQUESTS):
            parts.limits.requests.acquire(0)
        for _ in range(MAX_REQUESTS):
            parts.limits.requests.release()
    pieces.close()  # type: ignore[attr-defined]
