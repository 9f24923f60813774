"""Repairs jobs that were restored from another cluster: gives their rows numbers of this one."""

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, func, select, update

from receiver.store.engine import transactional
from receiver.store.tables import transcriptions

# A callback of a locked job waits until the batch is written.
_BATCH_SIZE = 200

_job = transcriptions.c
# A writer's number is always below this.
_NEXT_ID = func.pg_snapshot_xmax(func.pg_current_snapshot())


def count_foreign_ids(connection: Connection) -> int:
    """Return how many jobs have a transaction number that the cluster has not assigned yet."""
    statement = select(func.count()).where(_job.transaction_id >= _NEXT_ID)

    return int(connection.execute(statement).scalar_one())


def repair(engine: Engine) -> Iterator[int]:
    """Give these jobs a number of this cluster, in batches; yield how many each batch had.

    Callbacks may arrive at the same time. After an interruption it continues when it is run again.
    Raises sqlalchemy.exc.SQLAlchemyError.
    """
    while True:
        with transactional(engine).begin() as connection:
            count = _repair_batch(connection)
        if not count:
            return
        yield count


def _repair_batch(connection: Connection) -> int:
    """Write the jobs with the highest numbers first: the rest are repaired as numbers are given."""
    foreign = (
        select(_job.id)
        .where(_job.transaction_id >= _NEXT_ID)
        .order_by(_job.transaction_id.desc())
        .limit(_BATCH_SIZE)
    )
    ids = sorted(connection.scalars(foreign))
    # Writers lock jobs in the order of their ids, so they don't deadlock.
    connection.execute(select(_job.id).where(_job.id.in_(ids)).order_by(_job.id).with_for_update())
    connection.execute(
        update(transcriptions)
        .where(_job.id.in_(ids), _job.transaction_id >= _NEXT_ID)
        .values(transaction_id=func.pg_current_xact_id())
    )

    return len(ids)
