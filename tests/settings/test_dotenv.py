"""Who reads `.env`: flask where python-dotenv is installed, as in development; never gunicorn."""

import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

_PROGRAMS = Path(sys.executable).parent


def _refusal(folder: Path, program: str, *arguments: str) -> str:
    """Run the program where `.env` holds one setting that is wrong, and return what it prints."""
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


def test_flask_reads_it(tmp_path: Path) -> None:
    """The commands take from `.env` what isn't exported."""
    assert "WEB_CONCURRENCY is not a whole number" in _refusal(
        tmp_path, "flask", "--app", "app", "migrate"
    )


def test_gunicorn_does_not_read_it(tmp_path: Path) -> None:
    """The web process has the settings of its environment alone."""
    configuration = f"--config={ROOT / 'gunicorn.conf.py'}"
    refusal = _refusal(tmp_path, "gunicorn", configuration, "app:create_app()")
    assert "DATABASE_URL is not set" in refusal
    assert "WEB_CONCURRENCY" not in refusal
