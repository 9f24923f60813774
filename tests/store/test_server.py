"""What the server tells of itself."""

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
def limited(postgres: Server, database: str) -> Iterator[str]:
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


def room(engine: Engine) -> int:
    """Return the room that the server tells of."""
    with engine.connect() as connection:
        return describe_server(connection).available_connections


def test_the_version_is_the_major_one(postgres: Server) -> None:
    """It is told as people speak of it."""
    with psycopg.connect(postgres.url()) as other:
        version = other.info.server_version
    with open_engine(postgres.url()) as engine, engine.connect() as connection:
        assert describe_server(connection).version == version // 10_000


def test_the_servers_limit_holds_without_its_reserve(postgres: Server) -> None:
    """Of 100 connections the superuser's are none of ours."""
    with open_engine(postgres.url()) as engine:
        assert 0 < room(engine) <= 97


def test_the_roles_limit_holds(limited: str) -> None:
    """A hosted database limits the role far below the server."""
    with open_engine(limited) as engine:
        assert room(engine) == LIMIT


def test_others_take_room_and_our_own_do_not(limited: str) -> None:
    """The web process counts as itself, whatever else is connected counts against it."""
    with (
        open_engine(limited) as asking,
        open_engine(limited) as serving,
        serving.connect(),
        psycopg.connect(limited, application_name="somebody else"),
    ):
        assert room(asking) == LIMIT - 1


def test_the_databases_limit_holds(limited: str, postgres: Server) -> None:
    """Whichever limit is the least counts."""
    name = sql.Identifier(urlsplit(limited).path[1:])
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 3").format(name))
    with open_engine(limited) as engine:
        assert room(engine) == 3
