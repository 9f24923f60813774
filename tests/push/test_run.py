"""Tests of a run of `push` that is interrupted."""

import os
import signal
import threading

import pytest
from sqlalchemy import Engine

from receiver.push.run import push_once
from tests.support.pushing import Endpoint, state_of
from tests.support.stored_callbacks import callback, record_callback


def test_interrupted_run_ends_after_the_attempt(engine: Engine) -> None:
    """Ctrl-C ends a run between two attempts: what was delivered is stored, the claim is ended."""
    endpoint, stopping = Endpoint(), threading.Event()
    pusher = endpoint.pusher(engine, is_stopping=stopping.is_set)
    push_once([pusher], stop=stopping.set)
    for job in ("job0", "job1"):
        record_callback(engine, callback(job))

    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert stopping.wait(30)

    endpoint.before_answer = interrupt
    with pytest.raises(KeyboardInterrupt):
        push_once([pusher], stop=stopping.set)
    state = state_of(engine)
    assert (endpoint.jobs(), state.is_claimed) == (["job0"], False)
    endpoint.before_answer = lambda: None
    stopping.clear()
    push_once([pusher], stop=stopping.set)
    assert endpoint.jobs() == ["job1"]
