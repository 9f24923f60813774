"""Database roles that may read and write the service's tables, but aren't superusers."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from sqlalchemy import make_url


@contextmanager
def ordinary_role(url: str, *, may_set: str = "") -> Iterator[str]:
    """Yield a URL of the same database for a new role, which may set these parameters."""
    name, password = f"role_{uuid.uuid4().hex}", uuid.uuid4().hex
    role = sql.Identifier(name)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
        for kind in ("TABLES", "SEQUENCES"):
            grant = sql.SQL("GRANT ALL ON ALL {} IN SCHEMA public TO {}")
            admin.execute(grant.format(sql.SQL(kind), role))
        if may_set:
            names = sql.SQL(", ").join(map(sql.SQL, may_set.split()))
            admin.execute(sql.SQL("GRANT SET ON PARAMETER {} TO {}").format(names, role))
        try:
            changed = make_url(url).set(username=name, password=password)
            yield changed.render_as_string(hide_password=False)
        finally:
            admin.execute(sql.SQL("DROP OWNED BY {}").format(role))
            admin.execute(sql.SQL("DROP ROLE {}").format(role))
