"""Tests of Postgres restarts while callbacks arrive."""

import time
from signal import Signals

import pytest

from tests.support.faults.callbacks import callback
from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import (
    DIRECT_AND_POOLED,
    LONG_ONLY,
    POOLED_IN_LONG_PROFILE,
    Profile,
)
from tests.support.faults.restartable import FAST, IMMEDIATE, KILL
from tests.support.faults.sender import load, make_sender


@POOLED_IN_LONG_PROFILE
@pytest.mark.parametrize(
    "stop_signal",
    [pytest.param(FAST, marks=LONG_ONLY), pytest.param(IMMEDIATE, marks=LONG_ONLY), KILL],
    ids=lambda stop_signal: stop_signal.name,
)
def test_restart_under_load_loses_nothing(
    deployment: Deployment, profile: Profile, stop_signal: Signals
) -> None:
    """A stop of Postgres, by whatever signal, and its start under load lose no callback."""
    with deployment.serve() as web, load(web, profile.callbacks_per_second) as sender:
        sender.wait_for(20)
        deployment.postgres.stop(stop_signal)
        time.sleep(profile.outage_seconds)  # the outage
        deployment.postgres.start()
        sender.wait_for(40)
    deployment.check_stored(
        f"Postgres stopped ({stop_signal.name})", sender.deliveries, all_stored=True
    )


@POOLED_IN_LONG_PROFILE
def test_repeated_restarts_lose_nothing(deployment: Deployment, profile: Profile) -> None:
    """Repeated restarts, which interrupt callbacks in every stage, lose none."""
    with deployment.serve() as web, load(web, profile.callbacks_per_second) as sender:
        for _ in range(profile.kill_count):
            deployment.postgres.stop(FAST)
            deployment.postgres.start()
            # More callbacks than arrived during the restart.
            sender.wait_for(2 * profile.callbacks_per_second)
    deployment.check_stored("Postgres restarted repeatedly", sender.deliveries, all_stored=True)


@DIRECT_AND_POOLED
def test_first_burst_after_restart_is_accepted(deployment: Deployment) -> None:
    """Stale connections in the pool cause no failed callback after a restart."""
    with deployment.serve() as web, make_sender(web) as sender:
        sender.burst(map(callback, range(16)))
        deployment.postgres.stop(FAST)
        deployment.postgres.start()
        sender.burst(map(callback, range(16, 80)))
    assert {tuple(delivery.answers) for delivery in sender.deliveries} == {(204,)}
    deployment.check_stored("the first burst after a restart", sender.deliveries, all_stored=True)
