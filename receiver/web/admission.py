"""Admission: a worker processes a few requests of readers at a time, and paces all requests.

Only callbacks are admitted at once. All other requests, those without a key too, take part in the
pace of the worker. The requests of clients with a key have a limited number of places.
"""

from flask import Flask, Response, g, request

from receiver.runtime.concurrency_limit import ConcurrencyLimit, TooBusyError
from receiver.runtime.reader_limits import WAIT_SECONDS
from receiver.services import services
from receiver.web.problems import problem

_RETRY_AFTER_SECONDS = 2


def register(app: Flask, *, unpaced: str) -> None:
    """Pace all requests of the application but those of the blueprint `unpaced`.

    A request that finds no place in time is answered 429.
    """

    @app.before_request
    def _pace() -> None:
        if request.blueprint != unpaced:
            services().limits.pacer.pause_if_due()

    @app.teardown_request
    def _leave(_error: BaseException | None) -> None:
        if place := g.pop("place", None):
            place.release()

    @app.errorhandler(TooBusyError)
    def _too_busy(_error: TooBusyError) -> Response:
        return problem(
            429,
            "Too many requests are being processed. Send fewer at a time.",
            headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
        )


def admit(limit: ConcurrencyLimit) -> None:
    """Take a place for the current request until it ends; raises TooBusyError.

    To be called after the client was authenticated: strangers take no place.
    """
    limit.acquire(WAIT_SECONDS)
    g.place = limit
