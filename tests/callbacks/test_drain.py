"""Tests of the drain, which moves spooled callbacks into the ledger, each once."""

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

from receiver.callbacks import drain as drain_module
from receiver.callbacks.drain import Drain, DrainResult
from receiver.spool.folder import Spool
from receiver.store.engine import make_engine
from receiver.store.ledger.record import record_or_quarantine
from receiver.store.ledger.recorded import Recorded
from receiver.store.retry import DatabaseUnavailableError
from tests.support.callback_events import received_event
from tests.support.environment import ENVIRON, open_engine
from tests.support.locking import lock_jobs
from tests.support.paths import ROOT
from tests.support.signing import FORM, with_body_hash
from tests.support.spooled import spool_callbacks, spooled_body
from tests.support.store_events import count_deliveries, ledger_rows
from tests.support.waiting import wait_until


@pytest.fixture
def drain(engine: Engine, spool: Spool) -> Drain:
    """Return a drain from the spool into an empty database."""
    return Drain(engine, spool, [])


@contextmanager
def drain_process(url: str, spool: Spool) -> Iterator[subprocess.Popen[str]]:
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


def start_draining(process: subprocess.Popen[str]) -> None:
    """Start the drain of the process."""
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def test_spooled_callbacks_become_jobs(engine: Engine, spool: Spool, drain: Drain) -> None:
    """A spooled callback is applied with its own body and time, and its file is removed."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    assert [result.moved for result in drain.run(drain.waiting())] == [True, True]
    assert ledger_rows(engine) == [("applied", None, 1)] * 2
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT body, received_at FROM events ORDER BY job_id"))
        received_at = received_event(b"").received_at
        assert rows.all() == [(spooled_body(1), received_at), (spooled_body(2), received_at)]
    assert list(spool.path.iterdir()) == []


def test_invalid_body_is_quarantined(engine: Engine, spool: Spool, drain: Drain) -> None:
    """A spooled body that isn't valid is quarantined byte for byte."""
    spool_callbacks(spool, b"\x00\xff no JSON")
    assert [result.moved for result in drain.run(drain.waiting())] == [True]
    assert ledger_rows(engine) == [("quarantined", "undecodable", 1)]


def test_changed_content_type_does_not_prevent_application(
    engine: Engine, spool: Spool, drain: Drain
) -> None:
    """A callback is applied although its only file is that of a replay sent as a form."""
    url = with_body_hash("https://app.example.com/callbacks/transcription", spooled_body(1))
    event = replace(received_event(spooled_body(1)), url=url)
    spool.put(replace(event, content_type=FORM))
    spool.put(event)
    assert [result.moved for result in drain.run(drain.waiting())] == [True]
    assert ledger_rows(engine) == [("applied", None, 1)]


def test_recording_closes_breaker(spool: Spool, drain: Drain) -> None:
    """The drain closes the circuit breaker once it has recorded a callback."""
    spool.breaker.trip()
    spool_callbacks(spool, spooled_body(1))
    list(drain.run(drain.waiting()))
    assert not spool.breaker.is_open()


def test_corrupt_file_stays_and_does_not_block_others(
    spool: Spool, drain: Drain, caplog: pytest.LogCaptureFixture
) -> None:
    """A corrupt file is logged once without its content, and the other files are moved."""
    spool_callbacks(spool, spooled_body(1))
    [corrupt] = spool.path.iterdir()
    corrupt.write_bytes(b"Jane")
    spool_callbacks(spool, spooled_body(2))
    for _ in range(3):
        results = list(drain.run(drain.waiting()))
    assert results == []
    assert list(spool.path.iterdir()) == [corrupt]
    [logged] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert logged.__dict__["file"] == corrupt.name
    assert "checksum" in logged.getMessage()


def test_replaced_corrupt_file_is_moved(engine: Engine, spool: Spool, drain: Drain) -> None:
    """A corrupt file is moved after the same body arrived again and replaced it."""
    spool_callbacks(spool, spooled_body(1))
    [path] = spool.path.iterdir()
    path.write_bytes(b"")
    [result] = drain.run(drain.waiting())
    assert result.error
    spool_callbacks(spool, spooled_body(1))
    assert list(drain.run(drain.waiting())) == [DrainResult(path.name, moved=True)]
    assert count_deliveries(engine) == (1, 1)


