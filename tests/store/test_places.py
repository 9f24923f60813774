"""Tests of the list of places that hold personal data."""

import pytest
from sqlalchemy import Engine, text

from receiver.store.erasure.places import HARMLESS, PLACES

# Types whose values contain no text.
_TYPES_WITHOUT_TEXT = {
    "bigint",
    "integer",
    "smallint",
    "boolean",
    "double precision",
    "timestamp with time zone",
    "xid8",
    "uuid",
}
_COLUMNS = text("""
SELECT relname, attname, format_type(atttypid, NULL) AS type
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relkind IN ('r', 'p', 'm') AND relnamespace = current_schema()::regnamespace
  AND attnum > 0 AND NOT attisdropped AND relname <> 'alembic_version'
""")


@pytest.mark.usefixtures("app")
def test_every_column_is_a_place_or_harmless(engine: Engine) -> None:
    """A column that can hold a text is on the list of places, or on that of harmless ones."""
    with engine.connect() as connection:
        rows = connection.execute(_COLUMNS).all()
    found = {(row.relname, row.attname) for row in rows if row.type not in _TYPES_WITHOUT_TEXT}
    listed = [
        (table.name, column)
        for places in (PLACES, HARMLESS)
        for table, columns in places.items()
        for column in columns
    ]
    assert len(listed) == len(set(listed))
    assert set(listed) == found
