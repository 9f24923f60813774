"""Tests of the feed after a restore and a failover, on a standby, and behind PgBouncer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app import create_app
from dev.postgres import Server
from receiver.changes.cursor import Start, decode, encode
from receiver.changes.feed import read_page
from receiver.services import services_of
from receiver.settings.config import load
from receiver.store.migrate import migrate
from tests.doctor.test_doctor import SOUND, run_doctor
from tests.support.command import run
from tests.support.consumer import Consumer
from tests.support.copies import restore, standby
from tests.support.environment import ENVIRON, KEY, close_app, open_engine
from tests.support.faults.pgbouncer import pgbouncer
from tests.support.postgres import new_database
from tests.support.stored_callbacks import callback, json_of, record_callback
from tests.support.writers import write

JOBS = ["job0", "job1", "job2", "job3"]


@contextmanager
def _client(url: str) -> Iterator[FlaskClient]:
    """Yield a client of an application on the database."""
    app = create_app(ENVIRON | {"DATABASE_URL": url})
    try:
        yield app.test_client()
    finally:
        close_app(app)


def _record(url: str, jobs: list[str]) -> None:
    with open_engine(url) as engine:
        for job in jobs:
            record_callback(engine, callback(job))


def _get(client: FlaskClient, cursor: str | None = None) -> tuple[int, str]:
    """Return the status and the reason of an answer to a consumer with this cursor."""
    arguments = {"cursor": cursor} if cursor else {}
    response = client.get("/v3/Changes", query_string=arguments, auth=KEY)

    return response.status_code, json_of(response).get("detail", "")


def test_database_that_was_restored_into_another_cluster_is_repaired(
    migrated: str, own_postgres: Server, consumer: Consumer
) -> None:
    """The feed and the doctor name the command; after it, every consumer starts anew."""
    with psycopg.connect(migrated, autocommit=True) as session:
        for _ in range(1_000):  # so that this cluster is ahead of the new one
            session.execute("SELECT pg_current_xact_id()")
    _record(migrated, JOBS)
    assert consumer.catch_up() == JOBS
    restore(migrated, own_postgres.url(), folder=own_postgres.folder)
    with _client(own_postgres.url()) as client:
        app = client.application
        status, detail = _get(client, consumer.cursor)
        assert status == 503
        assert "flask --app app changes repair" in detail
        sound, output = run_doctor(load(SOUND), services_of(app).engine)
        assert not sound
        assert "changes: 4 jobs restored from another cluster" in output
        assert run(app, "changes", "repair").stderr == "4 jobs repaired.\n"
        assert _get(client, consumer.cursor)[0] == 410
        anew = Consumer(client)
        assert sorted(anew.catch_up()) == JOBS
        _record(own_postgres.url(), ["job4", "job1"])
        assert anew.catch_up() == ["job4"]  # the same callback again is no change
        assert run(app, "changes", "repair").stderr == "0 jobs repaired.\n"


def test_cursor_of_another_database_is_refused(
    postgres: Server, migrated: str, consumer: Consumer
) -> None:
    """A database of the same cluster has other changes: 410, and the consumer starts anew."""
    _record(migrated, JOBS)
    consumer.catch_up()
    with new_database(postgres) as other, _client(other) as client:
        with open_engine(other) as engine:
            migrate(engine, report=lambda _: None)
        _record(other, JOBS[:1])
        status, detail = _get(client, consumer.cursor)
        assert status == 410
        assert "Start anew without a cursor" in detail
        assert Consumer(client).catch_up() == JOBS[:1]


@pytest.mark.own_database
def test_cursor_is_refused_after_a_restore_into_the_same_database(
    migrated: str, postgres: Server, consumer: Consumer
) -> None:
    """A dump that replaces the tables brings older states back: 410."""
    _record(migrated, JOBS)
    consumer.catch_up()
    with new_database(postgres) as copy:
        restore(migrated, copy, folder=postgres.folder)
        with psycopg.connect(migrated, autocommit=True) as admin:
            admin.execute("DROP SCHEMA public CASCADE")
            admin.execute("CREATE SCHEMA public")
        restore(copy, migrated, folder=postgres.folder)
    assert _get(consumer.client, consumer.cursor)[0] == 410


def test_standby_is_refused_and_a_failover_ends_cursors(
    own_postgres: Server, postgres_folder: Path
) -> None:
    """A standby answers 503; once it is promoted, a cursor of the old primary is a 410."""
    with open_engine(own_postgres.url()) as engine:
        migrate(engine, report=lambda _: None)
    _record(own_postgres.url(), JOBS)
    with _client(own_postgres.url()) as client:
        consumer = Consumer(client)
        consumer.catch_up()
    with (
        standby(own_postgres, postgres_folder / f"standby-of-{own_postgres.folder.name}") as server,
        _client(server.url()) as client,
    ):
        status, detail = _get(client, consumer.cursor)
        assert status == 503
        assert "standby" in detail
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute("SELECT pg_promote()")
        assert _get(client, consumer.cursor)[0] == 410
        assert Consumer(client).catch_up() == JOBS


def test_cursor_from_the_future_is_refused(engine: Engine, consumer: Consumer) -> None:
    """After a crash without the last commits, a copied disk has fewer transactions: 410."""
    record_callback(engine, callback("job"))
    consumer.catch_up()
    cursor = decode(consumer.cursor or "")
    since = replace(cursor.since, end=cursor.since.end + 1_000_000)
    assert _get(consumer.client, encode(replace(cursor, since=since)))[0] == 410


def test_numbers_are_compared_as_numbers(migrated: str, engine: Engine, consumer: Consumer) -> None:
    """A feed whose transactions get one digit more misses nothing."""
    with psycopg.connect(migrated, autocommit=True) as session:
        record_callback(engine, callback("before"))
        for _ in range(1_100):
            session.execute("SELECT pg_current_xact_id()")
        assert consumer.catch_up() == ["before"]
        session.execute("UPDATE transcriptions SET transaction_id = '99'")
        record_callback(engine, callback("after"))
    assert consumer.catch_up() == ["after"]


def test_ordinary_role_reads_the_feed(role_url: str, engine: Engine) -> None:
    """The feed needs no privilege but on the service's own tables."""
    record_callback(engine, callback("job"))
    with open_engine(role_url) as ordinary, ordinary.connect() as connection:
        assert len(read_page(connection, Start.BEGINNING, size=5, account_id=None).rows) == 1


def test_feed_is_complete_behind_pgbouncer(
    postgres: Server, migrated: str, postgres_folder: Path
) -> None:
    """A pooler in transaction mode changes nothing, also while a transaction is open."""
    with (
        pgbouncer(postgres, postgres_folder / "pgbouncer-feed") as url,
        psycopg.connect(migrated) as session,
    ):
        pooled = urlsplit(url)._replace(path=urlsplit(migrated).path).geturl()
        with _client(pooled) as client:
            consumer = Consumer(client)
            write(session, "late", 1)
            _record(migrated, JOBS)
            assert consumer.catch_up() == JOBS
            session.commit()
            assert consumer.catch_up() == ["late"]
            _record(pooled, ["job9"])
            assert consumer.catch_up() == ["job9"]
