"""Checks that the role may read and write the service's tables.

A hosting plan revokes INSERT beyond its row limit, and an operator may have forgotten a GRANT or a
policy for row-level security. Then each callback is answered 503.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from receiver.store.problem import Problem

_READ = ("SELECT",)
_RECORD = ("SELECT", "INSERT", "UPDATE")
_ALL = ("SELECT", "INSERT", "UPDATE", "DELETE")

# What a callback needs: without these, it is answered 503.
CALLBACK_PRIVILEGES = {
    "alembic_version": _READ,
    "events": _RECORD,
    "transcriptions": _RECORD,
    "tombstones": _READ,
    "erasure_key": _READ,
    "holds": _READ,  # of a callback whose address was erased
}
# What the web process, the reconciler and all commands except `migrate` need.
PRIVILEGES = {
    "alembic_version": _READ,
    "events": _ALL,  # DELETE: `doctor --send-test` removes its test callback
    "transcriptions": _ALL,
    "watches": _ALL,
    "passes": _ALL,
    "submissions": _ALL,
    "rejected": _ALL,
    "rejected_not_kept": _RECORD,
    "tombstones": _ALL,
    "erasure_key": _RECORD,  # `erase reapply` takes over the key of another database
    "erasures": _ALL,
    "holds": _ALL,
    "retention_progress": _RECORD,
    "audit": _ALL,  # UPDATE: the deletion of expired rows locks them
    "metric_counts": _RECORD,
    "metric_workers": _ALL,
    "metric_figures": _RECORD,
    "push_endpoints": _RECORD,
    "transcript_index": _ALL,
    "search_progress": _RECORD,
}

# A privilege on single columns may be enough, which only the statement itself could show. The same
# is true of a policy; without any policy, row-level security refuses everything.
_MISSING = text("""
SELECT relname AS table, privilege, is_refused_by_policy, quote_ident(current_user) AS role
FROM unnest(CAST(:tables AS text[]), CAST(:privileges AS text[]))
    WITH ORDINALITY AS needed(name, privilege, position)
JOIN pg_class AS c ON c.oid = to_regclass(name)
CROSS JOIN LATERAL (SELECT
    CASE privilege
        WHEN 'DELETE' THEN has_table_privilege(c.oid, privilege)
        ELSE has_any_column_privilege(c.oid, privilege)
    END AS is_granted,
    row_security_active(c.oid) AND NOT EXISTS (
        SELECT FROM pg_policy
        WHERE polrelid = c.oid AND polpermissive
        AND polcmd IN ('*', CASE privilege
            WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w' ELSE 'd'
        END)
        AND (0 = ANY(polroles) OR EXISTS (
            SELECT FROM unnest(polroles) AS granted WHERE granted <> 0
            AND pg_has_role(granted, 'USAGE')
        ))
    ) AS is_refused_by_policy
) AS checked
WHERE NOT is_granted OR is_refused_by_policy
ORDER BY position
""")


def find_missing_privileges(
    connection: Connection, needed: Mapping[str, tuple[str, ...]]
) -> list[Problem]:
    """Return a problem for each table on which the role lacks a needed privilege.

    A table that doesn't exist is no problem here: the schema's version shows that.
    """
    pairs = [(table, privilege) for table, names in needed.items() for privilege in names]
    tables, privileges = (list(column) for column in zip(*pairs, strict=True))
    rows = connection.execute(_MISSING, {"tables": tables, "privileges": privileges}).all()

    return [*_not_granted(rows), *_refused_by_policy(rows)]


def _not_granted(rows: Sequence[Row[Any]]) -> Iterator[Problem]:
    for table, refused in _by_table(row for row in rows if not row.is_refused_by_policy):
        privileges = ", ".join(row.privilege for row in refused)
        yield Problem(
            f"the role {refused[0].role} lacks {privileges} on the table {table}",
            f"Run `GRANT {privileges} ON {table} TO {refused[0].role}` as the table's owner. A "
            "hosting plan revokes INSERT beyond its limit of rows or bytes: choose a larger plan.",
        )


def _refused_by_policy(rows: Sequence[Row[Any]]) -> Iterator[Problem]:
    for table, refused in _by_table(row for row in rows if row.is_refused_by_policy):
        privileges = ", ".join(row.privilege for row in refused)
        yield Problem(
            f"row-level security refuses {privileges} on the table {table} to the role "
            f"{refused[0].role}",
            f"Run `ALTER TABLE {table} DISABLE ROW LEVEL SECURITY` as the table's owner, or "
            f"`ALTER ROLE {refused[0].role} BYPASSRLS`.",
        )


def _by_table(rows: Iterable[Row[Any]]) -> list[tuple[str, list[Row[Any]]]]:
    grouped: dict[str, list[Row[Any]]] = {}
    for row in rows:
        grouped.setdefault(row.table, []).append(row)

    return list(grouped.items())
