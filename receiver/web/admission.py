"""Admission: a worker processes a few requests of readers at a time, and paces all requests.

Only callbacks are admitted at once. All other requests, those without a key too, take part in the
pace of the worker. The requests of clients with a key have a limited number of places.
"""

from contextlib import ExitStack

from flask import Flask, Response, g, request

from receiver.bodies.memory_budget import MemoryBudgetError
from receiver.runtime.concurrency_limit import ConcurrencyLimit, TooBusyError
from receiver.runtime.deadline import Deadline
from receiver.runtime.reader_limits import WAIT_TIMEOUT_SECONDS
from receiver.services import services
from receiver.web.problems import problem

_RETRY_AFTER_SECONDS = 2
# A smaller response fits into the buffers of its connection.
_LARGE_RESPONSE_BYTES = 64 * 1024


def register(app: Flask, *, unpaced: str) -> None:
    """Pace all requests of the application but those of the blueprint `unpaced`.

    A request that finds no place in time is answered 429, and so is one whose response would exceed
    the memory of those that are being sent.
    """

    @app.before_request
    def _pace() -> None:
        if request.blueprint != unpaced:
            services().limits.pacer.pause_if_due()

    @app.teardown_request
    def _leave(_error: BaseException | None) -> None:
        if place := g.pop("place", None):
            place.release()

    @app.after_request
    def _limit_memory(response: Response) -> Response:
        size_bytes = response.calculate_content_length() or 0
        if size_bytes < _LARGE_RESPONSE_BYTES:
            return response
        with ExitStack() as stack:
            try:
                stack.enter_context(services().response_memory.reserve(size_bytes, Deadline(0)))
            except MemoryBudgetError:
                return _too_busy("Too many large responses are being sent.")
            # The server closes the response when it is sent, or its client is gone.
            response.call_on_close(stack.pop_all().close)

        return response

    @app.errorhandler(TooBusyError)
    def _from_too_busy(_error: TooBusyError) -> Response:
        return _too_busy("Too many requests are being processed.")


def admit(limit: ConcurrencyLimit) -> None:
    """Take a place for the current request until it ends; raises TooBusyError.

    To be called after the client was authenticated: strangers take no place.
    """
    limit.acquire(WAIT_TIMEOUT_SECONDS)
    g.place = limit


def _too_busy(reason: str) -> Response:
    return problem(
        429,
        f"{reason} Send fewer requests at a time.",
        headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
    )
