"""The trouble that `python -m dev.practice` makes."""

import subprocess
import sys

import psycopg
import pytest

from tests.support.paths import ROOT


def test_ledger_is_locked_until_enter(migrated: str) -> None:
    """Nothing is stored while the ledger is locked, and everything is read."""
    command = [sys.executable, "-m", "dev.practice", "locked"]
    with (
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={"DATABASE_URL": migrated},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as practice,
        psycopg.connect(migrated, autocommit=True) as connection,
    ):
        assert practice.stdout is not None
        assert "locked" in practice.stdout.readline()
        connection.execute("SELECT FROM events")
        connection.execute("SET lock_timeout = 1")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            connection.execute("DELETE FROM events")
        practice.communicate("\n")
        assert practice.returncode == 0
        connection.execute("DELETE FROM events")


def test_unknown_trouble_is_an_error() -> None:
    """Without one of the three words, the program names them."""
    command = [sys.executable, "-m", "dev.practice"]
    done = subprocess.run(command, cwd=ROOT, env={}, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "quarantined, rejected or locked" in done.stderr
