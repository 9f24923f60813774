"""The rows of the audit of reads."""

from typing import Any

from sqlalchemy import Engine, select

from receiver.store.tables import audit


def audit_rows(engine: Engine, *columns: str) -> list[tuple[Any, ...]]:
    """Return these columns of all rows, oldest first."""
    chosen = (audit.c[name] for name in columns)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(*chosen).order_by(audit.c.id))]
