"""Run under gevent: reserve memory for bodies thousands of times, interrupted at any point.

Prints what can be reserved in the end: the whole budget, and a reservation for each signature.
"""

from gevent import monkey

monkey.patch_all()

import random  # noqa: E402 - gevent comes first
import sys  # noqa: E402

import gevent  # noqa: E402

from receiver.bodies.memory_budget import MemoryBudget, MemoryBudgetError  # noqa: E402
from receiver.runtime.deadline import Deadline  # noqa: E402
from receiver.runtime.timeouts import DeadlineExceededError, time_limit  # noqa: E402

BUDGET_BYTES = 1000
CLIENT_COUNT = 60
REQUESTS_PER_CLIENT = 100
SIGNATURES = ("", "", "a", "b", "c")
TIMEOUTS_SECONDS = (0.0005, 0.002, 0.01)


def main() -> None:
    """Let the wait for memory and the request time out at the same moment, as in the service."""
    budget = MemoryBudget(BUDGET_BYTES, BUDGET_BYTES)
    random_source = random.Random(1)

    def client() -> None:
        for _ in range(REQUESTS_PER_CLIENT):
            seconds = random_source.choice(TIMEOUTS_SECONDS)
            try:
                with (
                    time_limit(seconds),
                    budget.reserve(
                        BUDGET_BYTES // 3, Deadline(seconds), random_source.choice(SIGNATURES)
                    ),
                ):
                    gevent.sleep(random_source.random() * 0.004)
            except (DeadlineExceededError, MemoryBudgetError):
                pass

    gevent.joinall([gevent.spawn(client) for _ in range(CLIENT_COUNT)], raise_error=True)
    with budget.reserve(BUDGET_BYTES, Deadline(0)):
        sys.stdout.write("free")
    for signature in filter(None, SIGNATURES):
        with budget.reserve(0, Deadline(0), signature):
            sys.stdout.write(f" {signature}")


if __name__ == "__main__":
    main()
