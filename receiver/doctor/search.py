"""Checks that the search knows what was stored, if it is on."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import Engine

from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.query import query
from receiver.runtime.utc import format_utc
from receiver.settings.config import Settings
from receiver.store.clock import database_now
from receiver.store.search.progress import indexed_through

# The index goes on at least once a minute, between two passes of the reconcile process.
_MAX_AGE = timedelta(minutes=15)


def check_search(settings: Settings, engine: Engine) -> Iterator[Finding]:
    """Check how far the index is; raises QueryError."""
    if not settings.search:
        return
    through = query(engine, indexed_through)
    if through is not None and through > query(engine, database_now) - _MAX_AGE:
        yield Finding(Verdict.OK, f"search: what was stored before {format_utc(through)} is found")
        return
    if through is None:
        text = "search: the stored transcripts are not all indexed yet"
    else:
        text = f"search: what was stored since {format_utc(through)} may not be found"
    yield Finding(
        Verdict.WARN,
        text,
        "Check that the reconcile process runs, with SEARCH=1 too. If it has just begun to index "
        "what is stored, wait: its log says what it has indexed.",
    )
