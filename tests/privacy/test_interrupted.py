"""Tests of erasures that are interrupted, or run at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from receiver.privacy.erase import erase, erase_by_id
from receiver.privacy.erasure import Limits
from receiver.privacy.reapply import reapply
from receiver.privacy.target import Target
from receiver.runtime.deadline import Deadline
from receiver.services import services_of
from receiver.store.erasure.receipts import Receipt, Requester
from receiver.store.erasure.writers import UnfinishedWriteError
from receiver.store.tables import erasures
from tests.support.app import Twilio
from tests.support.erasing import ADDRESS, body, is_stored, rows_of

REQUESTER = Requester(name="user:officer", reason="case 17")
JOBS = 5


class _KilledError(Exception):
    """Ends an erasure as a kill does: between two of its steps."""


def _kill_after(count: int) -> Callable[[str, int], None]:
    """Return a report of progress that ends the erasure at its call with this number."""
    calls = 0

    def report(_place: str, _rows: int) -> None:
        nonlocal calls
        calls += 1
        if calls > count:
            raise _KilledError

    return report


def _erase(app: Flask, **options: Callable[[str, int], None]) -> Receipt:
    parts = services_of(app)

    return erase(parts.engine, Target("address", ADDRESS), REQUESTER, spool=parts.spool, **options)


def _fill(twilio: Twilio) -> None:
    for number in range(JOBS):
        twilio.call(body(id=f"job_{number}"))
    twilio.call(b'["+15551234567"]')


@pytest.mark.parametrize("calls", range(JOBS + 2))
def test_interrupted_erasure_continues(app: Flask, twilio: Twilio, calls: int) -> None:
    """A killed erasure continues with its receipt, and counts nothing twice."""
    _fill(twilio)
    with pytest.raises(_KilledError):
        _erase(app, report=_kill_after(calls))
    [receipt] = rows_of(app, erasures)
    assert receipt.completed_at is None
    receipt = _erase(app)
    assert receipt.completed_at
    assert receipt.counts == {"jobs": JOBS, "events": JOBS + 1, "bodies": JOBS + 1}
    assert [row.id for row in rows_of(app, erasures)] == [receipt.id]
    assert not is_stored(app, ADDRESS)


def test_erasure_of_another_officer_completes_an_interrupted_one(
    app: Flask, twilio: Twilio
) -> None:
    """Each officer has a receipt of their own, and the later erasure completes the earlier one."""
    _fill(twilio)
    with pytest.raises(_KilledError):
        _erase(app, report=_kill_after(2))
    parts = services_of(app)
    other = Requester(name="user:another")
    erase(parts.engine, Target("address", ADDRESS), other, spool=parts.spool)
    first, second = rows_of(app, erasures)
    assert first.completed_at
    assert second.completed_at
    assert first.counts["jobs"] + second.counts["jobs"] == JOBS


def test_erasures_at_the_same_time(app: Flask, twilio: Twilio) -> None:
    """Erasures of one target at the same time all end, and count each row once."""
    _fill(twilio)
    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(lambda _: _erase(app), range(4)))
    assert all(receipt.completed_at for receipt in receipts)
    rows = rows_of(app, erasures)
    assert sum(row.counts.get("bodies", 0) for row in rows) == JOBS + 1
    assert sum(row.counts.get("jobs", 0) for row in rows) == JOBS
    assert not is_stored(app, ADDRESS)


def test_interrupted_reapplication_continues(app: Flask, twilio: Twilio) -> None:
    """`erase reapply` continues with its receipt too."""
    _fill(twilio)
    _erase(app)
    engine = services_of(app).engine
    with pytest.raises(_KilledError):
        reapply(engine, REQUESTER, report=_kill_after(0))
    receipt = reapply(engine, REQUESTER, report=_kill_after(1000))
    assert receipt.kind == "reapply"
    assert len(rows_of(app, erasures)) == 2


def test_write_that_does_not_end(app: Flask, twilio: Twilio) -> None:
    """An erasure that ends because of a write that doesn't end isn't complete, and continues."""
    _fill(twilio)
    engine = create_engine(services_of(app).engine.url)
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE submissions IN ROW EXCLUSIVE MODE"))
        with pytest.raises(UnfinishedWriteError):
            erase_by_id(services_of(app).engine, "job_0", REQUESTER, Limits(deadline=Deadline(0.5)))
    engine.dispose()
    [receipt] = rows_of(app, erasures)
    assert receipt.completed_at is None
    done = erase_by_id(services_of(app).engine, "job_0", REQUESTER, Limits())
    assert done.id == receipt.id
    assert done.completed_at
