"""Fixtures of this folder."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, QueuePool

from receiver.store.rejected.dropped import dropped_counts
from tests.support.rejected_store import Counts
from tests.support.waiting import wait_until


@pytest.fixture
def counts(engine: Engine) -> Iterator[Counts]:
    """Yield a function that returns the stored counts of dropped requests."""

    def read() -> dict[str, int]:
        with engine.connect() as connection:
            return {row.reason: row.requests for row in dropped_counts(connection)}

    yield read
    # The thread that wrote the counts may still have its connection.
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    wait_until(lambda: pool.checkedout() == 0)
