"""The system's resolver. It takes no timeout, so a lookup without an answer is left in its thread.

These threads are few, and none of gevent's: every name is looked up in those, the database's too.
"""

import socket
from collections.abc import Callable
from functools import cache

import gevent
from gevent.monkey import get_original
from gevent.threadpool import ThreadPool

from receiver.preflight.errors import PreflightBusyError
from receiver.runtime.deadline import Deadline
from receiver.runtime.timeouts import DeadlineExceededError, time_limit

# How many lookups go on at a time, those left behind included.
LOOKUPS = 8

# gevent's would ask one of gevent's threads.
_getaddrinfo = get_original("socket", "getaddrinfo")


def addresses_of(host: str, port: int) -> list[str]:
    """Return what the system's resolver says; an address in any spelling is its own answer."""
    answers = _getaddrinfo(host, port, type=socket.SOCK_STREAM)

    return [str(answer[4][0]) for answer in answers]


def in_time(lookup: Callable[[], list[str]], deadline: Deadline) -> list[str]:
    """Return what `lookup` returns, or raise TimeoutError.

    Raises Busy where it could not even begin, for as many as may be are waiting for an answer.
    """
    try:
        with time_limit(deadline.remaining()):
            answer = _threads(gevent.get_hub()).spawn(lookup)
    except DeadlineExceededError:
        raise PreflightBusyError from None
    try:
        with time_limit(deadline.remaining()):
            return answer.get() or []
    except DeadlineExceededError:
        raise TimeoutError from None


@cache
def _threads(hub: gevent.hub.Hub) -> ThreadPool:
    """Return the threads of a hub: a worker has one hub, the command line one in each thread."""
    return ThreadPool(LOOKUPS, hub=hub)
