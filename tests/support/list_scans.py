"""Stores scans of Twilio's list of jobs, without a reconciler."""

from datetime import UTC, datetime

from sqlalchemy import Engine, insert

from receiver.store.tables import passes


def store_scan(engine: Engine, at: datetime | None = None, *, is_complete: bool = True) -> None:
    """Store a scan that began at this time, by default now, and is complete or in progress."""
    at = at or datetime.now(UTC)
    times = {
        **dict.fromkeys(("started_at", "created_after", "leased_until"), at),
        **dict.fromkeys(("completed_at", "ended_at"), at if is_complete else None),
    }
    with engine.connect() as connection:
        connection.execute(insert(passes).values(**times))
