"""Health: is the process there, and is the database behind it in order."""

from typing import Literal

from flask import Blueprint, Response, jsonify
from sqlalchemy import Connection, Engine

from receiver.runtime.deadline import Deadline
from receiver.runtime.timeouts import DeadlineExceededError, time_limit
from receiver.services import services
from receiver.store.retry import DatabaseUnavailableError, query
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
    if fault := _fault(services().engine):
        raise ProblemError(503, fault)

    return _answer("ready")


def _fault(engine: Engine) -> str | None:
    try:
        with time_limit(READY_SECONDS):
            return query(engine, Deadline(READY_SECONDS), _fault_of)
    except (DeadlineExceededError, DatabaseUnavailableError) as error:
        raise ProblemError(
            503, "The database does not answer. `flask --app app doctor` looks for the cause."
        ) from error


def _fault_of(connection: Connection) -> str | None:
    if not is_writable(connection):
        connection.invalidate()  # a fresh connection may reach a server that takes writes again
        return "The database takes no writes. `flask --app app doctor` says what to do."
    if schema_state(connection) == "behind":
        return "The database's schema is behind the code. Run `flask --app app migrate`."

    return None


def _answer(status: Literal["ok", "ready"]) -> Response:
    response = jsonify(Health().dump({"status": status}))
    response.cache_control.no_store = True

    return response
