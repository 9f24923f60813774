"""Tests of a worker's heartbeat."""

import os
import time
from contextlib import closing

from gunicorn.config import Config  # type: ignore[import-untyped]

from receiver.gunicorn.heartbeat import Heartbeat


def test_heartbeat_needs_no_folder() -> None:
    """The master reads when the worker last gave a sign of life, and no folder is needed."""
    config = Config()
    config.set("worker_tmp_dir", "/does/not/exist")
    with closing(Heartbeat(config)) as heartbeat:
        before = time.monotonic()
        heartbeat.notify()
        assert before - 0.001 <= heartbeat.last_update() <= time.monotonic()
        assert os.fstat(heartbeat.fileno()).st_nlink == 0
