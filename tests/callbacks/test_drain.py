"""The drain: from the spool into the ledger, each callback once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from receiver.callbacks import drain as room
from receiver.callbacks.drain import Drain, DrainResult
from receiver.spool.folder import Spool
from receiver.store.engine import make_engine
from receiver.store.ledger.record import Recorded, record_or_quarantine
from receiver.store.retry import DatabaseUnavailableError
from tests.support.callback_events import received_event
from tests.support.environment import ENVIRON, open_engine
from tests.support.locking import lock_jobs
from tests.support.paths import ROOT
from tests.support.server import wait_until
from tests.support.signing import FORM, with_body_hash
from tests.support.spooled import spool_callbacks, spooled_body
from tests.support.store_events import count_deliveries, ledger_rows


@pytest.fixture
def drain(engine: Engine, spool: Spool) -> Drain:
    """Return what drains it into a fresh database."""
    return Drain(engine, spool, [])


@contextmanager
def moving(url: str, spool: Spool) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that is ready to drain."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.drain_process", url, spool.path],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process


def begin(process: subprocess.Popen[str]) -> None:
    """Let the process drain."""
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def test_what_waits_becomes_jobs(engine: Engine, spool: Spool, drain: Drain) -> None:
    """Each is judged and folded as if it came now, with its own bytes and moment, and removed."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    assert [tried.moved for tried in drain.run(drain.waiting())] == [True, True]
    assert ledger_rows(engine) == [("applied", None, 1)] * 2
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT body, received_at FROM events ORDER BY job_id"))
        came = received_event(b"").received_at
        assert rows.all() == [(spooled_body(1), came), (spooled_body(2), came)]
    assert list(spool.path.iterdir()) == []


def test_what_no_judge_lets_pass_travels_too(engine: Engine, spool: Spool, drain: Drain) -> None:
    """A body that was signed and makes no sense ends quarantined, to the byte, and is told."""
    spool_callbacks(spool, b"\x00\xff no JSON")
    assert [tried.moved for tried in drain.run(drain.waiting())] == [True]
    assert ledger_rows(engine) == [("quarantined", "undecodable", 1)]


def test_headers_that_were_changed_spoil_nothing(
    engine: Engine, spool: Spool, drain: Drain
) -> None:
    """The one file of a body may be that of a replay that calls it a form: it is applied."""
    url = with_body_hash("https://app.example.com/callbacks/transcription", spooled_body(1))
    came = replace(received_event(spooled_body(1)), url=url)
    spool.put(replace(came, content_type=FORM))
    spool.put(came)
    assert [tried.moved for tried in drain.run(drain.waiting())] == [True]
    assert ledger_rows(engine) == [("applied", None, 1)]


def test_the_breaker_closes(spool: Spool, drain: Drain) -> None:
    """What the drain has recorded tells the requests of its process that the database is back."""
    spool.breaker.trip()
    spool_callbacks(spool, spooled_body(1))
    list(drain.run(drain.waiting()))
    assert not spool.breaker.is_open()


