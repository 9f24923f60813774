"""The `spool` command."""

import os

import pytest
from flask import Flask

from app import create_app
from receiver.callbacks.drain import Drain
from receiver.services import services_of
from receiver.spool.claim import claim
from receiver.spool.folder import Spool
from tests.support.command import run
from tests.support.environment import ENVIRON
from tests.support.locking import lock_jobs
from tests.support.spooled import spool_callbacks, spooled_body
from tests.support.store_events import count_deliveries


@pytest.fixture
def environ(environ: dict[str, str], spool: Spool) -> dict[str, str]:
    """Give the deployment a spool."""
    return environ | {"SPOOL_DIR": str(spool.path), "SPOOL_DURABLE": "1"}


def shown(app: Flask, *options: str) -> dict[str, str]:
    """Return what the command shows, by its first word."""
    done = run(app, "spool", *options)
    assert done.exit_code == 0

    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines())


def test_an_empty_spool(app: Flask, spool: Spool) -> None:
    """Before the first callback nothing waits, and the folder isn't made by looking."""
    assert shown(app) == {
        "folder": f"{spool.path} (does not exist)",
        "durable": "yes",
        "files": "0",
        "bytes": "0",
        "oldest": "-",
    }
    assert not spool.path.exists()
    drained = run(app, "spool", "--drain")
    assert (drained.exit_code, drained.stdout) == (0, "")


def test_what_waits_is_shown(app: Flask, spool: Spool) -> None:
    """Number, size and age of the files, and which of them are damaged."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    told = shown(app)
    sizes = {path.name: path.stat().st_size for path in spool.path.iterdir()}
    assert (told["files"], told["bytes"]) == ("2", str(sum(sizes.values())))
    assert told["oldest"].endswith("Z")
    assert "damaged" not in told
    broken = min(sizes)
    (spool.path / broken).write_bytes(b"")
    assert shown(app)["damaged"].startswith(f"{broken}: it was truncated")


def test_drain_moves_all(app: Flask, spool: Spool) -> None:
    """The files are in the ledger and gone from the folder."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2), b"no JSON")
    done = run(app, "spool", "--drain")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "3 moved." in done.stderr
    assert count_deliveries(services_of(app).engine) == (3, 3)
    assert spool.list_files() == []


def test_drain_tells_what_stays(app: Flask, spool: Spool) -> None:
    """It ends with 1, names the file and says why; the others are moved."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    broken = spool.list_files()[0].name
    (spool.path / broken).write_bytes(b"Jane")
    done = run(app, "spool", "--drain")
    assert done.exit_code == 1
    assert done.stdout.startswith(f"not moved: {broken}: it was truncated or changed")
    assert "1 moved." in done.stderr
    assert "Jane" not in done.output


def test_drain_gets_past_a_locked_job(
    app: Flask, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest stays and ends it with 1, and those after it are moved."""
    monkeypatch.setitem(Drain.__init__.__kwdefaults__ or {}, "record_timeout_seconds", 0.1)
    spool_callbacks(spool, spooled_body(1))
    oldest = next(spool.path.iterdir())
    os.utime(oldest, (0, 0))
    spool_callbacks(spool, spooled_body(2), spooled_body(3))
    with lock_jobs(services_of(app).engine, "job_1"):
        done = run(app, "spool", "--drain")
    assert done.exit_code == 1
    assert "2 moved." in done.stderr
    assert "LockNotAvailable 55P03); 1 still wait on disk." in done.stderr
    assert list(spool.path.iterdir()) == [oldest]


def test_drain_tells_what_others_move(app: Flask, spool: Spool) -> None:
    """What another process has claimed isn't done yet, and so the command isn't either."""
    spool_callbacks(spool, spooled_body(1))
    [file] = spool.list_files()
    claimed = claim(spool.path / file.name)
    assert claimed
    with claimed:
        done = run(app, "spool", "--drain")
    assert done.exit_code == 1
    assert "1 still wait on disk: another process is moving them" in done.stderr


def test_drain_without_a_database(
    environ: dict[str, str], spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so in a line, and everything stays."""
    monkeypatch.setitem(Drain.__init__.__kwdefaults__ or {}, "record_timeout_seconds", 0.1)
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    away = create_app(environ | {"DATABASE_URL": ENVIRON["DATABASE_URL"]})
    done = run(away, "spool", "--drain")
    assert done.exit_code == 1
    assert "0 moved." in done.stderr
    assert "Error: the database did not accept all callbacks" in done.stderr
    assert len(spool.list_files()) == 2


def test_an_unreadable_folder_is_an_error(app: Flask, spool: Spool) -> None:
    """A file in its place is told as such."""
    spool.path.write_bytes(b"")
    for options in ((), ("--drain",)):
        done = run(app, "spool", *options)
        assert done.exit_code == 1
        assert "can't be read: disk error: Not a directory" in done.stderr


class TestNoSpool:
    """The deployment has none."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Take it away."""
        return environ | {"SPOOL_DIR": "", "SPOOL_DURABLE": "0"}

    def test_it_says_so(self, app: Flask) -> None:
        """The setting is named."""
        done = run(app, "spool")
        assert (done.exit_code, done.stdout) == (1, "")
        assert "SPOOL_DIR is not set" in done.stderr
