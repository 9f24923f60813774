"""Run under gevent: take room for bodies, thousands of times, and be cut off at any point.

Prints what can be taken in the end: all of the room, and in each name.
"""

from gevent import monkey

monkey.patch_all()

import random  # noqa: E402 - gevent comes first
import sys  # noqa: E402

import gevent  # noqa: E402

from receiver.bodies.memory_budget import MemoryBudget, MemoryBudgetError  # noqa: E402
from receiver.runtime.deadline import Deadline  # noqa: E402
from receiver.runtime.timeouts import DeadlineExceededError, time_limit  # noqa: E402

ROOM = 1000  # bytes
CLIENTS = 60
REQUESTS = 100  # of each
SIGNATURES = ("", "", "a", "b", "c")
SECONDS = (0.0005, 0.002, 0.01)


def main() -> None:
    """Let the wait for room and the request end at the same time, as they do."""
    room = MemoryBudget(ROOM, ROOM)
    chance = random.Random(1)

    def client() -> None:
        for _ in range(REQUESTS):
            seconds = chance.choice(SECONDS)
            try:
                with (
                    time_limit(seconds),
                    room.reserve(ROOM // 3, Deadline(seconds), chance.choice(SIGNATURES)),
                ):
                    gevent.sleep(chance.random() * 0.004)
            except (DeadlineExceededError, MemoryBudgetError):
                pass

    gevent.joinall([gevent.spawn(client) for _ in range(CLIENTS)], raise_error=True)
    with room.reserve(ROOM, Deadline(0)):
        sys.stdout.write("free")
    for signature in filter(None, SIGNATURES):
        with room.reserve(0, Deadline(0), signature):
            sys.stdout.write(f" {signature}")


if __name__ == "__main__":
    main()
