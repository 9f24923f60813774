"""What the tests of reconcile share: due jobs, polls and submissions."""

from collections.abc import Callable, Generator, Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, select

from receiver.reconcile.poll_due import poll_due_jobs
from receiver.reconcile.report import Report
from receiver.reconcile.run import reconcile
from receiver.simulator.faults import Delays, Faults
from receiver.store.polls.refresh import MAX_ROWS_PER_STATEMENT
from receiver.store.submissions import outbox
from receiver.store.submissions.outbox import Submission
from receiver.store.tables import watches
from schemas.submission import Submission as Request
from schemas.submission import canonical
from tests.support.simulator.account import BY_RECORDING
from tests.support.world import World

HOUR = 3600.0  # seconds
SLOW = Delays(pending=1, running=HOUR, conversation=HOUR)
SILENT = Faults(lost=1)
KEY = "0198c0de-0000-7000-8000-000000000001"


def poll(env: World, *, max_rows: int = MAX_ROWS_PER_STATEMENT) -> Report:
    """Poll the due jobs once, and return the report."""
    now = env.context.clock()

    return poll_result(poll_due_jobs(env.context, due_by=now, max_rows=max_rows))[0]


def poll_result(steps: Generator[Report, None, bool]) -> tuple[Report, bool]:
    """Return the report of a whole poll, and whether no due job is left."""
    report = Report()
    while True:
        try:
            report += next(steps)
        except StopIteration as end:
            return report, end.value


def read_watch(engine: Engine) -> Any:
    """Return the only watch."""
    with engine.connect() as connection:
        return connection.execute(select(watches)).one()


def create_due_jobs(env: World, count: int = 1) -> list[str]:
    """Create unfinished jobs that the store knows and that are due."""
    jobs = env.create(count)
    reconcile(env.context)
    env.simulator.advance(20)
    env.rest.asked.clear()

    return jobs


def record_intent(env: World, *, minutes_ago: float, key: str = KEY) -> None:
    """Record an intent as if its submitter had crashed then."""
    at = env.context.clock() - timedelta(minutes=minutes_ago)
    submission = Submission(
        idempotency_key=key,
        request=canonical(Request().load(BY_RECORDING)),
        submitted_by="reader",
        created_at=at,
        asked_at=at,
    )
    with env.context.engine.connect() as connection:
        outbox.record_intent(connection, submission)


def sum_reports(reports: Iterable[Report]) -> Report:
    """Return the sum of the reports."""
    return sum(reports, Report())


def count_posts(env: World) -> int:
    """Return the number of submissions that Twilio received."""
    return sum(line.startswith("POST") for line in env.rest.asked)


def raising(error: Exception) -> Callable[[str], None]:
    """Return a mishap that raises the error for each call."""

    def mishap(_path: str) -> None:
        raise error

    return mishap
