"""Estimates how many rows a table has, without reading it."""

from sqlalchemy import Connection, text

# An estimate is -1 for a table that was never analyzed.
_ESTIMATE = text("""
SELECT GREATEST(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(:relation)
""")


def estimate_rows(connection: Connection, relation: str) -> int:
    """Return about how many rows a table or an index has."""
    return int(connection.execute(_ESTIMATE, {"relation": relation}).scalar() or 0)
