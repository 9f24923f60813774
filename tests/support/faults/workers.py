"""The worker processes of a running service."""

import random

import psutil

from tests.support.server import (
    WebServer,
)
from tests.support.waiting import wait_until

# The number of workers in the tests that kill one at a time.
WORKER_COUNT = 3


def workers(web: WebServer) -> list[psutil.Process]:
    """Return the worker processes.

    The server's other children only test for a moment whether a fork is possible.
    """
    log = web.log.read_text()

    return [
        child
        for child in web.child.process.children()
        if f'"Booting worker with pid: {child.pid}"' in log
    ]


def kill_any_worker(web: WebServer) -> None:
    """Kill one of the workers with SIGKILL, and wait until a new one has replaced it."""
    victim = random.choice(workers(web))
    victim.kill()

    def is_replaced() -> bool:
        present = workers(web)

        return victim not in present and len(present) == WORKER_COUNT

    wait_until(is_replaced)
