"""Looks up host names in threads, with a deadline.

The system's resolver has no timeout, so a lookup that hangs keeps its thread. These lookups use a
separate small thread pool: gevent's pool must stay free to look up the database's host.
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

# Lookups at a time. Those that hang are counted too.
MAX_LOOKUP_COUNT = 8

# gevent's patched function would use gevent's own thread pool.
_getaddrinfo = get_original("socket", "getaddrinfo")


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses from the system's resolver; `host` may also be an IP address."""
    results = _getaddrinfo(host, port, type=socket.SOCK_STREAM)

    return [str(result[4][0]) for result in results]


def run_until_deadline(lookup: Callable[[], list[str]], deadline: Deadline) -> list[str]:
    """Run `lookup` in a thread and return its result.

    Raises PreflightBusyError if no thread becomes free in time, and TimeoutError if the lookup does
    not end in time.
    """
    try:
        with time_limit(deadline.remaining()):
            result = _thread_pool(gevent.get_hub()).spawn(lookup)
    except DeadlineExceededError:
        raise PreflightBusyError from None
    try:
        with time_limit(deadline.remaining()):
            return result.get() or []
    except DeadlineExceededError:
        raise TimeoutError from None


@cache
def _thread_pool(hub: gevent.hub.Hub) -> ThreadPool:
    """Return the hub's pool: a worker has one hub, a command has one hub in each thread."""
    return ThreadPool(MAX_LOOKUP_COUNT, hub=hub)
