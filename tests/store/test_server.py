"""Tests of what the server reports about itself."""

import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine

from dev.postgres import Server
from receiver.store.server import describe_server
from tests.support.environment import open_engine

LIMIT = 5


@pytest.fixture
def limited_url(postgres: Server, database: str) -> Iterator[str]:
    """Yield the URL of a fresh database for a role that may have five connections."""
    name = sql.Identifier(role := f"limited_{secrets.token_hex(4)}")
    password = secrets.token_hex(8)
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} CONNECTION LIMIT {}")
        admin.execute(create.format(name, sql.Literal(password), sql.Literal(LIMIT)))
        yield f"postgresql://{role}:{password}@127.0.0.1:{postgres.port}{urlsplit(database).path}"
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s",
            (role,),
        )
        admin.execute(sql.SQL("DROP ROLE {}").format(name))


def available_connections(engine: Engine) -> int:
    """Return how many connections the server reports as available."""
    with engine.connect() as connection:
        return describe_server(connection).available_connections


def test_version_is_the_major_version(postgres: Server) -> None:
    """The reported version is the major version."""
    with psycopg.connect(postgres.url()) as other:
        version = other.info.server_version
    with open_engine(postgres.url()) as engine, engine.connect() as connection:
        assert describe_server(connection).version == version // 10_000


def test_server_limit_excludes_reserved_connections(postgres: Server) -> None:
    """The server's limit counts without the connections that it reserves for superusers."""
    with open_engine(postgres.url()) as engine:
        assert 0 < available_connections(engine) <= 97


def test_role_limit_counts(limited_url: str) -> None:
    """A role's limit counts, which a hosted database sets far below the server's."""
    with open_engine(limited_url) as engine:
        assert available_connections(engine) == LIMIT


def test_only_other_programs_connections_count(limited_url: str) -> None:
    """Other programs' connections are subtracted, and the service's own are not."""
    with (
        open_engine(limited_url) as querying,
        open_engine(limited_url) as serving,
        serving.connect(),
        psycopg.connect(limited_url, application_name="another program"),
    ):
        assert available_connections(querying) == LIMIT - 1


def test_database_limit_counts(limited_url: str, postgres: Server) -> None:
    """The lowest of the limits counts, for example the database's."""
    name = sql.Identifier(urlsplit(limited_url).path[1:])
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 3").format(name))
    with open_engine(limited_url) as engine:
        assert available_connections(engine) == 3
