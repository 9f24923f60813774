"""Checks that the feed of changes has an order."""

from sqlalchemy import Engine

from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.query import query
from receiver.runtime.plural import pluralize
from receiver.store.changes.repair import count_foreign_ids


def check_changes(engine: Engine) -> Finding:
    """Check that no job has a transaction id of another cluster; raises QueryError."""
    count = query(engine, count_foreign_ids)
    if not count:
        return Finding(Verdict.OK, "changes: the feed of changes can be read")

    return Finding(
        Verdict.FAIL,
        f"changes: {pluralize(count, 'job')} restored from another cluster, so /v3/Changes is "
        "answered 503",
        "Run `flask --app app changes repair`.",
    )
