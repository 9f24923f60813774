"""Health: is the process there, and is the database behind it in order."""

from typing import Literal

from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import Engine

from receiver.runtime.deadline import Deadline
from receiver.runtime.timeouts import DeadlineExceededError, time_limit
from receiver.store.retry import DatabaseUnavailableError, retry_until
from receiver.store.schema import is_writable, schema_state
from receiver.web.problems import ProblemError
from schemas.health import Health

# In seconds: long enough for a fresh connection where the pool's have gone stale, and short enough
# for whoever probes.
READY_SECONDS = 2.0

# No authentication: platforms probe without credentials, and there is nothing to learn.
blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer 200 without touching anything else."""
    return _answer("ok")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Answer 200 where callbacks can be kept; Problem 503 says why not.

    A newer schema is ready: a release migrates before the processes of the old one end.
    """
    if fault := _fault(current_app.extensions["engine"]):
        raise ProblemError(503, fault)

    return _answer("ready")


def _fault(engine: Engine) -> str | None:
    def attempt() -> str | None:
        with engine.connect() as connection:
            if not is_writable(connection):
                connection.invalidate()  # a fresh one may find that it takes writes again
                return "The database takes no writes. `flask --app app doctor` says what to do."
            if schema_state(connection) == "behind":
                return "The database's schema is behind the code. Run `flask --app app migrate`."

        return None

    try:
        with time_limit(READY_SECONDS):
            return retry_until(Deadline(READY_SECONDS), attempt)
    except (DeadlineExceededError, DatabaseUnavailableError) as error:
        raise ProblemError(
            503, "The database does not answer. `flask --app app doctor` looks for the cause."
        ) from error


def _answer(status: Literal["ok", "ready"]) -> Response:
    response = jsonify(Health().dump({"status": status}))
    response.cache_control.no_store = True

    return response
