"""Checks that the unique indexes of events and jobs exist.

Every write names their columns in ON CONFLICT, and fails if an operator has dropped one.
"""

from sqlalchemy import Connection, text

from receiver.store.problem import Problem

_KEYS = {
    ("events", "sha256"): "UNIQUE (sha256)",
    ("transcriptions", "id"): "PRIMARY KEY (id)",
}

# A table that doesn't exist is no problem here: the schema's version shows that.
_MISSING = text("""
SELECT name AS table, column_name AS column
FROM unnest(CAST(:tables AS text[]), CAST(:columns AS text[])) AS needed(name, column_name)
JOIN pg_attribute ON attrelid = to_regclass(name) AND attname = column_name
WHERE NOT EXISTS (
    SELECT FROM pg_index
    WHERE indrelid = attrelid AND indisunique AND indisvalid AND indpred IS NULL
    AND indnkeyatts = 1 AND indkey[0] = attnum
)
""")


def find_missing_keys(connection: Connection) -> list[Problem]:
    """Return a problem for each unique index that is missing, whatever its name was."""
    tables, columns = (list(names) for names in zip(*_KEYS, strict=True))
    rows = connection.execute(_MISSING, {"tables": tables, "columns": columns}).all()

    return [
        Problem(
            f"the table {table} has no unique index on {column}, so no callback can be stored",
            f"Run `ALTER TABLE {table} ADD {_KEYS[table, column]}` as the table's owner.",
        )
        for table, column in rows
    ]