def test_a_damaged_file_stays_and_holds_up_nobody(
    spool: Spool, drain: Drain, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told once, by its name and not its content, and the others are moved."""
    spool_callbacks(spool, spooled_body(1))
    [broken] = spool.path.iterdir()
    broken.write_bytes(b"Jane")
    spool_callbacks(spool, spooled_body(2))
    for _ in range(3):
        tried = list(drain.run(drain.waiting()))
    assert tried == []
    assert list(spool.path.iterdir()) == [broken]
    [told] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert told.__dict__["file"] == broken.name
    assert "checksum" in told.getMessage()


def test_a_mended_file_is_moved(engine: Engine, spool: Spool, drain: Drain) -> None:
    """When the same body comes again its damaged file is replaced, and tried anew."""
    spool_callbacks(spool, spooled_body(1))
    [path] = spool.path.iterdir()
    path.write_bytes(b"")
    [stays] = drain.run(drain.waiting())
    assert stays.error
    spool_callbacks(spool, spooled_body(1))
    assert list(drain.run(drain.waiting())) == [DrainResult(path.name, moved=True)]
    assert count_deliveries(engine) == (1, 1)


def test_what_the_disk_refuses_is_tried_again(
    spool: Spool, drain: Drain, caplog: pytest.LogCaptureFixture
) -> None:
    """It may pass, unlike damage; it is told once all the same."""
    spool_callbacks(spool, spooled_body(1))
    [path] = spool.path.iterdir()
    elsewhere = path.rename(spool.path.parent / "elsewhere")
    path.mkdir()
    for _ in range(2):
        [tried] = drain.run(drain.waiting())
        assert tried == DrainResult(path.name, error="disk error: Is a directory")
    assert len(caplog.records) == 1
    path.rmdir()
    elsewhere.rename(path)
    assert list(drain.run(drain.waiting())) == [DrainResult(path.name, moved=True)]


def test_what_cannot_be_removed_is_recorded_once(
    engine: Engine, spool: Spool, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that has become read-only doesn't make it count as delivered again and again."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    spool_callbacks(spool, spooled_body(1))
    monkeypatch.setattr(Path, "unlink", refuse)
    [tried] = drain.run(drain.waiting())
    assert tried.error == "disk error: Read-only file system"
    assert drain.waiting() == []
    assert count_deliveries(engine) == (1, 1)


def test_a_fault_of_ours_stays_and_is_told(
    engine: Engine, spool: Spool, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is there for the release that mends it."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    one, two = drain.waiting()
    met = iter([ZeroDivisionError("Jane")])

    def record(*arguments: Any) -> Recorded:
        if error := next(met, None):
            raise error
        return record_or_quarantine(*arguments)

    monkeypatch.setattr(room, "record_or_quarantine", record)
    first, second = drain.run([one, two])
    assert "ZeroDivisionError" in str(first.error)
    assert "Jane" not in str(first.error)
    assert (first.name, second) == (one.name, DrainResult(two.name, moved=True))
    assert drain.waiting() == []
    assert [path.name for path in spool.path.iterdir()] == [one.name]
    assert count_deliveries(engine) == (1, 1)


def test_the_pass_ends_when_the_database_is_away(spool: Spool) -> None:
    """Nothing is lost, nothing else is tried, and the next pass begins with another file."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2), spooled_body(3))
    with open_engine(ENVIRON["DATABASE_URL"]) as away:
        drain = Drain(away, spool, [], record_timeout_seconds=0.1)
        first, second, third = drain.waiting()
        with pytest.raises(DatabaseUnavailableError):
            list(drain.run([first, second, third]))
        assert drain.waiting() == [second, third, first]


def test_files_that_stop_each_pass_hold_up_no_others(engine: Engine, spool: Spool) -> None:
    """While the jobs of the two oldest are locked all others are moved, and those afterwards."""
    drain = Drain(engine, spool, [], record_timeout_seconds=0.1)
    spool_callbacks(spool, spooled_body(0), spooled_body(1))
    for path in spool.path.iterdir():
        os.utime(path, (0, 0))
    spool_callbacks(spool, *map(spooled_body, range(2, 6)))
    with lock_jobs(engine, "job_0", "job_1"):
        for _ in range(3):
            with pytest.raises(DatabaseUnavailableError):
                list(drain.run(drain.waiting()))
        assert count_deliveries(engine) == (4, 4)
    list(drain.run(drain.waiting()))
    assert count_deliveries(engine) == (6, 6)


def test_two_processes_move_each_file_once(engine: Engine, migrated: str, spool: Spool) -> None:
    """Of 200 files each is recorded by one of them, and counts one delivery."""
    spool_callbacks(spool, *map(spooled_body, range(200)))
    with moving(migrated, spool) as one, moving(migrated, spool) as other:
        begin(one)
        begin(other)
        moved = [int(process.communicate(timeout=60)[0]) for process in (one, other)]
    assert sum(moved) == 200
    assert count_deliveries(engine) == (200, 200)
    assert spool.list_files() == []


def test_a_kill_loses_nothing(engine: Engine, migrated: str, spool: Spool, drain: Drain) -> None:
    """After a kill -9 of a draining process another moves the rest, and one perhaps again."""
    spool_callbacks(spool, *map(spooled_body, range(200)))
    with moving(migrated, spool) as process:
        begin(process)
        wait_until(lambda: count_deliveries(engine)[0] >= 20)
        process.kill()
    assert spool.list_files()
    list(drain.run(drain.waiting()))
    assert spool.list_files() == []
    stored, deliveries = count_deliveries(engine)
    assert stored == 200
    assert deliveries in {200, 201}


def test_the_drain_holds_one_connection(migrated: str, spool: Spool) -> None:
    """A pool of one is enough for it, and free after each file."""
    engine = make_engine(migrated, pool_size=1)
    drain = Drain(engine, spool, [])
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    for tried in drain.run(drain.waiting()):
        assert tried.moved
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()
