"""Checks what the code needs of the database: its schema version, and that it is writable."""

from typing import Literal

from sqlalchemy import Connection, text

# The newest migration. It is repeated here, so that the web process doesn't import Alembic. A test
# compares it with the migrations' folder. Versions have four digits, so they sort as text.
SCHEMA_VERSION = "0014"

# Sessions are named after the program and this version.
APPLICATION_NAME = "transcription-receiver"
FIRST_SCHEMA_WITH_ERASURE = "0009"

SchemaState = Literal["current", "behind", "newer", "foreign", "unreadable"]

# Other applications use Alembic too, and tables with these names.
_HAS_OUR_TABLES = text("""
SELECT count(*) = 2 FROM pg_attribute
WHERE (attrelid, attname)
    IN ((to_regclass('events'), 'sha256'), (to_regclass('transcriptions'), 'key_sha256'))
""")

_MAY_READ_VERSION = text(
    "SELECT has_any_column_privilege(to_regclass('alembic_version'), 'SELECT')"
)


def is_writable(connection: Connection) -> bool:
    """Return whether the database accepts writes; a standby, or a plan out of space, doesn't."""
    return connection.execute(text("SHOW transaction_read_only")).scalar() == "off"


def read_version(connection: Connection) -> str | None:
    """Return the schema's version, None if the table `alembic_version` is empty."""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def find_version(connection: Connection) -> str | None:
    """Return the schema's version, None if no migration has stored one."""
    exists = connection.execute(text("SELECT to_regclass('alembic_version') IS NOT NULL")).scalar()

    return read_version(connection) if exists else None


def schema_state(connection: Connection) -> SchemaState:
    """Return how the database's schema compares with the one that the code needs.

    - `newer` is fine: a release migrates while processes of the previous release still run.
    - `foreign`: the migrations are another application's.
    - `unreadable`: the role may not read the schema's version.
    """
    may_read = connection.execute(_MAY_READ_VERSION).scalar()
    if may_read is None:  # there is no such table
        return "behind"
    if not may_read:
        return "unreadable"
    version = read_version(connection)
    if version is None:
        return "behind"
    has_our_form = version.isdigit() and len(version) == len(SCHEMA_VERSION)
    if not has_our_form or not connection.execute(_HAS_OUR_TABLES).scalar():
        return "foreign"
    if version < SCHEMA_VERSION:
        return "behind"

    return "current" if version == SCHEMA_VERSION else "newer"
