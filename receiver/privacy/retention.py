"""Runs the retention: bodies go first, the rest later, and what is on hold stays."""

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine

from receiver.settings.config import Settings
from receiver.store.audit import rows as audit
from receiver.store.clock import database_now
from receiver.store.erasure.releases import check_releases
from receiver.store.retention import rows
from receiver.store.retention.batch import Batches
from receiver.store.retention.bodies import count_bodies, expire_bodies
from receiver.store.retention.jobs import count_jobs, remove_jobs
from receiver.store.retention.walk import ALL_STEPS, Walk, complete, completed_at

# After a complete pass, the next one begins in the reconcile process after this time.
INTERVAL = timedelta(hours=1)

# After each batch, a pause of this part of its duration: callbacks need processors and disk too.
_PAUSE_RATIO = 0.5

_AUDIT_ROWS = 500  # deleted at once; nothing else writes them again

_BODIES, _METADATA = "bodies", "metadata"  # the names of the walks


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long what is stored is kept; None: for ever."""

    bodies: timedelta | None = None
    metadata: timedelta | None = None
    audit: timedelta | None = None
    tombstones: timedelta | None = None


KEEP_ALL = Retention()


def retention_of(settings: Settings) -> Retention:
    """Return the retention according to the settings."""
    return Retention(
        bodies=_days(settings.retain_bodies_days),
        metadata=_days(settings.retain_metadata_days),
        audit=_days(settings.retain_audit_days),
        tombstones=_days(settings.retain_tombstones_days),
    )


def retain(engine: Engine, retention: Retention) -> Generator[Counter[str], None, None]:
    """Remove what has been kept for long enough; yield the counts of each batch.

    The pass may end after any batch; the next one goes on there. Raises DatabaseUnavailableError,
    EarlierReleaseError or UnfinishedWriteError.
    """
    batches = Batches(engine)
    # An earlier release can't answer for an expired body, and would bring removed jobs back.
    batches.read(check_releases)
    now = batches.read(database_now)
    if retention.bodies is not None:
        cutoff = now - retention.bodies
        yield from expire_bodies(batches, Walk(batches, _BODIES, cutoff))
        yield from rows.remove_rows(batches, rows.REJECTED, cutoff)
    if retention.metadata is not None:
        cutoff = now - retention.metadata
        yield from remove_jobs(batches, Walk(batches, _METADATA, cutoff))
        yield from rows.remove_rows(batches, rows.SUBMISSIONS, cutoff)
    if retention.audit is not None:
        yield from _delete_audit(batches, retention.audit)
    if retention.tombstones is not None:
        yield from rows.remove_rows(batches, rows.TOMBSTONES, now - retention.tombstones)
    batches.read(complete, ALL_STEPS)


def count_expired(engine: Engine, retention: Retention) -> Generator[Counter[str], None, None]:
    """Yield the counts of what a pass would remove now, which writes nothing."""
    batches = Batches(engine)
    now = batches.read(database_now)
    if retention.bodies is not None:
        cutoff = now - retention.bodies
        yield from count_bodies(batches, Walk(batches, _BODIES, cutoff, is_dry=True))
        yield batches.read(rows.count_rows, rows.REJECTED, cutoff)
    if retention.metadata is not None:
        cutoff = now - retention.metadata
        yield from count_jobs(batches, Walk(batches, _METADATA, cutoff, is_dry=True))
        yield batches.read(rows.count_rows, rows.SUBMISSIONS, cutoff)
    if retention.audit is not None:
        yield Counter(audit=batches.read(audit.count_expired, age=retention.audit))
    if retention.tombstones is not None:
        yield batches.read(rows.count_rows, rows.TOMBSTONES, now - retention.tombstones)


def throttled(
    steps: Iterator[Counter[str]], sleep: Callable[[float], object] = time.sleep
) -> Generator[Counter[str], None, None]:
    """Yield the steps, each after a pause that leaves others time."""
    started_at = time.monotonic()
    for step in steps:
        sleep(_PAUSE_RATIO * (time.monotonic() - started_at))
        yield step
        started_at = time.monotonic()


def is_due(engine: Engine) -> bool:
    """Return whether the reconcile process should begin a pass, or go on with one, now."""
    batches = Batches(engine)
    last = batches.read(completed_at, ALL_STEPS)

    return last is None or last <= batches.read(database_now) - INTERVAL


def _delete_audit(batches: Batches, age: timedelta) -> Generator[Counter[str], None, None]:
    deleted = _AUDIT_ROWS
    while deleted == _AUDIT_ROWS:
        deleted = batches.read(audit.delete_expired, age=age, limit=_AUDIT_ROWS)
        yield Counter(audit=deleted)


def _days(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)
