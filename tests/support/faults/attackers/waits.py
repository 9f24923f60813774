"""Clients that wait for changes, and the time until a change has reached all of them."""

import itertools
import time
from collections import Counter

import gevent

from tests.support import signing
from tests.support.environment import KEY, ROUTE, TOKEN
from tests.support.faults.attackers.authorization import basic
from tests.support.faults.attackers.clients import Clients, head, read_kept
from tests.support.faults.callbacks import callback, job_id
from tests.support.raw_requests import raw_head

# From the commit of a change until it has reached a client.
NEWS_SECONDS = 1.5
_INTERVAL_SECONDS = 3.0
NEWS, LATE = "changes", "late or missed"


class _News:
    """One change at a time, and when it reached the clients."""

    def __init__(self) -> None:
        self._job_id = b""
        self._committed_at = 0.0
        self._seconds: list[float] = []

    def begin(self, job_id: str) -> None:
        """Watch this job's change, which is being sent."""
        self._job_id, self._seconds = job_id.encode(), []
        self.commit()

    def commit(self) -> None:
        """Count the time from now on."""
        self._committed_at = time.monotonic()

    def look_for(self, page: bytes) -> None:
        """Note the time if the change is on this page of a client."""
        if self._job_id and self._job_id in page:
            self._seconds.append(time.monotonic() - self._committed_at)

    def count(self, answers: Counter[str], clients: int) -> None:
        """Add the change to the figures."""
        in_time = sum(seconds <= NEWS_SECONDS for seconds in self._seconds)
        answers[NEWS] += 1
        answers[LATE] += clients - in_time
        slowest_ms = int(max(self._seconds, default=0) * 1000)
        answers["slowest ms"] = max(answers["slowest ms"], slowest_ms)


def waits(clients: Clients) -> None:
    """Follow the feed on connections that are kept, and send a change every few seconds."""
    news, started = _News(), Counter[int]()
    gevent.spawn(_send_news, clients, news, started)
    clients.run(lambda number: _follow(clients, news, started, number))


def _follow(clients: Clients, news: _News, started: Counter[int], number: int) -> str:
    """Follow the feed until an answer isn't a page; return its status."""
    cursor = "now"
    with clients.connect() as connection:
        while True:
            target = f"/v3/Changes?wait=6&cursor={cursor}"
            connection.sendall(head("GET", target, basic(*KEY)))
            status, response = read_kept(connection)
            if status != "200":
                return status
            clients.answers["pages"] += 1
            started[number] += 1
            news.look_for(response)
            cursor = _next_cursor(response)


def _next_cursor(page: bytes) -> str:
    """Return the cursor without decoding the page: the clients share one core."""
    return page.rpartition(b'"nextCursor":"')[2].partition(b'"')[0].decode()


def _send_news(clients: Clients, news: _News, started: Counter[int]) -> None:
    while len(started) < clients.count:
        gevent.sleep(0.1)
    for number in itertools.count(time.time_ns()):
        news.begin(job_id(number))
        _send(clients, callback(number, size=0))
        news.commit()
        gevent.sleep(_INTERVAL_SECONDS)
        news.count(clients.answers, clients.count)


def _send(clients: Clients, body: bytes) -> None:
    origin = f"http://127.0.0.1:{clients.port}"
    url, headers = signing.callback(f"{origin}{ROUTE}", TOKEN, body)
    headers["Host"] = origin.partition("//")[2]
    request = raw_head(url.removeprefix(origin), headers, body, length=None)
    assert clients.exchange(request + body) == "204"
