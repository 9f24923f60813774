"""Tests of the text search configurations: whose they are, and that they outlive a dump."""

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from dev.paths import find_binaries
from dev.postgres import Server
from receiver.store.engine import transactional
from receiver.store.migrate import migrate
from receiver.store.page import Span
from receiver.store.search.highlight import START, STOP, SearchedText, choose_sentences
from receiver.store.search.matches import Search, find_matches
from receiver.store.search.query import parse_query
from tests.support.environment import open_engine
from tests.support.postgres import new_database
from tests.support.searching import index, record_spoken

pytestmark = pytest.mark.both_postgres


@pytest.fixture
def owner_url(database: str) -> Iterator[str]:
    """Yield the URL of a role that owns nothing but a schema of its own, and finds only that."""
    name = f"role_{uuid.uuid4().hex}"
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
        admin.execute(f"CREATE SCHEMA receiver AUTHORIZATION {name}")
        url = make_url(database).set(
            username=name, password=name, query={"options": "-csearch_path=receiver"}
        )
        yield url.render_as_string(hide_password=False)
        admin.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _search(url: str) -> tuple[list[str], list[str]]:
    """Return the ids of the found jobs, and a sentence with its marks."""
    with open_engine(url) as engine, transactional(engine).connect() as connection:
        queries = parse_query(connection, "rückerstattung")
        page = find_matches(connection, Search(queries=queries), Span(size=9))
        text = SearchedText("transcript_german", ["zwei rückerstattungen"])
        chosen = choose_sentences(connection, queries, [text])

        return [row["id"] for row in page.rows], [each.headline for each in chosen]


def test_role_that_owns_only_its_schema(postgres: Server, owner_url: str, tmp_path: Path) -> None:
    """Such a role migrates, indexes and searches, and so it does in a restored dump."""
    with open_engine(owner_url) as engine:
        migrate(engine, report=lambda _: None)
        record_spoken(engine, "job", "Die Rückerstattungen.", language="de-DE")
        assert index(engine) == {"indexed": 1}
    expected = (["job"], [f"zwei {START}rückerstattungen{STOP}"])
    assert _search(owner_url) == expected
    with psycopg.connect(postgres.url()) as connection:
        version = connection.info.server_version // 10_000
    programs = find_binaries(version, within=tmp_path)
    with new_database(postgres) as restored:
        name, dump = str(make_url(owner_url).database), tmp_path / "dump.sql"
        _run(programs / "pg_dump", "--schema=receiver", f"--file={dump}", postgres.url(name))
        _run(programs / "psql", "--set=ON_ERROR_STOP=1", f"--file={dump}", restored)
        url = make_url(owner_url).set(database=make_url(restored).database)
        assert _search(url.render_as_string(hide_password=False)) == expected
