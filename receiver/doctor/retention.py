"""Checks that what has been kept for long enough is removed."""

from datetime import timedelta

from sqlalchemy import Engine

from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.query import query
from receiver.runtime.utc import format_utc
from receiver.settings.config import Settings
from receiver.store.clock import database_now
from receiver.store.retention.walk import ALL_STEPS, completed_at

# A pass is due every hour. The first one over a large ledger takes longer.
_MAX_AGE = timedelta(days=1)


def check_retention(settings: Settings, engine: Engine) -> Finding:
    """Check that a pass was completed recently, if settings limit for how long something is kept.

    Raises QueryError.
    """
    if settings.retain_bodies_days is None and settings.retain_tombstones_days is None:
        return Finding(Verdict.OK, "retention: bodies and jobs are kept for ever")
    last = query(engine, completed_at, ALL_STEPS)
    if last is not None and last > query(engine, database_now) - _MAX_AGE:
        return Finding(Verdict.OK, f"retention: the last pass ended at {format_utc(last)}")
    since = "yet" if last is None else f"since {format_utc(last)}"
    return Finding(
        Verdict.WARN,
        f"retention: no pass was completed {since}, so more is kept than the settings say",
        "Run the reconcile process, which removes what is due every hour, or run "
        "`flask --app app retain` regularly.",
    )
