"""Tests of what the feed sends: erasures, retention, rebuilds, and what commits late."""

import psycopg
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from app import create_app
from receiver.services import services_of
from receiver.store.jobs.rebuild import rebuild
from tests.support.command import run
from tests.support.consumer import Consumer
from tests.support.environment import ENVIRON, KEY, close_app
from tests.support.retention import days_ago, run_pass
from tests.support.samples import ACCOUNT, OTHER_ACCOUNT
from tests.support.stored_callbacks import callback, record_callback
from tests.support.writers import be_stranger, write

SENTENCES = [{"text": "what the caller said"}]


def test_erased_job_is_sent_as_erased(app: Flask, engine: Engine, consumer: Consumer) -> None:
    """An erasure is a change; the job is thin then, and a repetition is no change."""
    record_callback(engine, callback("job", mediaUrl="https://example.com/a.wav"))
    record_callback(engine, callback("other"))
    consumer.catch_up()
    assert "erased" not in consumer.jobs["job"]
    for received in (["job"], []):
        assert run(app, "erase", "job", "job", "--yes").exit_code == 0
        assert consumer.catch_up() == received
    assert consumer.jobs["job"]["erased"] is True
    assert consumer.jobs["job"]["mediaUrl"] is None


def test_expired_transcript_is_a_change_and_a_removed_job_is_not(
    engine: Engine, consumer: Consumer
) -> None:
    """Retention sends a job when its transcript expires; once it is removed, it isn't sent."""
    record_callback(engine, callback("old", sentences=SENTENCES), at=days_ago(11))
    record_callback(engine, callback("older", sentences=SENTENCES), at=days_ago(31))
    assert consumer.catch_up() == ["old", "older"]
    run_pass(engine)
    assert consumer.catch_up() == ["old"]
    assert "expiredAt" in consumer.jobs["old"]["transcript"]
    record_callback(engine, callback("new"))
    assert consumer.catch_up() == ["new"]


def test_rebuild_sends_only_what_differs(engine: Engine, consumer: Consumer) -> None:
    """A rebuild of all jobs writes, and so sends, only those whose row was wrong or missing."""
    for job in ("right", "wrong", "missing"):
        record_callback(engine, callback(job, duration=7))
    consumer.catch_up()
    with engine.connect() as connection:
        connection.execute(text("UPDATE transcriptions SET duration = 8 WHERE id = 'wrong'"))
        connection.execute(text("DELETE FROM transcriptions WHERE id = 'missing'"))
    assert rebuild(engine, ["missing", "right", "wrong"]) == ["missing", "wrong"]
    assert sorted(consumer.catch_up()) == ["missing", "wrong"]


def test_open_transactions_neither_hide_nor_delay_a_change(
    migrated: str, engine: Engine, client: FlaskClient
) -> None:
    """While a stranger and a writer stay open, later changes are sent; then the writer's, once."""
    consumer = Consumer(client)
    with psycopg.connect(migrated) as stranger, psycopg.connect(migrated) as writer:
        be_stranger(stranger)
        write(writer, "late", 1)
        record_callback(engine, callback("first"))
        assert consumer.catch_up() == ["first"]
        record_callback(engine, callback("second"))
        assert consumer.catch_up() == ["second"]
        from_now = Consumer(client, cursor="now")
        from_now.catch_up()
        writer.commit()
        assert consumer.catch_up() == ["late"]
        assert from_now.catch_up() == ["late"]
        assert consumer.catch_up() == []
        stranger.commit()
        assert consumer.catch_up() == []


def test_writer_that_commits_between_two_pages_is_sent_in_the_next_sweep(
    migrated: str, engine: Engine, consumer: Consumer
) -> None:
    """A change whose place the sweep has passed, or not yet reached, is sent exactly once."""
    with psycopg.connect(migrated) as early, psycopg.connect(migrated) as late:
        write(early, "early", 1)
        for number in range(4):
            record_callback(engine, callback(f"job{number}"))
        write(late, "late", 1)
        record_callback(engine, callback("last"))
        assert consumer.read_page()["more"]
        early.commit()
        late.commit()
        assert consumer.catch_up() == ["job3", "last", "early", "late"]


def test_bound_key_is_sent_its_own_accounts_changes(app: Flask, engine: Engine) -> None:
    """The account is the key's, also with a cursor that another key got."""
    for number in range(6):
        account = (ACCOUNT, OTHER_ACCOUNT)[number % 2]
        record_callback(engine, callback(f"job{number}", accountId=account))
    bound = create_app(
        ENVIRON
        | {
            "DATABASE_URL": services_of(app).settings.database_url,
            "API_KEYS": f"{KEY[0]}@{OTHER_ACCOUNT}:{KEY[1]}",
        }
    )
    consumer = Consumer(app.test_client(), page_size=1)
    consumer.read_page()
    own = Consumer(bound.test_client(), cursor=consumer.cursor, page_size=2)
    assert own.catch_up() == ["job1", "job3", "job5"]
    record_callback(engine, callback("job6"))
    assert own.catch_up() == []
    close_app(bound)
