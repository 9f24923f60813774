"""Questions to the store, put until it answers or the request's time is up."""

from collections.abc import Callable
from typing import TypeVar

from flask import current_app, request
from sqlalchemy import Connection

from receiver.runtime import deadline
from receiver.store import retry

Answer = TypeVar("Answer")


def ask(question: Callable[[Connection], Answer]) -> Answer:
    """Return the store's answer, or raise DatabaseUnavailableError at the deadline."""

    def attempt() -> Answer:
        with current_app.extensions["engine"].connect() as connection:
            return question(connection)

    return retry.retry_until(deadline.of(request.environ), attempt)
