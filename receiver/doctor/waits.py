"""Checks whether statements wait for something that doesn't end by itself."""

from collections.abc import Iterator

from sqlalchemy import Engine

from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.query import query
from receiver.runtime.plural import pluralize
from receiver.store.waits import read_waits


def check_waits(engine: Engine) -> Iterator[Finding]:
    """Yield a finding for each kind of wait at this moment; raises QueryError."""
    waits = query(engine, read_waits)
    if waits.commits:
        yield Finding(
            Verdict.FAIL,
            f"database: {pluralize(waits.commits, 'commit')} waiting for a synchronous standby, so "
            "callbacks are spooled or answered 503",
            "Start the standby, or remove it from synchronous_standby_names and reload the "
            "configuration of Postgres.",
        )
    if waits.statements:
        pids = ", ".join(map(str, waits.blockers))
        yield Finding(
            Verdict.WARN,
            f"database: {pluralize(waits.statements, 'statement')} waiting for locks of other "
            f"sessions (process {pids})",
            "See in pg_stat_activity what these sessions do. Wait until they are done, or end them "
            "with pg_terminate_backend.",
        )
