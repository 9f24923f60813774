"""Adds the counts of workers, each batch exactly once.

A worker numbers its batches. The statement that adds a batch also advances the worker's number, and
adds nothing unless the number is the next one. So a batch whose commit is in doubt can be sent
again.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, text

# A metric's name, and the values of its labels.
CountKey = tuple[str, tuple[str, ...]]

_REGISTER = text("""
INSERT INTO metric_workers (id, sequence, seen_at) VALUES (:id, 0, clock_timestamp())
ON CONFLICT DO NOTHING
""")

# Rows are locked in one order, so that workers don't wait for each other in a circle.
_ADD = text("""
WITH worker AS (
    UPDATE metric_workers
    SET sequence = :sequence, seen_at = clock_timestamp(), state = CAST(:state AS jsonb)
    WHERE id = :id AND sequence = :sequence - 1
    RETURNING sequence
), added AS (
    INSERT INTO metric_counts AS counts (name, labels, value)
    SELECT name, labels, value
    FROM worker, jsonb_to_recordset(CAST(:counts AS jsonb))
        AS batch (name text, labels text[], value double precision)
    ORDER BY name, labels
    ON CONFLICT (name, labels) DO UPDATE SET value = counts.value + excluded.value
)
SELECT coalesce(
    (SELECT sequence FROM worker), (SELECT sequence FROM metric_workers WHERE id = :id)
)
""")

_REMOVE = text("DELETE FROM metric_workers WHERE id = :id")

_REMOVE_OLD = text("""
DELETE FROM metric_workers WHERE seen_at < clock_timestamp() - interval '1 day'
""")


def register_worker(connection: Connection, worker_id: str) -> None:
    """Store a new worker, which has added no batch yet."""
    connection.execute(_REGISTER, {"id": worker_id})


def add_batch(
    connection: Connection,
    worker_id: str,
    sequence: int,
    counts: Mapping[CountKey, float],
    state: Mapping[str, Any],
) -> int | None:
    """Add a batch unless it was added before, and store the worker's state.

    Returns the number of the worker's last batch, which is `sequence` if the batch is added; None
    if the worker isn't stored.
    """
    rows = [
        {"name": name, "labels": labels, "value": value} for (name, labels), value in counts.items()
    ]
    stored: int | None = connection.execute(
        _ADD,
        {
            "id": worker_id,
            "sequence": sequence,
            "state": orjson.dumps(state).decode(),
            "counts": orjson.dumps(rows).decode(),
        },
    ).scalar_one()

    return stored


def remove_worker(connection: Connection, worker_id: str) -> None:
    """Remove a worker that ends. Its counts stay."""
    connection.execute(_REMOVE, {"id": worker_id})


def remove_old_workers(connection: Connection) -> None:
    """Remove the workers that ended a day ago without removing themselves."""
    connection.execute(_REMOVE_OLD)
