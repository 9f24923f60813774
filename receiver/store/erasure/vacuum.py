"""When Postgres has removed the dead rows, which contain what was erased until then."""

from datetime import datetime

from sqlalchemy import Connection, text

from receiver.store.erasure.places import ERASED_TABLES

_NAMES = [table.name for table in ERASED_TABLES]

# Removes the rows that contain what was erased, and renews the statistics, which quote values.
VACUUM = f"VACUUM (ANALYZE) {', '.join(_NAMES)};"

_VACUUMED = text("""
SELECT relname AS table, GREATEST(last_vacuum, last_autovacuum) AS vacuumed_at
FROM pg_stat_user_tables
WHERE relid = ANY(SELECT to_regclass(name) FROM unnest(CAST(:names AS text[])) AS name)
ORDER BY relname
""").bindparams(names=_NAMES)


def last_vacuums(connection: Connection) -> dict[str, datetime | None]:
    """Return when each table from which rows are erased was last vacuumed, by the statistics."""
    return {row.table: row.vacuumed_at for row in connection.execute(_VACUUMED)}
