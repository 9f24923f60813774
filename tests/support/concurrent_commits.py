"""Run under gevent: two clients record one event after the other; then a leader is interrupted.

Prints how many commits there were for how many events, and which events of the second part are
stored.
"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402 - gevent comes first

import gevent  # noqa: E402
from sqlalchemy import func, select  # noqa: E402

from receiver.store.engine import make_engine  # noqa: E402
from receiver.store.event import Event  # noqa: E402
from receiver.store.ledger.group_commit import GroupCommitter  # noqa: E402
from receiver.store.tables import events  # noqa: E402
from tests.support.store_events import START, make_event  # noqa: E402

HEAD = {"status": "COMPLETED", "sentences": 5, "updated_at": START}
EVENTS_OF_A_CLIENT = 10


def _event(job: str) -> Event:
    return make_event(HEAD, job=job, minutes=3)


def main(url: str) -> None:
    """Count the commits, then interrupt a leader while it lets others run."""
    engine = make_engine(url, pool_size=2)
    committer = GroupCommitter(engine, max_leaders=1)

    def record_all(client: str) -> None:
        for number in range(EVENTS_OF_A_CLIENT):
            committer.record(_event(f"client_{client}_{number}"))

    gevent.joinall([gevent.spawn(record_all, client) for client in "ab"], raise_error=True)
    commits = select(func.count(events.c.transaction_id.distinct()), func.count()).where(
        events.c.job_id.like("client%")
    )
    with engine.connect() as connection:
        commit_count, event_count = connection.execute(commits).one()
    sys.stdout.write(f"{commit_count} commits, {event_count} events\n")

    together = [gevent.spawn(committer.record, _event(f"job_{number}")) for number in range(3)]
    gevent.joinall(together, raise_error=True)  # the last two are one batch
    leader = gevent.spawn(committer.record, _event("leader"))
    behind = gevent.spawn(committer.record, _event("behind"))
    # The leader runs until it lets others run. Among these is its own end, as at a deadline.
    gevent.get_hub().loop.run_callback(leader.throw, gevent.GreenletExit)
    behind.get(timeout=30)
    with engine.connect() as connection:
        jobs = select(events.c.job_id).where(events.c.job_id.in_(["leader", "behind"]))
        sys.stdout.write("\n".join(connection.scalars(jobs)))


if __name__ == "__main__":
    main(sys.argv[1])
