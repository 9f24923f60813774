"""Checks for sequences that lag: the next rows would get ids that are taken."""

from sqlalchemy import Engine

from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.query import query
from receiver.store.identity import find_lags


def check_sequences(engine: Engine) -> Finding:
    """Check that the next id of each table is free; raises QueryError."""
    lags = query(engine, find_lags)
    if not lags:
        return Finding(Verdict.OK, "sequences: the next ids are free")
    tables = ", ".join(f"{lag.table} by {lag.ids}" for lag in lags)

    return Finding(
        Verdict.WARN,
        f"sequences: they lag behind the ids that are taken ({tables}), as after logical "
        "replication, so that inserts fail at first",
        f"Execute in the database: {' '.join(lag.remedy for lag in lags)}",
    )
