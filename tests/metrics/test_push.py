"""Tests of the metrics of push."""

from datetime import timedelta

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from receiver.services import services_of
from receiver.store.metrics.read import read_figures, read_snapshot
from tests.support.app import Reader
from tests.support.environment import open_engine
from tests.support.push_receiver import SECRET, PushReceiver


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Name an endpoint."""
    receiver = PushReceiver(secrets=[SECRET], url="https://orders.example.com/hook")

    return environ | receiver.environ()


def test_endpoint_has_a_lag_before_it_is_started(app: Flask, read: Reader) -> None:
    """The lag of an endpoint of the settings has a value, and one that was removed has none."""
    assert 'receiver_push_lag_seconds{endpoint="orders"} +Inf' in read("/metrics").text
    with services_of(app).engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO push_endpoints (name, caught_up_at, disabled_at)"
                " VALUES ('orders', now() - interval '1 hour', now()), ('removed', now(), NULL)"
            )
        )
        snapshot = services_of(app).metrics.read(connection)
    assert snapshot.endpoints.keys() == {"orders"}
    state = snapshot.endpoints["orders"]
    assert state
    assert state.lag_seconds >= 3600
    assert state.disabled_at


def test_other_metrics_do_not_need_the_table_of_push(
    admin: psycopg.Connection, role: str, role_url: str
) -> None:
    """If the role may not read the endpoints, only their state is unknown."""
    admin.execute(f"REVOKE ALL ON push_endpoints FROM {role}")
    with open_engine(role_url) as engine:
        for read in (read_snapshot, read_figures):
            with engine.connect() as connection:
                found = read(connection, max_age=timedelta(minutes=1), endpoints=["orders"])
            assert found.endpoints == {"orders": None}
