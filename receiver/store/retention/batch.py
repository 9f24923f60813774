"""Executes batches that hold no lock for long, and adapts their size to the time they take."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from psycopg.rows import TupleRow
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from receiver.runtime.deadline import Deadline
from receiver.store.erasure.holds import HOLDS_LOCK_ID
from receiver.store.execute import execute_pipeline
from receiver.store.retry import query
from receiver.store.sqlstate import QUERY_CANCELED, state_of

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Counts = Generator[Counter[str], None, None]  # of what each batch removed

# The server ends a batch that takes longer. It is undone, and tried again with fewer rows.
MAX_LOCK_SECONDS = 0.1
# Batches grow if they take less than the first, and shrink if they take more than the second.
_SHORT_SECONDS = 0.03
_LONG_SECONDS = 0.06
# The time for a row depends on its body, too: this many bytes count as one more row.
_BYTES_PER_ROW = 20_000
_FIRST_ROWS = 100
_MIN_ROWS = 20
_MAX_ROWS = 500
_TIMEOUT_SECONDS = 30.0
# Rows that another transaction has locked, for example for a callback, are tried again.
_MAX_ATTEMPTS = 4
_ATTEMPT_PAUSE_SECONDS = 0.05

# These are sent with the batch's statement, so the transaction ends even if this process is
# stopped. Each statement sees what was committed before it, so after the lock all holds are seen. A
# commit that a crash undoes is repeated later, so it doesn't wait for the disk.
_FIRST = (
    "SELECT set_config('lock_timeout', '5s', true), set_config('synchronous_commit', 'off', true)",
    f"SELECT pg_advisory_xact_lock({HOLDS_LOCK_ID})",
    f"SELECT set_config('statement_timeout', '{MAX_LOCK_SECONDS * 1000:.0f}ms', true)",
)


def weight(rows: int, body_bytes: int) -> int:
    """Return the weight as a number of rows; `body_bytes` is the bodies' total size."""
    return rows + body_bytes // _BYTES_PER_ROW


def attempts(left: Collection[Any]) -> Iterator[None]:
    """Yield a few times, with pauses, as long as something is left."""
    for attempt in range(_MAX_ATTEMPTS):
        if not left:
            return
        if attempt:
            time.sleep(_ATTEMPT_PAUSE_SECONDS)
        yield


class Batches:
    """Executes batches one after another; each takes as many rows as the last ones had time for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._rows = _FIRST_ROWS
        self._taken = _FIRST_ROWS  # by the last batch

    @property
    def rows(self) -> int:
        """The number of rows for the next batch."""
        return self._rows

    def read(
        self,
        work: Callable[Concatenate[Connection, Parameters], Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Return the result of `work` on a connection, or raise DatabaseUnavailableError."""
        return query(self._engine, Deadline(_TIMEOUT_SECONDS), work, *args, **kwargs)

    def split(self, weights: Mapping[Any, int]) -> Iterator[list[Any]]:
        """Yield the keys in batches, of the size that is right when each is requested."""
        keys = list(weights)
        start = 0
        while start < len(keys):
            end, weight = start, 0
            while end < len(keys) and weight < self._rows:
                weight += weights[keys[end]]
                end += 1
            self._taken = weight
            yield keys[start:end]
            start = end

    def execute(self, statement: str, **parameters: Any) -> list[TupleRow] | None:
        """Return the rows of a statement that is a transaction.

        None if it took too long: then nothing was changed, and the next batches are smaller.
        """
        started_at = time.monotonic()
        rows = self.read(_execute, statement, parameters)
        seconds = time.monotonic() - started_at
        if rows is None:
            self._rows = max(1, min(self._rows, self._taken) // 2)
        elif seconds > _LONG_SECONDS:  # others may use the processors, so not to a single row
            self._rows = max(min(self._rows, _MIN_ROWS), self._rows - self._rows // 4)
        elif seconds < _SHORT_SECONDS:
            self._rows = min(_MAX_ROWS, self._rows + self._rows // 4 + 1)

        return rows


def _execute(
    connection: Connection, statement: str, parameters: Mapping[str, Any]
) -> list[TupleRow] | None:
    try:
        return execute_pipeline(connection, _FIRST, statement, parameters)
    except DBAPIError as error:
        if state_of(error) == QUERY_CANCELED:
            return None
        raise
