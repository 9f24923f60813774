"""Tests of the feed's law with transactions that overlap, and a consumer that is killed."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from receiver.changes.cursor import Start, decode, encode
from receiver.changes.feed import read_page
from tests.support.samples import ACCOUNT, OTHER_ACCOUNT
from tests.support.writers import Session, be_stranger, write

JOBS = {"a": ACCOUNT, "b": ACCOUNT, "c": OTHER_ACCOUNT, "d": ACCOUNT, "e": OTHER_ACCOUNT}
SESSIONS = range(3)
_ALONE = len(SESSIONS)  # a session that commits each write at once
_MAX_READERS = 3

_STEPS = (
    *(("write", number, job) for number in SESSIONS for job in JOBS),
    *(("write", _ALONE, job) for job in JOBS),
    *(("commit", number) for number in SESSIONS),
    *(("rollback", number) for number in SESSIONS),
    *(("stranger", number) for number in SESSIONS),
    *(("read", size) for size in range(1, 6)),
    *(("read and be killed", size) for size in range(1, 3)),
    ("start",),
    ("start at now",),
)


class _Reader:
    """A consumer that starts at the beginning or now, and stores a cursor after each page."""

    def __init__(self, engine: Engine, account_id: str | None, *, at_end: bool = False) -> None:
        self._engine = engine
        self.account_id = account_id
        self.jobs: dict[str, int] = {}
        self.cursor: str | None = None
        if at_end:
            with engine.connect() as connection:
                page = read_page(connection, Start.NOW, size=1, account_id=account_id)
                self.cursor = encode(page.cursor)

    def read(self, size: int, *, is_killed: bool = False) -> bool:
        """Process a page, and store its cursor unless it is killed before; return `more`."""
        with self._engine.connect() as connection:
            page = read_page(
                connection,
                decode(self.cursor) if self.cursor else Start.BEGINNING,
                size=size,
                account_id=self.account_id,
                max_scanned=2,
            )
        self.jobs |= {row["id"]: row["duration"] for row in page.rows}
        if not is_killed:
            self.cursor = encode(page.cursor)

        return page.more

    def catch_up(self) -> None:
        """Read until there is nothing more."""
        while self.read(2):
            pass


class _World:
    """Sessions that write, and consumers that read in between."""

    def __init__(self, engine: Engine, sessions: list[Session]) -> None:
        self._engine = engine
        self._sessions = sessions
        self._writer_of: dict[str, int] = {}  # a job that an open transaction has locked
        self._version = 0
        self.readers = [(_Reader(engine, None), dict[str, int]())]

    def step(self, name: str | int, *arguments: int | str) -> None:
        """Do one step."""
        match name, *arguments:
            case "write", int(number), str(job):
                if self._writer_of.setdefault(job, number) == number:
                    self._version += 1
                    write(self._sessions[number], job, self._version, account=JOBS[job])
                    if number == _ALONE:
                        self.step("commit", number)
            case "commit" | "rollback", int(number):
                session = self._sessions[number]
                (session.commit if name == "commit" else session.rollback)()
                self._writer_of = {
                    job: writer for job, writer in self._writer_of.items() if writer != number
                }
            case "stranger", int(number):
                be_stranger(self._sessions[number])
            case "read" | "read and be killed", int(size):
                for reader, _ in self.readers:
                    reader.read(size, is_killed=name != "read")
            case _:
                self.start(at_end=name == "start at now")

    def start(self, *, at_end: bool) -> None:
        """Let another consumer start, of one account."""
        if len(self.readers) == _MAX_READERS:
            return
        at_start = self.committed() if at_end else {}
        self.readers.append((_Reader(self._engine, ACCOUNT, at_end=at_end), at_start))

    def committed(self) -> dict[str, int]:
        """Return the committed versions."""
        with self._engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT id, duration FROM transcriptions")
            return {row.id: row.duration for row in rows}


@pytest.fixture
def world(migrated: str) -> Iterator[list[Session]]:
    """Yield the sessions that write."""
    with ExitStack() as stack:
        yield [stack.enter_context(psycopg.connect(migrated)) for _ in range(_ALONE + 1)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(_STEPS), min_size=5, max_size=30))
def test_each_consumer_has_the_newest_state_at_the_end(
    engine: Engine, world: list[Session], steps: list[tuple[str | int, ...]]
) -> None:
    """Whatever overlaps, and wherever a consumer is killed, it ends with every newest version."""
    with engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM transcriptions")
    history = _World(engine, world)
    for step in steps:
        history.step(*step)
    for number in SESSIONS:  # the others stay open while consumers catch up
        history.step("commit", number)
        for reader, _ in history.readers:
            reader.catch_up()
        newest = history.committed()
        for reader, at_start in history.readers:
            changed = {
                job
                for job in newest
                if newest[job] != at_start.get(job) and reader.account_id in {None, JOBS[job]}
            }
            assert {job: newest[job] for job in changed} == {
                job: reader.jobs.get(job) for job in changed
            }
