"""Reads a page of changes: jobs whose last writer is visible in one snapshot, but not in another.

These writers are the ones that were in progress in the older snapshot and have ended since, and
those with higher numbers. Each is a range of an index, so what lies between costs nothing: a
transaction may stay open for as long as it likes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Text,
    cast,
    func,
    literal,
    select,
    tuple_,
    union_all,
)

from receiver.store.changes.snapshot import Snapshot
from receiver.store.jobs.account import of_account
from receiver.store.jobs.read import READ_JOB_COLUMNS
from receiver.store.rows import to_dicts
from receiver.store.tables import TransactionId, transcriptions

# The jobs that one page of an account's changes may skip because they are other accounts'.
MAX_SCANNED_JOBS = 2_000

Place = tuple[int, str]  # the writer's number and the job's id

FIRST_PLACE: Place = (0, "")

_job = transcriptions.c
_PLACE = (_job.transaction_id, _job.id)
_WRITER = cast(_job.transaction_id, Text).label("writer")


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """All changes between two snapshots, and how far they are read: up to the place `after`."""

    since: Snapshot
    until: Snapshot
    after: Place = FIRST_PLACE


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Jobs in the order of their places; `after` is where the sweep continues, None at its end."""

    rows: Sequence[Mapping[str, Any]] = field(default=())
    after: Place | None = None


def read_changes(
    connection: Connection,
    sweep: Sweep,
    *,
    size: int,
    account_id: str | None,
    max_scanned: int = MAX_SCANNED_JOBS,
) -> Changes:
    """Return the next changes of the sweep, at most `size` of them.

    An account's page may have fewer, or none, although the sweep continues: it reads at most
    `max_scanned` jobs of all accounts.
    """
    rows: list[dict[str, Any]] = []
    for conditions in _ranges(sweep):
        edge = None if account_id is None else _edge(connection, conditions, max_scanned)
        statement = select(*READ_JOB_COLUMNS, _WRITER).where(*conditions, *of_account(account_id))
        if edge:
            statement = statement.where(tuple_(*_PLACE) <= _literal_place(edge))
        limit = size + 1 - len(rows)
        rows += to_dicts(connection.execute(statement.order_by(*_PLACE).limit(limit)))
        if len(rows) > size:
            return Changes(rows=rows[:size], after=_place_of(rows[size - 1]))
        if edge:
            return Changes(rows=rows, after=edge)

    return Changes(rows=rows)


def count_changes(connection: Connection, sweeps: Iterable[Sweep], *, limit: int) -> int:
    """Return how many jobs the sweeps have; no more than `limit` are counted."""
    ranges = (conditions for sweep in sweeps for conditions in _ranges(sweep))
    jobs = union_all(*(select(_job.id).where(*each).limit(limit) for each in ranges)).subquery()

    return min(limit, connection.execute(select(func.count()).select_from(jobs)).scalar_one())


def _ranges(sweep: Sweep) -> list[Sequence[ColumnElement[bool]]]:
    """Return the conditions of each range of the index, in the order of the places."""
    since, until = sweep.since, sweep.until
    ranges: list[Sequence[ColumnElement[bool]]] = []
    ended = [each for each in until.ended_since(since) if each >= sweep.after[0]]
    if ended:
        ranges.append((is_one_of(ended), tuple_(*_PLACE) > _literal_place(sweep.after)))
    start = max(sweep.after, (since.end, ""))
    later = [
        tuple_(*_PLACE) > _literal_place(start),
        _job.transaction_id < literal_id(until.end),
        # They may have ended by now, and belong to the next sweep.
        *(_job.transaction_id != literal_id(each) for each in until.in_progress),
    ]

    return [*ranges, later]


def _edge(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], max_scanned: int
) -> Place | None:
    """Return the place of the last job that may be scanned; None if the range has fewer."""
    statement = select(_WRITER, _job.id).where(*conditions).order_by(*_PLACE)
    row = connection.execute(statement.offset(max_scanned - 1).limit(1)).first()

    return row and (int(row.writer), row.id)


def _place_of(row: Mapping[str, Any]) -> Place:
    return int(row["writer"]), row["id"]


def _literal_place(place: Place) -> ColumnElement[Any]:
    return tuple_(literal_id(place[0]), literal(place[1], Text(collation="C")))


def is_one_of(writers: Collection[int]) -> ColumnElement[bool]:
    """Return the SQL condition that a job's last writer is one of these."""
    array = "{" + ",".join(map(str, writers)) + "}"

    return _job.transaction_id == func.any(cast(literal(array, Text), ARRAY(TransactionId)))


def literal_id(number: int) -> ColumnElement[str]:
    """Return the number of a transaction in SQL."""
    return cast(literal(str(number), Text), TransactionId)
