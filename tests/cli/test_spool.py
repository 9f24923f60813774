"""The command `spool`."""

import os

import pytest
from flask import Flask

from app import create_app
from receiver.callbacks.drain import Drain
from receiver.services import services_of
from receiver.spool.folder import Spool
from tests.support.callback_events import received_event
from tests.support.command import run
from tests.support.environment import ENVIRON, close_app
from tests.support.locking import lock_jobs
from tests.support.spool_events import unsealed_file
from tests.support.spooled import spool_callbacks, spooled_body
from tests.support.store_events import count_deliveries


@pytest.fixture
def environ(environ: dict[str, str], spool: Spool) -> dict[str, str]:
    """Set a spool folder."""
    return environ | {"SPOOL_DIR": str(spool.path), "SPOOL_DURABLE": "1"}


def _read_output(app: Flask, *options: str) -> dict[str, str]:
    """Return the lines that the command prints, by their first words."""
    done = run(app, "spool", *options)
    assert done.exit_code == 0

    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines())


def test_empty_spool_has_no_folder_yet(app: Flask, spool: Spool) -> None:
    """Before the first callback the spool is empty, and the command doesn't create the folder."""
    assert _read_output(app) == {
        "folder": f"{spool.path} (does not exist)",
        "durable": "yes",
        "files": "0",
        "bytes": "0",
        "oldest": "-",
    }
    assert not spool.path.exists()
    drained = run(app, "spool", "--drain")
    assert (drained.exit_code, drained.stdout) == (0, "")


def test_waiting_files_are_counted(app: Flask, spool: Spool) -> None:
    """The command prints the files' number, size and age, and which are damaged."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    output = _read_output(app)
    sizes = {path.name: path.stat().st_size for path in spool.path.iterdir()}
    assert (output["files"], output["bytes"]) == ("2", str(sum(sizes.values())))
    assert output["oldest"].endswith("Z")
    assert "damaged" not in output
    broken = min(sizes)
    (spool.path / broken).write_bytes(b"")
    assert _read_output(app)["damaged"].startswith(f"{broken}: it was truncated")


def test_drain_moves_all_files(app: Flask, spool: Spool) -> None:
    """`spool --drain` records all files in the ledger and removes them from the folder."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2), b"no JSON")
    done = run(app, "spool", "--drain")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "3 moved." in done.stderr
    assert count_deliveries(services_of(app).engine) == (3, 3)
    assert spool.list_files() == []


def test_drain_names_a_damaged_file(app: Flask, spool: Spool) -> None:
    """A damaged file stays and is named, the others are moved, and the exit code is 1."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    broken = spool.list_files()[0].name
    (spool.path / broken).write_bytes(b"Jane")
    done = run(app, "spool", "--drain")
    assert done.exit_code == 1
    assert done.stdout.startswith(f"not moved: {broken}: it was truncated or changed")
    assert "1 moved." in done.stderr
    assert "Jane" not in done.output


def test_refused_files_are_named(app: Flask, spool: Spool) -> None:
    """A file that the service didn't write is listed as refused, and a drain leaves it."""
    spool_callbacks(spool, spooled_body(1))
    event = received_event(spooled_body(2))
    planted = spool.path / f"{event.sha256.hex()}.callback"
    planted.write_bytes(unsealed_file(event))
    assert _read_output(app)["refused"].startswith(f"{planted.name}: it is not sealed")
    done = run(app, "spool", "--drain")
    assert done.exit_code == 1
    assert done.stdout.startswith(f"not moved: {planted.name}: it is not sealed")
    assert "1 moved." in done.stderr
    assert list(spool.path.iterdir()) == [planted]


def test_unsafe_folder_is_an_error(app: Flask, spool: Spool) -> None:
    """A folder that other users may write to is an error, and nothing is moved."""
    spool_callbacks(spool, spooled_body(1))
    spool.path.chmod(0o777)
    for options in ((), ("--drain",)):
        done = run(app, "spool", *options)
        assert done.exit_code == 1
        assert f"{spool.path} has mode 0777, so other users may write to it" in done.stderr
    assert len(list(spool.path.iterdir())) == 1


def test_drain_skips_a_locked_job(app: Flask, spool: Spool) -> None:
    """The file of a locked job stays, the later files are moved, and the exit code is 1."""
    spool_callbacks(spool, spooled_body(1))
    oldest = next(spool.path.iterdir())
    os.utime(oldest, (0, 0))
    spool_callbacks(spool, spooled_body(2), spooled_body(3))
    with lock_jobs(services_of(app).engine, "job_1"):
        done = run(app, "spool", "--drain")
    assert done.exit_code == 1
    assert "2 moved." in done.stderr
    assert done.stdout == f"not moved: {oldest.name}: another transaction has locked its job\n"
    assert list(spool.path.iterdir()) == [oldest]


def test_drain_reports_files_of_another_process(app: Flask, spool: Spool) -> None:
    """A file that another process has claimed is still waiting, so the exit code is 1."""
    spool_callbacks(spool, spooled_body(1))
    [file] = spool.list_files()
    claimed = spool.claim(file.name)
    assert claimed
    with claimed:
        done = run(app, "spool", "--drain")
    assert done.exit_code == 1
    assert "1 still on disk: being moved by another process" in done.stderr


def test_drain_without_a_database_moves_nothing(
    environ: dict[str, str], spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a database the error is one line, and all files stay."""
    monkeypatch.setitem(Drain.__init__.__kwdefaults__ or {}, "record_timeout_seconds", 0.1)
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    app = create_app(environ | {"DATABASE_URL": ENVIRON["DATABASE_URL"]})
    done = run(app, "spool", "--drain")
    assert done.exit_code == 1
    assert "0 moved." in done.stderr
    assert "Error: the database did not accept all callbacks" in done.stderr
    assert len(spool.list_files()) == 2


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (None, "connection failed"),
        ("?options=-c%20default_transaction_read_only%3Don", "it is read-only"),
    ],
    ids=["no answer", "read-only"],
)
def test_drain_names_the_database_while_another_process_waits_for_it(
    environ: dict[str, str], spool: Spool, options: str | None, cause: str
) -> None:
    """A web process holds the files while it waits for the database: that isn't the cause."""
    spool_callbacks(spool, spooled_body(1))
    [file] = spool.list_files()
    url = ENVIRON["DATABASE_URL"] if options is None else f"{environ['DATABASE_URL']}{options}"
    app = create_app(environ | {"DATABASE_URL": url})
    claimed = spool.claim(file.name)
    assert claimed
    with claimed:
        done = run(app, "spool", "--drain")
    close_app(app)
    assert done.exit_code == 1
    assert f"Error: the database did not accept all callbacks ({cause}" in done.stderr
    assert "another process" not in done.stderr


def test_unreadable_folder_is_an_error(app: Flask, spool: Spool) -> None:
    """A file in place of the folder is reported as an error."""
    spool.path.write_bytes(b"")
    for options in ((), ("--drain",)):
        done = run(app, "spool", *options)
        assert done.exit_code == 1
        assert "can't be used: disk error: Not a directory" in done.stderr


class TestNoSpool:
    """The deployment has no spool."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Unset the spool folder."""
        return environ | {"SPOOL_DIR": "", "SPOOL_DURABLE": "0"}

    def test_missing_setting_is_named(self, app: Flask) -> None:
        """The error names the setting that is missing."""
        done = run(app, "spool")
        assert (done.exit_code, done.stdout) == (1, "")
        assert "SPOOL_DIR is not set" in done.stderr
