"""What the service needs of a database: its version, its encoding, and its tables' names.

`migrate` refuses a database that lacks something, and `doctor` names it.
"""

from typing import Any

from sqlalchemy import Connection, Row, text

from receiver.runtime.errors import SafeMessageError
from receiver.store.problem import Problem
from receiver.store.schema import find_version, schema_state
from receiver.store.tables import metadata

MIN_POSTGRES_VERSION = 16
ENCODING = "UTF8"

_FACTS = text("""
SELECT current_setting('server_version_num')::int / 10000 AS version,
       getdatabaseencoding() AS encoding,
       current_setting('search_path') AS search_path,
       current_schema() AS schema,
       quote_ident(current_schema()) AS quoted_schema,
       quote_ident(current_user) AS role,
       has_schema_privilege(current_schema(), 'CREATE') AS may_create
""")

_OTHERS_TABLES = text("""
SELECT name, quote_ident(pg_get_userbyid(relowner)) AS owner
FROM unnest(CAST(:names AS text[])) WITH ORDINALITY AS wanted(name, position)
JOIN pg_class ON pg_class.oid = to_regclass(name)
WHERE :any_owner OR NOT pg_has_role(relowner, 'USAGE')
ORDER BY position
""")

_TABLES = [*metadata.tables, "alembic_version"]


class UnsuitableDatabaseError(SafeMessageError):
    """The database can't be migrated; the message names each problem and its remedy."""


def check_requirements(connection: Connection) -> None:
    """Raise UnsuitableDatabaseError if `migrate` must not, or can't, change the database."""
    problems = find_problems(connection)
    if not problems and schema_state(connection) in {"behind", "unreadable"}:
        problems = find_migration_problems(connection)
    if problems:
        raise UnsuitableDatabaseError(" ".join(map(str, problems)))


def find_problems(connection: Connection) -> list[Problem]:
    """Return what makes the database unsuitable for the service, at any version of the schema."""
    facts = connection.execute(_FACTS).one()
    problems = (
        version_problem(facts.version),
        encoding_problem(facts.encoding),
        _name_conflict(connection),
    )

    return [problem for problem in problems if problem]


def version_problem(version: int) -> Problem | None:
    """Return a problem if this major version of Postgres is too old."""
    if version >= MIN_POSTGRES_VERSION:
        return None

    return Problem(
        f"Postgres {version} is too old",
        f"Upgrade the database to Postgres {MIN_POSTGRES_VERSION} or newer.",
    )


def encoding_problem(encoding: str) -> Problem | None:
    """Return a problem if the database can't store every character.

    A callback with a name beyond the encoding would be quarantined.
    """
    if encoding == ENCODING:
        return None

    return Problem(
        f"the database has the encoding {encoding}, which can't store every name",
        f"Create one with UTF8: `createdb --encoding {ENCODING} --template template0 NAME`.",
    )


def read_encoding_problem(connection: Connection) -> Problem | None:
    """Return the problem of the database's encoding, if there is one."""
    return encoding_problem(connection.execute(text("SELECT getdatabaseencoding()")).scalar_one())


def find_migration_problems(connection: Connection) -> list[Problem]:
    """Return which privileges this role lacks to migrate the database."""
    facts = connection.execute(_FACTS).one()
    if facts.schema is None:
        return [
            Problem(
                f"the role {facts.role} can use no schema of its search_path ({facts.search_path})",
                f"Create the schema, or run `GRANT USAGE, CREATE ON SCHEMA public TO {facts.role}` "
                "as the owner of the database.",
            )
        ]

    return _missing_create(facts) + [
        Problem(
            f"the table {table.name} belongs to the role {table.owner}, so {facts.role} can't "
            "change it",
            f"Migrate as {table.owner}, or run `GRANT {table.owner} TO {facts.role}`.",
        )
        for table in _select_tables(connection, any_owner=False)
    ]


def _missing_create(facts: Row[Any]) -> list[Problem]:
    if facts.may_create:
        return []

    return [
        Problem(
            f"the role {facts.role} may not create tables in the schema {facts.quoted_schema}",
            f"Run `GRANT CREATE ON SCHEMA {facts.quoted_schema} TO {facts.role}` as the owner of "
            "the database.",
        )
    ]


def _name_conflict(connection: Connection) -> Problem | None:
    state = schema_state(connection)
    if state == "foreign":
        names = ["alembic_version"]
    elif state == "behind" and not find_version(connection):
        rows = _select_tables(connection, any_owner=True)
        names = [row.name for row in rows if row.name != "alembic_version"]
    else:
        return None
    if not names:
        return None

    return Problem(
        f"another application uses the same table names ({', '.join(names)})",
        "Give the service a database of its own, or a schema of its own: CREATE SCHEMA receiver, "
        "and DATABASE_URL with ?options=-csearch_path%3Dreceiver at its end.",
    )


def _select_tables(connection: Connection, *, any_owner: bool) -> list[Row[Any]]:
    return list(
        connection.execute(_OTHERS_TABLES, {"names": _TABLES, "any_owner": any_owner}).all()
    )
