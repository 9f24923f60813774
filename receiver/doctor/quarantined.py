"""Checks for quarantined callbacks: their jobs lack transcripts until the cause is fixed."""

from datetime import timedelta

from sqlalchemy import Connection, Engine

from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.query import query
from receiver.store.clock import database_now
from receiver.store.ledger.find import quarantined_since

# Older ones are not reported: some can never be fixed, and the warning would stay forever.
MAX_AGE = timedelta(days=7)


def check_quarantined(engine: Engine) -> Finding:
    """Check for recently quarantined callbacks; raises QueryError."""
    count = query(engine, _count)
    if count == 0:
        return Finding(Verdict.OK, f"quarantined: none in the last {MAX_AGE.days} days")

    return Finding(
        Verdict.WARN,
        f"quarantined: {count} callbacks or responses of Twilio in the last {MAX_AGE.days} days "
        "could not be used",
        "Run `flask --app app callbacks list --outcome quarantined --source all`, which prints the "
        "reasons. "
        "Fix the cause, then run `flask --app app callbacks replay --outcome quarantined`.",
    )


def _count(connection: Connection) -> int:
    return quarantined_since(connection, database_now(connection) - MAX_AGE)
