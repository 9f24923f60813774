"""Reports how far the index is that a migration builds, because a large one takes minutes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

PROGRESS_SECONDS = 5.0

_PROGRESS = text("""
SELECT index_relid::regclass::text AS name, phase, NULLIF(current_locker_pid, 0) AS locker,
       COALESCE(100 * blocks_done / NULLIF(blocks_total, 0),
                100 * tuples_done / NULLIF(tuples_total, 0)) AS percent
FROM pg_stat_progress_create_index
WHERE datname = current_database() AND index_relid <> 0
""")


@contextmanager
def reporting_index_builds(
    engine: Engine, report: Callable[[str], None], *, every_seconds: float
) -> Iterator[None]:
    """Report the progress of index builds in this database until the block ends.

    It is read on a connection of its own, in a thread. If that fails, nothing is reported.
    """
    ended = Event()

    def watch() -> None:
        reported: list[str] = []
        while not ended.wait(every_seconds):
            with suppress(SQLAlchemyError):
                lines = _read(engine)
                for line in lines:
                    if line not in reported:
                        report(line)
                reported = lines

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _read(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        rows = connection.execute(_PROGRESS).all()

    return [
        f"  {row.name}: {row.phase}"
        + (f", {row.percent} %" if row.percent is not None else "")
        + (f", process {row.locker} of Postgres" if row.locker else "")
        for row in rows
    ]
