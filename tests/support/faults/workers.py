"""The processes of a running service that serve."""

import random

import psutil

from tests.support.server import WebServer, wait_until

# Workers, of which one may be killed at a time.
THREE = 3


def workers(web: WebServer) -> list[psutil.Process]:
    """Return the processes that serve."""
    return web.child.process.children()


def kill_one_of_three(web: WebServer) -> None:
    """Kill any worker with -9, and wait until there is another in its place."""
    victim = random.choice(workers(web))
    victim.kill()

    def replaced() -> bool:
        present = workers(web)

        return victim not in present and len(present) == THREE

    wait_until(replaced)
