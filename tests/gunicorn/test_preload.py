"""Tests of the import in the master process, under gunicorn."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.support.environment import ENVIRON
from tests.support.faults.workers import workers
from tests.support.paths import ROOT
from tests.support.server import (
    NO_OPTIONS,
    web_server,
)
from tests.support.waiting import wait_until

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
UNREADABLE = "raise RuntimeError('half of an upgrade')"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with the code, in which `app.py` may be changed."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in ("app.py", "gunicorn.conf.py"):
        shutil.copy(ROOT / name, folder)
    for name in ("receiver", "schemas"):
        (folder / name).symlink_to(ROOT / name)

    return folder


def test_new_worker_reads_no_code(copy: Path, tmp_path: Path) -> None:
    """A worker that is killed during an upgrade is replaced by one with the same code."""
    with web_server(ENVIRON["DATABASE_URL"], tmp_path / "log", NO_OPTIONS, copy) as web:
        (copy / "app.py").write_text(UNREADABLE)
        [killed] = workers(web)
        killed.kill()
        wait_until(lambda: [each for each in workers(web) if each != killed] != [])
        assert requests.get(f"{web.url}/healthz", timeout=30).status_code == 200


def test_workers_read_code_with_reload(copy: Path, tmp_path: Path) -> None:
    """With gunicorn's `--reload`, each worker imports the application itself."""
    with web_server(
        ENVIRON["DATABASE_URL"], tmp_path / "log", NO_OPTIONS, copy, GUNICORN_CMD_ARGS="--reload"
    ) as web:
        (copy / "app.py").write_text(UNREADABLE)
        assert web.child.process.wait(30) == 3


def test_application_that_cannot_be_imported_is_logged(copy: Path, tmp_path: Path) -> None:
    """A fault in the code ends the start, and gunicorn logs it as any fault of a worker."""
    (copy / "app.py").write_text(UNREADABLE)
    log = tmp_path / "log"
    with (
        pytest.raises(AssertionError),
        web_server(ENVIRON["DATABASE_URL"], log, NO_OPTIONS, copy),
    ):
        pass
    assert any(
        line.startswith("{") and "half of an upgrade" in line
        for line in log.read_text().splitlines()
    )


@LINUX
def test_workers_share_memory(tmp_path: Path) -> None:
    """More than half of a new worker's memory is shared with its master process."""
    with web_server(ENVIRON["DATABASE_URL"], tmp_path / "log") as web:
        [worker] = workers(web)
        memory = worker.memory_full_info()
    assert memory.uss < memory.rss / 2


@LINUX
def test_worker_is_killed_before_its_master(tmp_path: Path) -> None:
    """If memory runs out, the kernel prefers a worker to the master process."""
    with web_server(ENVIRON["DATABASE_URL"], tmp_path / "log") as web:
        [worker] = workers(web)
        scores = [
            int(Path(f"/proc/{pid}/oom_score").read_text())
            for pid in (web.child.process.pid, worker.pid)
        ]
    assert scores[0] < scores[1]


def test_imported_modules_are_not_collected(tmp_path: Path) -> None:
    """The garbage collector is off while the master imports, and ignores the modules afterwards."""
    (tmp_path / "imported.py").write_text("import gc; was_enabled = gc.isenabled()")
    script = (
        "from receiver.gunicorn.preload import preload; preload('imported');"
        "import gc, imported; print(imported.was_enabled, gc.isenabled(), gc.get_freeze_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    was_enabled, is_enabled, frozen = done.stdout.split()
    assert (was_enabled, is_enabled) == ("False", "True")
    assert int(frozen) > 0
