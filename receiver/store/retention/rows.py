"""Removes old rows of the tables beside the ledger: rejected requests, submissions, tombstones."""

from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, DateTime, bindparam, text

from receiver.store.erasure.holds import is_held
from receiver.store.jobs.gaps import RESUBMISSION_PREFIX
from receiver.store.page import EARLIEST
from receiver.store.retention.batch import Batches, Counts

# A page that takes too long is tried again with fewer rows, at most this often.
_MAX_ATTEMPTS = 10


class Table(NamedTuple):
    """A table, the order in which it is read, and the condition that a row may go."""

    name: str
    key: tuple[str, ...]  # the columns of an index, which identify a row
    first: tuple[Any, ...]  # before all keys
    condition: str
    end: str = "true"  # the condition of the rows to read


REJECTED = Table(
    "rejected",
    ("id",),
    (0,),
    f"received_at < {{cutoff}} AND NOT {is_held('rejected.job_id', content='rejected.body')}",
)
# Submissions are kept as long as their jobs: one of them may show that the recording of its job was
# submitted again, which must happen only once.
SUBMISSIONS = Table(
    "submissions",
    ("created_at", "idempotency_key"),
    (EARLIEST, ""),
    f"""asked_at < {{cutoff}}
    AND NOT EXISTS (SELECT FROM transcriptions AS t WHERE t.id = submissions.job_id)
    AND NOT EXISTS (
        SELECT FROM transcriptions AS t
        WHERE starts_with(submissions.idempotency_key, '{RESUBMISSION_PREFIX}')
            AND t.id = substr(submissions.idempotency_key, {len(RESUBMISSION_PREFIX) + 1})
    )
    AND NOT {is_held("submissions.job_id", content="convert_to(submissions.request, 'UTF8')")}""",  # noqa: S608 - constants
    end="created_at < {cutoff}",
)
TOMBSTONES = Table("tombstones", ("key",), ("",), "erased_at < {cutoff}")

_REMOVE = """
WITH page AS MATERIALIZED (
    SELECT {key} FROM {name} WHERE ({key}) > ({position}) AND {end} ORDER BY {key} LIMIT %(rows)s
), due AS MATERIALIZED (
    SELECT {key} FROM {name} JOIN page USING ({key}) WHERE {condition}
    ORDER BY {key} FOR UPDATE OF {name} SKIP LOCKED
), removed AS (
    DELETE FROM {name} USING due WHERE {same} RETURNING 1
)
SELECT (SELECT count(*) FROM removed), {key} FROM page ORDER BY ({key}) DESC LIMIT 1
"""
_CUTOFF = "%(cutoff)s::timestamptz"


def remove_rows(batches: Batches, table: Table, cutoff: datetime) -> Counts:
    """Remove the table's rows that are older than the cutoff; yield the counts of each batch.

    A row that another transaction has locked is left for the next pass.
    """
    statement = _statement(table)
    position = table.first
    failed = 0
    while failed < _MAX_ATTEMPTS:
        key = {f"key_{number}": value for number, value in enumerate(position)}
        rows = batches.execute(statement, cutoff=cutoff, rows=batches.rows, **key)
        if rows is None:
            failed += 1
            continue
        if not rows:
            return
        [(removed, *last)] = rows
        position, failed = tuple(last), 0
        yield Counter({table.name: removed})


def count_rows(connection: Connection, table: Table, cutoff: datetime) -> Counter[str]:
    """Return how many rows would be removed."""
    condition = f"{table.end} AND {table.condition}".format(cutoff=":cutoff")
    statement = text(f"SELECT count(*) FROM {table.name} WHERE {condition}")  # noqa: S608 - constants
    parameter = bindparam("cutoff", cutoff, DateTime(timezone=True))

    return Counter({table.name: connection.execute(statement.bindparams(parameter)).scalar_one()})


def _statement(table: Table) -> str:
    return _REMOVE.format(
        name=table.name,
        key=", ".join(table.key),
        position=", ".join(f"%(key_{number})s" for number in range(len(table.key))),
        end=table.end.format(cutoff=_CUTOFF),
        condition=table.condition.format(cutoff=_CUTOFF),
        same=" AND ".join(f"{table.name}.{column} = due.{column}" for column in table.key),
    )
