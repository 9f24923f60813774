"""Rebuilds jobs from the ledger, many at once. Normally no row changes.

The jobs are compared without a lock. Only those that differ are locked, and folded again.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    Connection,
    Engine,
    LargeBinary,
    Row,
    Select,
    Text,
    Update,
    bindparam,
    cast,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from receiver.store.engine import transactional
from receiver.store.jobs.complete_heads import complete_heads
from receiver.store.jobs.fold import ERASURE, fold
from receiver.store.jobs.refold import differs, expiry_of, gone_since, load_events_of
from receiver.store.tables import transcriptions

# A callback of a locked job waits until these are written: some milliseconds.
_LOCKED_TOGETHER = 50

_KEY = "job_id"  # the parameter; no column has this name

Columns = dict[str, Any]


def rebuild(engine: Engine, job_ids: Sequence[str]) -> list[str]:
    """Fold the jobs again from their events; return those whose row was missing or had to change.

    Callbacks may arrive at the same time. Raises sqlalchemy.exc.SQLAlchemyError; the rows that were
    written until then are right.
    """
    complete_heads(engine, job_ids)
    with engine.connect() as connection:
        folds = _fold(connection, job_ids)
        rows = {row.id: row for row in connection.execute(_select(list(folds)))}
        missing = folds.keys() - rows.keys()
        for job_id in sorted(missing):  # one commit each: several could deadlock with callbacks
            connection.execute(_insert(folds[job_id]).on_conflict_do_nothing())
    changed = set(missing)
    # Events may have arrived since then, also of the missing jobs.
    differing = {row.id for row in rows.values() if differs(row, folds[row.id])}
    for ids in _split(sorted(differing | missing)):
        changed |= _refold(engine, ids)

    return sorted(changed)


def _refold(engine: Engine, job_ids: list[str]) -> set[str]:
    """Lock the jobs, as any other writer does, and write those that differ; return their ids."""
    with transactional(engine).begin() as connection:
        rows = connection.execute(_select(job_ids).with_for_update()).all()
        changes = list(_changes(rows, _fold(connection, job_ids)))
        if changes:
            connection.execute(_update(changes[0]), changes)

    return {change[_KEY] for change in changes}


def _changes(rows: Sequence[Row[Any]], folds: dict[str, Columns]) -> Iterator[Columns]:
    for row in rows:
        columns = folds.get(row.id)
        if columns and differs(row, columns):
            yield columns | {_KEY: row.id}


def _insert(columns: Columns) -> Insert:
    sha256 = literal(columns["transcript_sha256"], LargeBinary)

    return insert(transcriptions).values(**columns, transcript_expired_at=gone_since(sha256))


def _update(change: Columns) -> Update:
    names = [name for name in change if name != _KEY]

    return (
        update(transcriptions)
        .where(transcriptions.c.id == bindparam(_KEY))
        .values({name: bindparam(name) for name in names})
        .values(
            transcript_expired_at=expiry_of(bindparam("transcript_sha256", type_=LargeBinary)),
            transaction_id=func.pg_current_xact_id(),
        )
    )


def _fold(connection: Connection, job_ids: Sequence[str]) -> dict[str, Columns]:
    """Return the fold of each job that has events."""
    loaded = load_events_of(connection, job_ids)

    return {
        job_id: fold(inputs)
        for job_id, inputs in loaded.items()
        if any(event.source != ERASURE for event in inputs)
    }


def _select(job_ids: Sequence[str]) -> Select[Any]:
    is_wanted = transcriptions.c.id == func.any(cast(job_ids, ARRAY(Text(collation="C"))))

    # Writers lock jobs in the order of their ids, so they don't deadlock.
    return select(transcriptions).where(is_wanted).order_by(transcriptions.c.id)


def _split(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _LOCKED_TOGETHER):
        yield ids[start : start + _LOCKED_TOGETHER]
