"""Checks the database: connection, version, schema, number of connections, and its contents."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from sqlalchemy import Connection, Engine

from receiver.doctor.changes import check_changes
from receiver.doctor.connection import check_connection
from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.push import check_push
from receiver.doctor.query import QueryError, query
from receiver.doctor.rejected import check_rejected
from receiver.doctor.retention import check_retention
from receiver.doctor.search import check_search
from receiver.doctor.sequences import check_sequences
from receiver.doctor.server_log import check_server_log
from receiver.doctor.waits import check_waits
from receiver.settings.config import Settings
from receiver.store.privileges import PRIVILEGES, find_missing_privileges
from receiver.store.problem import Problem
from receiver.store.requirements import find_migration_problems, find_problems
from receiver.store.schema import (
    SCHEMA_VERSION,
    SchemaState,
    find_version,
    is_writable,
    schema_state,
)
from receiver.store.server import Server, describe_server
from receiver.store.unique_keys import find_missing_keys

# During a deployment two releases run at the same time. The reconcile process and an operator's
# command need one more connection each. A migration ends before the second release starts.
RELEASE_COUNT = 2
COMMAND_COUNT = 2


def check_database(settings: Settings, engine: Engine) -> Iterator[Finding]:
    """Check the database; only a connection failure ends the checks early."""
    try:
        server, can_write, schema, findings = query(engine, _inspect)
        problems = query(engine, _find_problems, schema)
        schema_findings = query(engine, _check_schema, schema, is_migratable=not problems)
    except QueryError as error:
        yield Finding(
            Verdict.FAIL,
            f"database: {error}",
            "Check DATABASE_URL, that the database is running, and that this machine can reach it.",
        )
        return
    yield Finding(Verdict.OK, f"database: connected to Postgres {server.version}")
    yield from findings
    if not can_write:
        yield Finding(
            Verdict.FAIL,
            "database: it is read-only, so every callback is answered 503",
            "Set DATABASE_URL to the primary server, or remove the cause (a full disk, a limit of "
            "the database plan, default_transaction_read_only).",
        )
    for problem in problems:
        yield Finding(Verdict.FAIL, f"database: {problem.text}", problem.remedy)
    yield from schema_findings
    yield check_connections(settings, server.available_connections)
    with suppress(QueryError):  # the next checks report it
        yield from check_waits(engine)
    if schema in {"current", "newer"}:
        yield from _check_contents(settings, engine)


def _inspect(connection: Connection) -> tuple[Server, bool, SchemaState, list[Finding]]:
    return (
        describe_server(connection),
        is_writable(connection),
        schema_state(connection),
        [*check_connection(connection), check_server_log(connection)],
    )


def _find_problems(connection: Connection, schema: SchemaState) -> list[Problem]:
    problems = find_problems(connection)
    if schema == "behind" and not problems:
        return find_migration_problems(connection)
    if schema == "foreign":
        return problems

    return (
        problems + find_missing_privileges(connection, PRIVILEGES) + find_missing_keys(connection)
    )


def _check_schema(
    connection: Connection, schema: SchemaState, *, is_migratable: bool
) -> list[Finding]:
    """Check the schema's version; a newer one is fine, since a new release migrates first.

    The problems report another application's schema, and one that can't be read.
    """
    if schema not in {"behind", "current", "newer"}:
        return []
    version = find_version(connection) or "no version yet"
    text = f"schema: {version}, this code needs {SCHEMA_VERSION} or newer"
    if schema != "behind":
        return [Finding(Verdict.OK, text)]
    remedy = "Run `flask --app app migrate`" + ("." if is_migratable else " after that.")

    return [Finding(Verdict.FAIL, text, remedy)]


def check_connections(settings: Settings, available: int) -> Finding:
    """Check that the database allows enough connections; fail if one release alone needs more."""
    per_release = settings.web_concurrency * settings.db_pool_size
    # The process of push has a thread for each endpoint.
    pushing = min(len(settings.push_endpoints), settings.db_pool_size)
    needed = RELEASE_COUNT * per_release + COMMAND_COUNT + pushing
    text = (
        f"connections: {needed} needed, {available} available (WEB_CONCURRENCY "
        f"{settings.web_concurrency} x DB_POOL_SIZE {settings.db_pool_size} x {RELEASE_COUNT} "
        f"releases + {COMMAND_COUNT} commands + {pushing} for push)"
    )
    if needed <= available:
        return Finding(Verdict.OK, text)

    return Finding(
        Verdict.FAIL if per_release > available else Verdict.WARN,
        text,
        "Lower WEB_CONCURRENCY or DB_POOL_SIZE, close other clients' connections, or use a "
        "database that allows more connections.",
    )


def _check_contents(settings: Settings, engine: Engine) -> Iterator[Finding]:
    for check in (
        check_sequences,
        check_changes,
        check_rejected,
        partial(check_retention, settings),
    ):
        try:
            yield check(engine)
        except QueryError as error:
            yield _not_checked("database", error)
    for subject, check_feature in (("push", check_push), ("search", check_search)):
        try:
            yield from check_feature(settings, engine)
        except QueryError as error:
            yield _not_checked(subject, error)


def _not_checked(subject: str, error: QueryError) -> Finding:
    return Finding(
        Verdict.FAIL,
        f"{subject}: not checked: {error}",
        "Run `flask --app app doctor` again. If it reports LockNotAvailable again, another session "
        "has locked a table: find its process in pg_locks, and see in pg_stat_activity what it "
        "does. Wait until it is done, or end it with pg_terminate_backend.",
    )
