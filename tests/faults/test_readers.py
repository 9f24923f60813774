"""Tests of readers at full load: they don't delay callbacks."""

from collections.abc import Iterator

import pytest

from tests.support.environment import KEY
from tests.support.faults import readers
from tests.support.faults.deployment import Deployment
from tests.support.faults.figures import (
    check_deliveries,
    count_figures,
    stored_bodies,
    to_property,
)
from tests.support.faults.profiles import LONG_ONLY
from tests.support.faults.readers import Attack, attack, fill_jobs, long_call, tiny_sentences
from tests.support.faults.sender import Sender, make_sender
from tests.support.server import WebServer

Target = tuple[Deployment, WebServer, Sender]

JOB_COUNT = 50_000
CALLBACKS_PER_SECOND = 10
CALLBACK_COUNT = 12
# The bound for operators is 2 s. On a machine that runs other tests too, only a much longer time
# shows that callbacks waited for readers.
MAX_SECONDS = 5.0


@pytest.fixture(scope="module")
def target(shared_service: tuple[Deployment, WebServer]) -> Iterator[Target]:
    """Yield a service with many jobs and long transcripts, and the sender of its callbacks."""
    deployment, web = shared_service
    fill_jobs(deployment.database, JOB_COUNT)
    with make_sender(web) as sender:
        sender.burst([long_call(), *map(tiny_sentences, readers.TINY_JOBS)])
        yield deployment, web, sender


@pytest.mark.parametrize(
    "run",
    [
        readers.read_long_call,
        readers.read_tiny_sentences,
        readers.read_filter_pair,
        readers.probe_readiness,
        readers.read_exports,
        pytest.param(readers.read_completeness, marks=LONG_ONLY),
        pytest.param(readers.read_lists, marks=LONG_ONLY),
        pytest.param(readers.read_bodies, marks=LONG_ONLY),
    ],
    ids=lambda run: run.__name__,
)
def test_readers_do_not_delay_callbacks(
    target: Target, run: Attack, request: pytest.FixtureRequest
) -> None:
    """While readers send requests without a pause, each callback is stored at the first attempt."""
    deployment, web, sender = target
    first = len(sender.deliveries)
    with attack(run, web, KEY), sender.load(CALLBACKS_PER_SECOND):
        sender.wait_for(CALLBACK_COUNT)
        sender.wait_for_answers()
    # The last callbacks of the load.
    sender.wait_for_answers()
    deliveries = sender.deliveries[first:]
    assert {tuple(delivery.answers) for delivery in deliveries} == {(204,)}
    sent = {delivery.body for delivery in deliveries}
    stored = [body for body in stored_bodies(deployment.database) if body in sent]
    check_deliveries(deliveries, stored)
    figures = count_figures(f"readers: {run.__name__}", deliveries, set(stored))
    request.node.user_properties.append(to_property(figures))
    assert figures.slowest_seconds < MAX_SECONDS
