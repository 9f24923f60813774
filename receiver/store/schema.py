"""What the code needs of the database: its schema's version, and that it takes writes."""

from typing import Literal

from sqlalchemy import Connection, text

# The newest migration; a test holds it against the migrations' folder, so that the web process
# need not import Alembic to know it. Versions are numbers of four digits, in their order.
SCHEMA_VERSION = "0006"

SchemaState = Literal["current", "behind", "newer"]


def is_writable(connection: Connection) -> bool:
    """Tell whether the database takes writes: a standby, or one out of its plan's room, doesn't."""
    return connection.execute(text("SHOW transaction_read_only")).scalar() == "off"


def schema_state(connection: Connection) -> SchemaState:
    """Tell how the database's schema compares with the code's.

    A newer one is in order: a release migrates before the processes of the old one end.
    """
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return "behind"
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if version is None or version < SCHEMA_VERSION:
        return "behind"

    return "current" if version == SCHEMA_VERSION else "newer"
