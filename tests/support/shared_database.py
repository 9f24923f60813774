"""One migrated database for each test process; each test gets it empty."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import psycopg
from psycopg import errors, sql

from dev.postgres import Server

_TERMINATE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = %s AND backend_type = 'client backend'
"""

# The tables with any writes: a rolled back row leaves a page, and a row that a constraint refused
# has used a number of the sequence.
_WRITTEN = """
SELECT c.oid::regclass::text FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
AND c.relname NOT IN ('alembic_version', 'erasure_key')
AND (pg_relation_size(c.oid) > 0 OR EXISTS (
    SELECT FROM pg_depend AS d JOIN pg_sequence AS s ON s.seqrelid = d.objid
    WHERE d.refobjid = c.oid AND pg_sequence_last_value(s.seqrelid) IS NOT NULL
))
"""

# Everything that a test must not change: columns (also dropped ones), constraints, indexes,
# triggers, functions, the schema's version, the key of erasures and the database's settings.
_SCHEMA = """
SELECT md5(string_agg(line, E'\n' ORDER BY line)) FROM (
    SELECT concat_ws(' ', c.relname, c.relkind, a.attname, a.atttypid, a.attnum, a.attnotnull)
    FROM pg_class AS c LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', tgrelid::regclass, tgname) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT version_num FROM alembic_version
    UNION ALL
    SELECT encode(key, 'hex') FROM erasure_key
    UNION ALL
    SELECT setconfig::text FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = setdatabase
    WHERE datname = current_database()
) AS lines (line)
"""


class SharedDatabase:
    """A copy of the template that is emptied and renamed after each test.

    The new name excludes what a test left running: late connections find no database.
    """

    def __init__(self, server: Server, template: str) -> None:
        self._server = server
        self._template = template
        self._admin = psycopg.connect(server.url(), autocommit=True)
        self._name = ""
        self._schema_hash = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()
        self._admin.close()

    @contextmanager
    def borrow(self) -> Iterator[str]:
        """Yield the URL of the empty database; empty it again afterwards.

        Raises AssertionError if the schema has changed: such a test needs its own database.
        """
        if not self._name:
            self._create()
        try:
            yield self._server.url(self._name)
        finally:
            self._rename()
            try:
                self._empty()
            except BaseException:
                self._drop()
                raise

    def _create(self) -> None:
        name = f"test_{uuid.uuid4().hex}"
        self._admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(self._template)
            )
        )
        self._name = name
        with psycopg.connect(self._server.url(name)) as connection:
            self._schema_hash = _schema_hash(connection)

    def _drop(self) -> None:
        name, self._name = self._name, ""
        if name:
            self._admin.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def _rename(self) -> None:
        """End the database's sessions and give it a name that no earlier test knows."""
        name = f"test_{uuid.uuid4().hex}"
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
            sql.Identifier(self._name), sql.Identifier(name)
        )
        for _ in range(100):
            self._admin.execute(_TERMINATE, [self._name])
            try:
                self._admin.execute(rename)
            except errors.ObjectInUse:  # there is a new connection
                continue
            self._name = name
            return
        raise AssertionError("The test left something running that reconnects again and again.")

    def _empty(self) -> None:
        with psycopg.connect(self._server.url(self._name), autocommit=True) as connection:
            if _schema_hash(connection) != self._schema_hash:
                raise AssertionError(
                    "The test has changed the schema of the shared database: "
                    "mark it with `own_database`."
                )
            written = [sql.SQL(name) for (name,) in connection.execute(_WRITTEN)]
            if written:
                connection.execute(
                    sql.SQL("TRUNCATE {} RESTART IDENTITY").format(sql.SQL(", ").join(written))
                )


def _schema_hash(connection: psycopg.Connection) -> str:
    row = connection.execute(_SCHEMA).fetchone()
    assert row is not None

    return str(row[0])
