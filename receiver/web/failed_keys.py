"""Limits requests with a wrong API key: a bounded number of answers and log lines per address.

Only failing requests are limited. A valid key is accepted at once, whatever its address sent
before: behind a router all clients have the router's address.
"""

import logging
import time

from flask import request

from receiver.runtime.failure_limiter import Failure
from receiver.services import services
from receiver.web.problems import ProblemError

logger = logging.getLogger(__name__)


def limit_failures() -> None:
    """Count the request's wrong API key; raise ProblemError 429 above the limit.

    The address is the connection's peer. A header such as X-Forwarded-For isn't trusted: anybody
    can send one.
    """
    address = request.remote_addr or ""
    failure = services().failed_keys.count(address, time.monotonic())
    if failure.is_logged:
        _log(failure, address)
    if failure.retry_after_seconds is not None:
        raise ProblemError(
            429,
            "Too many requests with wrong API keys came from this address. A request with a valid "
            "key is still accepted at once.",
            headers={"Retry-After": str(failure.retry_after_seconds)},
        )


def _log(failure: Failure, address: str) -> None:
    is_limited = failure.retry_after_seconds is not None
    logger.warning(
        "too many wrong API keys, answering 429" if is_limited else "wrong API key",
        extra={
            "address": address,
            "method": request.method,
            "route": request.url_rule and request.url_rule.rule,
            "unlogged": failure.unlogged,
        },
    )
