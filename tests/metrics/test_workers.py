"""Tests of the metrics of several workers and servers, under gunicorn."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine

from receiver.settings.urls import CALLBACK_PATH
from tests.support.environment import open_engine
from tests.support.faults.workers import workers
from tests.support.metrics import (
    ANSWERED,
    APPLIED,
    FAST,
    NO_LABELS,
    page_when,
    snapshot_of,
    value,
)
from tests.support.server import (
    WebServer,
    web_server,
)
from tests.support.stored_callbacks import callback
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def servers(
    module_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[WebServer]]:
    """Yield two servers with two workers each, which share a database."""
    folder = tmp_path_factory.mktemp("metrics")
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                web_server(module_database, folder / f"log{number}", FAST, WEB_CONCURRENCY="2")
            )
            for number in range(2)
        ]


def _answered(engine: Engine) -> float:
    """Return how many callbacks were answered 204, according to the database."""
    rows = snapshot_of(engine).counts or ()
    key = ANSWERED[0], [CALLBACK_PATH, "204"]

    return float(sum(row.value for row in rows if (row.name, row.labels) == key))


def test_sum_of_all_workers_is_what_was_sent(servers: list[WebServer]) -> None:
    """Each of two servers shows the callbacks that the workers of both have received."""
    before = value(servers[0].get("/metrics").text, *ANSWERED) or 0
    for number in range(30):
        web = servers[number % 2]
        assert web.call(callback(f"voice_transcription_{number}")).status_code == 204
    for web in servers:
        page = page_when(web, *ANSWERED, before + 30)
        assert value(page, *APPLIED) == before + 30
        assert value(page, "receiver_callback_body_bytes_count") == before + 30
        page_when(web, "receiver_workers", NO_LABELS, 4)


def test_killed_workers_lose_little_and_double_nothing(servers: list[WebServer]) -> None:
    """After all workers were killed, the counts that were written stay, and new ones are added."""
    web = servers[0]
    before = value(web.get("/metrics").text, *ANSWERED) or 0
    for number in range(10):
        assert web.call(callback(f"killed_{number}")).status_code == 204
    page_when(web, *ANSWERED, before + 10)
    killed = workers(web)
    for worker in killed:
        worker.kill()
    wait_until(lambda: len(set(workers(web)) - set(killed)) == 2)
    for number in range(10, 15):
        assert web.call(callback(f"killed_{number}")).status_code == 204
    page_when(web, *ANSWERED, before + 15)


def test_end_of_a_worker_writes_its_counts(module_database: str, tmp_path: Path) -> None:
    """A worker that ends at SIGTERM writes its last counts, long before they are due."""
    with open_engine(module_database) as engine:
        with web_server(module_database, tmp_path / "log") as web:
            before = _answered(engine)
            for number in range(5):
                assert web.call(callback(f"ended_{number}")).status_code == 204
            assert _answered(engine) == before
        after = _answered(engine)
    assert after - before == 5
