"""Health checks: whether the process responds, and whether its database can store callbacks."""

from functools import partial
from typing import Literal

from flask import Blueprint, Response, jsonify
from sqlalchemy import Connection, Engine

from receiver.runtime.deadline import Deadline
from receiver.runtime.timeouts import DeadlineExceededError, time_limit
from receiver.services import services
from receiver.store.privileges import CALLBACK_PRIVILEGES, find_missing_privileges
from receiver.store.requirements import read_encoding_problem
from receiver.store.retry import DatabaseUnavailableError, query
from receiver.store.schema import is_writable, schema_state
from receiver.store.unique_keys import find_missing_keys
from receiver.web.problems import ProblemError
from schemas.health import Health

# Long enough for a new connection if those in the pool are broken, and short enough for a probe.
READY_TIMEOUT_SECONDS = 2.0

# No authentication: platforms probe without credentials, and the responses reveal nothing.
blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer 200, without using the database."""
    return _respond("ok")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Answer 200 if callbacks can be stored; ProblemError 503 says why not.

    A worker checks the database once a second at most, however many clients ask. A newer schema is
    ready: a release migrates while processes of the old one still run.
    """
    if problem := services().readiness.get(partial(_find_problem, services().engine)):
        raise ProblemError(503, problem)

    return _respond("ready")


def _find_problem(engine: Engine) -> str | None:
    try:
        with time_limit(READY_TIMEOUT_SECONDS):
            return query(engine, Deadline(READY_TIMEOUT_SECONDS), _check_database)
    except (DeadlineExceededError, DatabaseUnavailableError):
        return "The database does not respond. Run `flask --app app doctor` to find the cause."


def _check_database(connection: Connection) -> str | None:
    if not is_writable(connection):
        connection.invalidate()  # a new connection may reach a server that accepts writes
        return "The database does not accept writes. Run `flask --app app doctor`."
    # The text about a privilege comes first: without SELECT, the version can't be read.
    problems = find_missing_privileges(connection, CALLBACK_PRIVILEGES)
    problems += find_missing_keys(connection)
    if problem := read_encoding_problem(connection):
        problems.append(problem)
    if problems:
        return f"{problems[0].sentence} Run `flask --app app doctor`."
    state = schema_state(connection)
    if state == "behind":
        return "The database's schema is older than the code. Run `flask --app app migrate`."
    if state == "foreign":
        return "The database has the tables of another application. Run `flask --app app doctor`."

    return None


def _respond(status: Literal["ok", "ready"]) -> Response:
    response = jsonify(Health().dump({"status": status}))
    response.cache_control.no_store = True

    return response
