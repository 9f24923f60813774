"""When Postgres has removed the dead rows, which contain what was erased until then."""

from datetime import datetime

from sqlalchemy import Connection, text

_VACUUMED = text("""
SELECT relname AS table, GREATEST(last_vacuum, last_autovacuum) AS vacuumed_at
FROM pg_stat_user_tables
WHERE relid IN (to_regclass('events'), to_regclass('transcriptions'),
                to_regclass('submissions'), to_regclass('rejected'))
ORDER BY relname
""")


def last_vacuums(connection: Connection) -> dict[str, datetime | None]:
    """Return when each table from which rows are erased was last vacuumed, by the statistics."""
    return {row.table: row.vacuumed_at for row in connection.execute(_VACUUMED)}
