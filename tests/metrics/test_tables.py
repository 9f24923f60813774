"""Tests of the page while one of the tables of the metrics can't be read."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Engine, text

from app import create_app
from receiver.services import services_of
from receiver.store.engine import transactional
from tests.support.environment import close_app
from tests.support.metrics import value
from tests.support.push_receiver import SECRET, PushReceiver

# What is missing without each table.
METRICS = {
    "metric_counts": "receiver_callbacks_total",
    "metric_workers": None,  # the page has the state of the worker that answers
    "metric_figures": "receiver_figures_timestamp_seconds",
    "rejected_not_kept": "receiver_rejected_not_kept_total",
    "push_endpoints": "receiver_push_lag_seconds",
}
Block = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def app(environ: dict[str, str], role_url: str) -> Iterator[Flask]:
    """Yield an application with an endpoint of push, whose role isn't the tables' owner."""
    push = PushReceiver(secrets=[SECRET], url="https://orders.example.com/hook").environ()
    app = create_app(environ | push | {"DATABASE_URL": role_url}, metrics_seconds=0)
    yield app
    close_app(app)


@pytest.fixture(params=["locked", "revoked"])
def block(
    request: pytest.FixtureRequest, engine: Engine, admin: psycopg.Connection, role: str
) -> Block:
    """Return what keeps the application from a table, for a time."""

    @contextmanager
    def lock(table: str) -> Iterator[None]:
        with transactional(engine).begin() as connection:
            connection.execute(text(f"LOCK TABLE {table}"))
            yield

    @contextmanager
    def revoke(table: str) -> Iterator[None]:
        admin.execute(f"REVOKE ALL ON {table} FROM {role}")
        yield

    return lock if request.param == "locked" else revoke


@pytest.mark.parametrize("table", METRICS)
def test_only_the_metrics_of_the_table_are_missing(
    table: str, app: Flask, block: Block, caplog: pytest.LogCaptureFixture
) -> None:
    """The database is up; the page and the log name the table."""
    metrics = services_of(app).metrics
    metrics.write()
    with block(table), caplog.at_level(logging.WARNING):
        page = metrics.page().decode()
    assert value(page, "receiver_database_up") == 1
    for name, metric in METRICS.items():
        is_readable = name != table
        assert value(page, "receiver_table_readable", {"table": name}) == is_readable
        if metric:
            assert (f"# TYPE {metric} " in page) == is_readable
    assert "receiver_workers 1.0" in page
    assert f"the metrics lack those of the table {table}" in caplog.text


def test_figures_that_are_read_again(app: Flask, block: Block) -> None:
    """The console's figures name the table that can't be read, and have what the others have."""
    latest = services_of(app).metrics.latest
    services_of(app).metrics.write()
    with block("push_endpoints"):
        found = latest.get()
    assert found.is_up
    assert found.figures
    assert found.figures.groups
    assert found.figures.endpoints == {}
    assert [table for table, reason in found.figures.tables.items() if reason] == ["push_endpoints"]
