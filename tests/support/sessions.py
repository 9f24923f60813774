"""Database sessions that a test stops, or kills, at any step before or after the commit."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from sqlalchemy import Connection, Engine, event, text

from receiver.store.engine import make_engine

Driver = psycopg.Connection[Any]


@contextmanager
def session(url: str, on_step: Callable[[int, Driver], None]) -> Iterator[Engine]:
    """Yield an engine with one connection that calls `on_step` between every two steps.

    A step is a statement or the commit; the argument is the number of completed steps. A statement
    that commits by itself has a call after it too, before its caller gets the result.
    """
    engine = make_engine(url, pool_size=1)
    with engine.connect():
        pass  # so that the dialect's statements are no steps
    done = 0

    def before(driver: Driver) -> None:
        on_step(done, driver)

    def after(driver: Driver) -> None:
        nonlocal done
        done += 1
        if driver.autocommit:
            on_step(done, driver)

    watch(engine, before=before, after=after)
    event.listen(engine, "commit", lambda connection: before(_driver_connection(connection)))
    yield engine
    engine.dispose()


def watch(
    engine: Engine, *, before: Callable[[Driver], None], after: Callable[[Driver], None]
) -> None:
    """Call both functions around each statement that any caller sends to the server."""

    class WatchedCursor(psycopg.Cursor[Any]):
        def execute(self, *args: Any, **kwargs: Any) -> Self:
            before(self.connection)
            super().execute(*args, **kwargs)
            after(self.connection)

            return self

    def use_watched_cursor(driver: Driver, *_: object) -> None:
        driver.cursor_factory = WatchedCursor

    event.listen(engine, "checkout", use_watched_cursor)


class Stop:
    """Stop a session before the step with the given number until it is released."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.reached = threading.Event()
        self._released = threading.Event()

    def __call__(self, step: int, _driver: Driver) -> None:
        """Wait, if this is the step."""
        if step == self.step:
            self.reached.set()
            assert self._released.wait(30)

    def release(self) -> None:
        """Let the session go on."""
        self._released.set()


class Kill:
    """Kill the session's server process before the step with the given number, once."""

    def __init__(self, admin: Engine, step: int) -> None:
        self.admin = admin
        self.step = step
        self.done = False

    def __call__(self, step: int, driver: Driver) -> None:
        """Kill, if this is the step."""
        if step != self.step or self.done:
            return
        self.done = True
        with self.admin.connect() as admin:
            # The process has ended when this returns true.
            statement = text("SELECT pg_terminate_backend(:pid, 10000)")
            assert admin.execute(statement, {"pid": driver.info.backend_pid}).scalar()


def _driver_connection(connection: Connection) -> Driver:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)

    return driver


def waits_for_lock(admin: Engine) -> bool:
    """Return whether a session of the database waits for a lock."""
    statement = text(
        "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
        " WHERE NOT l.granted AND a.datname = current_database()"
    )
    with admin.connect() as connection:
        return bool(connection.execute(statement).scalar())