def test_disk_error_is_retried(
    spool: Spool, drain: Drain, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk error is logged once and retried, because it may pass."""
    spool_callbacks(spool, spooled_body(1))
    [path] = spool.path.iterdir()
    files = drain.waiting()
    spool.path.chmod(0o777)
    for _ in range(2):
        [result] = drain.run(files)
        assert result.error
        assert "has mode 0777" in result.error
    assert len(caplog.records) == 1
    spool.path.chmod(0o700)
    assert list(drain.run(drain.waiting())) == [DrainResult(path.name, moved=True)]


def test_unremovable_file_is_recorded_once(
    engine: Engine, spool: Spool, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that a read-only disk doesn't remove is recorded and counted only once."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    spool_callbacks(spool, spooled_body(1))
    monkeypatch.setattr(Path, "unlink", fail)
    [result] = drain.run(drain.waiting())
    assert result.error == "disk error: Read-only file system"
    assert drain.waiting() == []
    assert count_deliveries(engine) == (1, 1)


def test_internal_error_leaves_file_in_spool(
    engine: Engine, spool: Spool, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file stays in the spool after an internal error, so that a later release can move it."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    one, two = drain.waiting()
    errors = iter([ZeroDivisionError("Jane")])

    def record(*arguments: Any) -> Recorded:
        if error := next(errors, None):
            raise error
        return record_or_quarantine(*arguments)

    monkeypatch.setattr(drain_module, "record_or_quarantine", record)
    first, second = drain.run([one, two])
    assert "ZeroDivisionError" in str(first.error)
    assert "Jane" not in str(first.error)
    assert (first.name, second) == (one.name, DrainResult(two.name, moved=True))
    assert drain.waiting() == []
    assert [path.name for path in spool.path.iterdir()] == [one.name]
    assert count_deliveries(engine) == (1, 1)


def test_unavailable_database_ends_pass(spool: Spool) -> None:
    """An unavailable database ends the pass, and the next pass begins with another file."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2), spooled_body(3))
    with open_engine(ENVIRON["DATABASE_URL"]) as unavailable:
        drain = Drain(unavailable, spool, [], record_timeout_seconds=0.1)
        first, second, third = drain.waiting()
        with pytest.raises(DatabaseUnavailableError):
            list(drain.run([first, second, third]))
        assert drain.waiting() == [second, third, first]


def test_files_of_locked_jobs_do_not_block_others(engine: Engine, spool: Spool) -> None:
    """Files of locked jobs stay, and the others are moved in the same pass."""
    drain = Drain(engine, spool, [])
    spool_callbacks(spool, spooled_body(0), spooled_body(1))
    for path in spool.path.iterdir():
        os.utime(path, (0, 0))
    spool_callbacks(spool, *map(spooled_body, range(2, 6)))
    with lock_jobs(engine, "job_0", "job_1"):
        results = list(drain.run(drain.waiting()))
        assert [result.moved for result in results] == [False, False, True, True, True, True]
        assert {result.error for result in results[:2]} == {
            "another transaction has locked its job"
        }
    list(drain.run(drain.waiting()))
    assert count_deliveries(engine) == (6, 6)


def test_two_processes_move_each_file_once(engine: Engine, migrated: str, spool: Spool) -> None:
    """Each of 200 files is moved by only one of two processes, and counts one delivery."""
    spool_callbacks(spool, *map(spooled_body, range(200)))
    with drain_process(migrated, spool) as one, drain_process(migrated, spool) as other:
        start_draining(one)
        start_draining(other)
        moved = [int(process.communicate(timeout=60)[0]) for process in (one, other)]
    assert sum(moved) == 200
    assert count_deliveries(engine) == (200, 200)
    assert spool.list_files() == []


def test_killed_drain_loses_nothing(
    engine: Engine, migrated: str, spool: Spool, drain: Drain
) -> None:
    """Another drain moves the files that a killed drain left, and at most one of them again."""
    spool_callbacks(spool, *map(spooled_body, range(200)))
    with drain_process(migrated, spool) as process:
        start_draining(process)
        wait_until(lambda: count_deliveries(engine)[0] >= 20)
        process.kill()
    assert spool.list_files()
    list(drain.run(drain.waiting()))
    assert spool.list_files() == []
    stored, deliveries = count_deliveries(engine)
    assert stored == 200
    assert deliveries in {200, 201}


def test_drain_uses_one_connection(migrated: str, spool: Spool) -> None:
    """The drain needs one connection, and releases it after each file."""
    engine = make_engine(migrated, pool_size=1)
    drain = Drain(engine, spool, [])
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    for result in drain.run(drain.waiting()):
        assert result.moved
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()
