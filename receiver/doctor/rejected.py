"""Checks for rejected requests: they may be callbacks, rejected because a setting is wrong."""

from datetime import timedelta

from sqlalchemy import Connection, Engine

from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.query import query
from receiver.runtime.plural import pluralize
from receiver.store.clock import database_now
from receiver.store.rejected.read import rejected_since

# Older ones are not reported: anyone can send such a request, and the warning would stay forever.
MAX_AGE = timedelta(days=7)


def check_rejected(engine: Engine) -> Finding:
    """Check for recently rejected requests; raises QueryError.

    Each may contain a transcript that is stored nowhere else.
    """
    count = query(engine, _count)
    if count == 0:
        return Finding(
            Verdict.OK,
            f"rejected: no request that looks like a callback in the last {MAX_AGE.days} days",
        )

    return Finding(
        Verdict.WARN,
        f"rejected: {pluralize(count, 'request')} in the last {MAX_AGE.days} days with the form of "
        "a callback, and a signature that does not verify",
        "Run `flask --app app rejected check`, which finds the setting that would verify them, if "
        "there is one. Set it and restart the web process, then run "
        "`flask --app app rejected accept`.",
    )


def _count(connection: Connection) -> int:
    return rejected_since(connection, database_now(connection) - MAX_AGE)
