"""Searches the index for words of a person, as a proof that they are erased."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from receiver.store.erasure.batches import read_batches

# The words are stems, so they are compared by the configuration that made them. Each row is read:
# a value has other stems in each configuration.
_BATCH_ROWS = 500
_SEARCH = text("""
SELECT id AS key, vector @@ phraseto_tsquery(CAST(config AS regconfig), :value) AS has_value
FROM transcript_index WHERE id > :after ORDER BY id LIMIT :rows
""")


def search_words(engine: Engine, value: str, *, report: Callable[[int], None]) -> Iterator[int]:
    """Yield the ids of the rows with the words of the value, one after the other.

    `report` is called with the number of rows of each batch. Raises
    receiver.store.retry.DatabaseUnavailableError.
    """
    lower = value.lower()

    def read(connection: Connection, after: int) -> Sequence[Row[Any]]:
        return connection.execute(
            _SEARCH, {"value": lower, "after": after, "rows": _BATCH_ROWS}
        ).all()

    for rows in read_batches(engine, read, batch_rows=_BATCH_ROWS, first=0):
        yield from (row.key for row in rows if row.has_value)
        report(len(rows))
