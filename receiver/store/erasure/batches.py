"""Reads many rows in batches, each in a query of its own."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row

from receiver.runtime.deadline import Deadline
from receiver.store.retry import query

# Called with a place, and with how many of its rows were processed since the last call.
Report = Callable[[str, int], None]

# Bodies have up to 2 MiB, so a batch with them may take some seconds.
_TIMEOUT_SECONDS = 60.0


def read_batches(
    engine: Engine,
    read: Callable[[Connection, Any], Sequence[Row[Any]]],
    *,
    batch_rows: int,
    key: str = "key",
    first: Any = None,
) -> Iterator[Sequence[Row[Any]]]:
    """Yield what `read` returns for the key of the last row before, until the batch isn't full.

    `read` returns at most `batch_rows` rows. `key` is the name of the column, and the first batch
    is that after the key `first`. Raises receiver.store.retry.DatabaseUnavailableError.
    """
    rows = query(engine, Deadline(_TIMEOUT_SECONDS), read, first)
    while rows:
        yield rows
        if len(rows) < batch_rows:
            return
        rows = query(engine, Deadline(_TIMEOUT_SECONDS), read, getattr(rows[-1], key))
