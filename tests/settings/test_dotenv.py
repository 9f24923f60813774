"""Tests of `.env`: flask reads it if python-dotenv is installed, and gunicorn never does."""

import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

_PROGRAMS = Path(sys.executable).parent


def _error_output(folder: Path, program: str, *arguments: str) -> str:
    """Run the program in a folder whose `.env` has an invalid setting, and return its stderr."""
    (folder / ".env").write_text("WEB_CONCURRENCY=many\n")
    done = subprocess.run(
        [_PROGRAMS / program, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1

    return done.stderr


def test_flask_reads_dotenv(tmp_path: Path) -> None:
    """The commands read `.env`."""
    assert "WEB_CONCURRENCY is not a whole number" in _error_output(
        tmp_path, "flask", "--app", "app", "migrate"
    )


def test_gunicorn_does_not_read_dotenv(tmp_path: Path) -> None:
    """The web process reads only its environment."""
    configuration = f"--config={ROOT / 'gunicorn.conf.py'}"
    error = _error_output(tmp_path, "gunicorn", configuration, "app:create_app()")
    assert "DATABASE_URL is not set" in error
    assert "WEB_CONCURRENCY" not in error
