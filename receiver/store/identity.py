"""Identity columns whose sequence lags behind the rows, as after a move by logical replication.

Logical replication copies rows and no sequences. Then the first ids that the sequence gives are
taken, and each insert fails with a violation of the primary key.
"""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, Table, cast, func, select
from sqlalchemy.dialects.postgresql import REGCLASS

from receiver.store.tables import erasures, events, passes, rejected, transcript_index

_TABLES = (events, rejected, passes, erasures, transcript_index)
# The names that Postgres gives to their primary keys.
IDENTITY_KEYS = frozenset(f"{table.name}_pkey" for table in _TABLES)

# How many ids one statement draws; it takes less than a second.
_MAX_DRAWN_IDS = 500_000


class Lag(NamedTuple):
    """A sequence that lags: its table, by how many ids, and the SQL that repairs it."""

    table: str
    ids: int
    remedy: str


def find_lags(connection: Connection) -> list[Lag]:
    """Return the sequences that lag, as far as the role may read them."""
    lags = []
    for table in _TABLES:
        may_read = func.has_sequence_privilege(_sequence_name(table), "USAGE, SELECT")
        ids: int | None = connection.execute(select(_lag(table)).where(may_read)).scalar()
        if ids is not None and ids > 0:
            lags.append(Lag(table.name, ids, _remedy(table.name)))

    return lags


def skip_taken_ids(engine: Engine, table: Table = events) -> None:
    """Draw the ids of the ledger, or of another table, that are taken, at most 500,000 of them.

    Unlike `setval`, this never moves a sequence back, so any number of processes may do it at the
    same time, and a role needs only USAGE. Raises sqlalchemy.exc.SQLAlchemyError.
    """
    ids = func.generate_series(1, func.least(_MAX_DRAWN_IDS, _lag(table))).table_valued("n")
    next_id = func.nextval(cast(_sequence_name(table), REGCLASS))
    with engine.connect() as connection:
        connection.execute(select(func.count(next_id)).select_from(ids))


def _lag(table: Table) -> ColumnElement[Any]:
    """Return the SQL of how many ids the sequence is behind the highest id."""
    last_id = func.pg_sequence_last_value(cast(_sequence_name(table), REGCLASS))
    max_id = select(func.max(table.c.id)).scalar_subquery()

    return func.coalesce(max_id, 0) - func.coalesce(last_id, 0)


def _sequence_name(table: Table) -> ColumnElement[Any]:
    return func.pg_get_serial_sequence(table.name, "id")


def _remedy(table: str) -> str:
    return (
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "  # noqa: S608 - a table of ours
        f"(SELECT max(id) FROM {table}));"
    )
