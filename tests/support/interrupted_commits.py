"""Run under gevent: time out a batch of three events while a job is locked, then record one event.

Prints the name of the exception, and the job of the last event, read by the event's number.
"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402 - gevent comes first

from sqlalchemy import select, text  # noqa: E402

from receiver.runtime.timeouts import time_limit  # noqa: E402
from receiver.store.engine import make_engine, transactional  # noqa: E402
from receiver.store.ledger.record import record, record_newest  # noqa: E402
from receiver.store.tables import events  # noqa: E402
from tests.support.store_events import START, make_event  # noqa: E402

HEAD = {"status": "COMPLETED", "sentences": 5, "updated_at": START}


def main(url: str) -> None:
    """Use a pool of one connection; a second engine holds the lock."""
    own, other = (make_engine(url, pool_size=1) for _ in range(2))
    first, *batch = (make_event(HEAD, job=job, minutes=3) for job in ("b", "a", "b", "c"))
    record(own, first)
    with transactional(other).begin() as connection:
        connection.execute(text("SELECT 1 FROM transcriptions WHERE id = 'b' FOR UPDATE"))
        newer = make_event({**HEAD, "duration": 7}, job="b", minutes=4)
        try:
            with time_limit(0.5):
                record_newest(own, [batch[0], newer, batch[2]], lock_seconds=30)
        except Exception as error:  # noqa: BLE001 - the test asserts its name
            sys.stdout.write(f"{type(error).__name__}\n")
    last = record(own, make_event(HEAD, job="last", minutes=5))
    with own.connect() as connection:
        statement = select(events.c.job_id).where(events.c.id == last.id)
        sys.stdout.write(f"{connection.execute(statement).scalar()}\n")


if __name__ == "__main__":
    main(sys.argv[1])
