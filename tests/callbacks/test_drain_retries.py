"""Spooled callbacks that fail: they are tried again, without a restart."""

from typing import Any

import pytest
from sqlalchemy import Engine

from receiver.callbacks import drain as module
from receiver.callbacks.drain import Drain, DrainResult
from receiver.spool.folder import Spool
from receiver.store.ledger.record import record_or_quarantine
from receiver.store.ledger.recorded import Recorded
from tests.support.spooled import spool_callbacks, spooled_body
from tests.support.store_events import count_deliveries
from tests.support.waiting import wait_until


def test_a_failed_file_is_tried_again(
    engine: Engine, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an error that isn't the file's own, the file waits for a moment and is then moved."""
    spool_callbacks(spool, spooled_body(1))
    errors = iter([ZeroDivisionError(), ZeroDivisionError()])

    def fail_twice(*arguments: Any) -> Recorded:
        if error := next(errors, None):
            raise error
        return record_or_quarantine(*arguments)

    monkeypatch.setattr(module, "record_or_quarantine", fail_twice)
    drain = Drain(engine, spool, [], first_retry_seconds=0.01)
    results: list[DrainResult] = []

    def is_moved() -> bool:
        results.extend(drain.run(drain.waiting()))
        return results[-1].moved

    wait_until(is_moved)
    assert [result.moved for result in results] == [False, False, True]
    assert count_deliveries(engine) == (1, 1)
