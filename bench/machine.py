"""Describes the machine: figures mean nothing without it."""

import importlib.metadata
import os
import platform
import time
from pathlib import Path

import psutil

from bench.database import Database

_PACKAGES = ("flask", "gunicorn", "gevent", "sqlalchemy", "psycopg", "marshmallow")
_PEER_PACKAGES = (
    "flask-sqlalchemy",
    "twilio",
    "fastapi",
    "pydantic",
    "asyncpg",
    "uvicorn",
    "uvloop",
)
_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "wal_sync_method")
_SIZES = ("shared_buffers", "max_wal_size", "max_connections")


def describe(database: Database) -> dict[str, str]:
    """Return the machine's properties by name, with the versions of Postgres and the packages."""
    settings = [f"{name} {database.fetch_value(f'SHOW {name}')}" for name in (*_SETTINGS, *_SIZES)]

    return {
        "processor": f"{os.cpu_count()} cores, {_model()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load before": _load(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Postgres": f"{database.fetch_value('SHOW server_version')}: {', '.join(settings)}",
        "packages": _versions(_PACKAGES),
        "the peers'": _versions(_PEER_PACKAGES),
    }


class OtherPrograms:
    """Measures from now on how much of the processors other programs use."""

    def __init__(self) -> None:
        self._seconds = _seconds_of_others()
        self._began_at = time.monotonic()

    def describe(self) -> str:
        """Return it in words; all processes of the benchmark must have ended."""
        elapsed = time.monotonic() - self._began_at
        cores = (_seconds_of_others() - self._seconds) / elapsed

        return f"{max(0.0, cores):.2f} cores on average"


def _seconds_of_others() -> float:
    """Return the CPU seconds since the start of the machine without our own and our children's."""
    times = psutil.cpu_times()
    # Linux counts the time of guests twice.
    not_busy = ("idle", "iowait", "guest", "guest_nice")
    busy = sum(times) - sum(getattr(times, name, 0.0) for name in not_busy)

    return float(busy) - sum(os.times()[:4])


def _load() -> str:
    """Return the load of the last minute: other programs disturb the contestants unevenly."""
    load = os.getloadavg()[0]
    busy = load > (os.cpu_count() or 1) / 4

    return f"{load:.2f}{', **busy**: of these figures only the CPU times mean much' * busy}"


def _versions(packages: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))

    return next(models, platform.processor())
