"""Tests of a log that nobody reads: its pipe is full, and stays full."""

import json
from pathlib import Path

from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import Profile
from tests.support.faults.sender import make_sender
from tests.support.full_pipe import fill_pipe, read_available, read_end
from tests.support.server import (
    web_server,
)
from tests.support.waiting import wait_until


def dropped_count(log: bytes) -> int:
    """Return how many lines were dropped according to the log."""
    lines = [line[line.index(b"{") :] for line in log.splitlines() if b"{" in line]

    return sum(json.loads(line).get("dropped", 0) for line in lines)


def test_unread_log_holds_no_callback(
    deployment: Deployment, profile: Profile, tmp_path: Path
) -> None:
    """Callbacks are answered while nobody reads the log, which then says how many lines it lost."""
    path = tmp_path / "pipe"
    with (
        read_end(path) as reader,
        web_server(deployment.service_url, path, WEB_CONCURRENCY="2") as web,
        make_sender(web) as sender,
    ):
        log = read_available(reader)
        fill_pipe(path)
        with sender.load(profile.callbacks_per_second):
            sender.wait_for(2 * profile.callbacks_per_second)
        sender.wait_for_answers()
        assert web.get("/healthz").status_code == 200
        unlogged_count = len(sender.deliveries)
        log += read_available(reader)

        def is_reported() -> bool:
            nonlocal log
            assert web.call(b"{}").status_code == 204
            log += read_available(reader)
            return dropped_count(log) >= unlogged_count

        wait_until(is_reported)
    assert {tuple(delivery.answers) for delivery in sender.deliveries} == {(204,)}
