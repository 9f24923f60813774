"""Tests of the metrics of push."""

import pytest
from flask import Flask
from sqlalchemy import text

from receiver.services import services_of
from tests.support.app import Reader
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
    endpoints = services_of(app).metrics.read().endpoints
    assert endpoints
    assert endpoints.keys() == {"orders"}
    state = endpoints["orders"]
    assert state
    assert state.lag_seconds >= 3600
    assert state.disabled_at
