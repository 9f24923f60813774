"""Signed callbacks of given jobs."""

import itertools

from tests.support.environment import ROUTE, TOKEN
from tests.support.faults.attackers.clients import Clients
from tests.support.faults.callbacks import callback
from tests.support.raw_requests import raw_head
from tests.support.signing import callback as sign


def callbacks_of_jobs(clients: Clients, *, jobs: list[str], origin: str) -> None:
    """Let each client send callbacks of one of the jobs; no two are the same."""
    numbers = itertools.count(800_000_000)

    def send(number: int) -> str:
        body = callback(next(numbers), id=jobs[number % len(jobs)])
        url, headers = sign(f"{origin}{ROUTE}", TOKEN, body)
        headers["Host"] = origin.partition("//")[2]

        return clients.exchange(
            raw_head(url.removeprefix(origin), headers, body, length=None) + body
        )

    clients.run(send)
