"""Checks what the code needs of the database: its schema version, and that it is writable."""

from typing import Literal

from sqlalchemy import Connection, text

# The newest migration. It is repeated here, so that the web process doesn't import Alembic. A test
# compares it with the migrations' folder. Versions have four digits, so they sort as text.
SCHEMA_VERSION = "0006"

SchemaState = Literal["current", "behind", "newer"]


def is_writable(connection: Connection) -> bool:
    """Return whether the database accepts writes; a standby, or a plan out of space, doesn't."""
    return connection.execute(text("SHOW transaction_read_only")).scalar() == "off"


def schema_state(connection: Connection) -> SchemaState:
    """Return how the database's schema compares with the one that the code needs.

    A newer one is fine: a release migrates while processes of the previous release still run.
    """
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return "behind"
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if version is None or version < SCHEMA_VERSION:
        return "behind"

    return "current" if version == SCHEMA_VERSION else "newer"
