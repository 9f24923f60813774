"""Postgres goes and comes back while callbacks arrive."""

import time
from signal import Signals

import pytest

from tests.support.faults.callbacks import callback
from tests.support.faults.deployment import Deployment
from tests.support.faults.forms import BOTH_WAYS, BOTH_WAYS_AT_LENGTH, LONG_ONLY, Form
from tests.support.faults.restartable import FAST, IMMEDIATE, KILL
from tests.support.faults.sender import calling, load


@BOTH_WAYS_AT_LENGTH
@pytest.mark.parametrize(
    "how",
    [pytest.param(FAST, marks=LONG_ONLY), pytest.param(IMMEDIATE, marks=LONG_ONLY), KILL],
    ids=lambda how: how.name,
)
def test_it_is_stopped_and_started_under_load(
    deployment: Deployment, form: Form, how: Signals
) -> None:
    """However it ended: what comes meanwhile is held, and kept when it is back."""
    with deployment.serve() as web, load(web, form.rate) as sender:
        sender.wait_for(20)
        deployment.postgres.stop(how)
        time.sleep(form.away)  # how long it is away
        deployment.postgres.start()
        sender.wait_for(40)
    deployment.settle(f"Postgres stopped ({how.name})", sender.deliveries, everything=True)


@BOTH_WAYS_AT_LENGTH
def test_it_restarts_again_and_again(deployment: Deployment, form: Form) -> None:
    """Each restart finds callbacks in every stage; not one is lost."""
    with deployment.serve() as web, load(web, form.rate) as sender:
        for _ in range(form.kills):
            deployment.postgres.stop(FAST)
            deployment.postgres.start()
            sender.wait_for(2 * form.rate)  # what came meanwhile, and then some
    deployment.settle("Postgres restarted, again and again", sender.deliveries, everything=True)


@BOTH_WAYS
def test_the_first_burst_after_its_return_is_taken(deployment: Deployment) -> None:
    """Connections that have gone stale in the pool are no reason to fail, not even once."""
    with deployment.serve() as web, calling(web) as sender:
        sender.burst(map(callback, range(16)))
        deployment.postgres.stop(FAST)
        deployment.postgres.start()
        sender.burst(map(callback, range(16, 80)))
    assert {tuple(delivery.answers) for delivery in sender.deliveries} == {(204,)}
    deployment.settle("the first burst after a restart", sender.deliveries, everything=True)
