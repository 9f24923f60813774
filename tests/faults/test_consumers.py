"""Tests of the Python consumer in docs/consuming.md, while all that it depends on fails."""

import itertools
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from tests.support.environment import KEY
from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import POOLED_IN_LONG_PROFILE
from tests.support.faults.restartable import FAST, KILL
from tests.support.faults.sender import load
from tests.support.faults.workers import WORKER_COUNT, kill_any_worker
from tests.support.paths import ROOT
from tests.support.waiting import wait_until

CALLBACKS_PER_SECOND = 30

_PAGE = (ROOT / "docs" / "consuming.md").read_text()
[_CODE] = re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL)


class _KilledError(Exception):
    """The consumer is killed."""


@contextmanager
def _consumer(url: str, cursor_file: Path) -> Iterator[dict[str, str]]:
    """Run the consumer, and start it again whenever it ends; yield the states that it stored."""
    names: dict[str, Any] = {}
    exec(_CODE, names)
    consume: Callable[..., None] = names["consume"]
    states: dict[str, str] = {}
    calls = itertools.count(1)
    is_over = threading.Event()

    def store(job: dict[str, Any]) -> None:
        # Killed at each power of two: mostly within a page, and each time later in it.
        if is_over.is_set() or next(calls).bit_count() == 1:
            raise _KilledError
        states[job["id"]] = job["status"]

    def supervise() -> None:
        while not is_over.is_set():
            with suppress(requests.RequestException, _KilledError):
                consume(url, KEY, store, states.pop, cursor_file)

    thread = threading.Thread(target=supervise, daemon=True)  # it may still wait for a change
    thread.start()
    try:
        yield states
    finally:
        is_over.set()


def _states(deployment: Deployment) -> dict[str, str]:
    """Return the state of each job in the database."""
    with deployment.connect() as connection:
        return dict(connection.execute("SELECT id, status FROM transcriptions").fetchall())


def test_client_that_waits_learns_of_an_outage(deployment: Deployment) -> None:
    """If the database fails while a client waits for changes, the answer is a 503."""
    with deployment.serve() as web, ThreadPoolExecutor(1) as pool:
        now = web.get("/v3/Changes?cursor=now").json()["meta"]["nextCursor"]
        waiting = pool.submit(web.get, f"/v3/Changes?cursor={now}&wait=6")
        deployment.postgres.stop(FAST)
        assert waiting.result().status_code == 503
        assert "Retry-After" in waiting.result().headers
        deployment.postgres.start()
        assert web.get(f"/v3/Changes?cursor={now}").json()["changes"] == []


@POOLED_IN_LONG_PROFILE
def test_consumer_misses_no_job(deployment: Deployment, tmp_path: Path) -> None:
    """A consumer has all jobs, however often it, the workers and the database were killed."""
    with (
        deployment.serve(WEB_CONCURRENCY=str(WORKER_COUNT)) as web,
        _consumer(web.url, tmp_path / "cursor") as states,
    ):
        with load(web, CALLBACKS_PER_SECOND) as sender:
            for stop_signal in (FAST, KILL):
                sender.wait_for(CALLBACKS_PER_SECOND)
                kill_any_worker(web)
                deployment.postgres.stop(stop_signal)
                deployment.postgres.start()
            sender.wait_for(CALLBACKS_PER_SECOND)
        wait_until(lambda: states == _states(deployment))
    deployment.check_stored("a consumer of the feed", sender.deliveries)
