"""Test of Ctrl-C during `erase`, in a process of its own."""

import signal
from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine, text

from receiver.services import services_of
from receiver.store.tables import erasures
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.command_process import command_process
from tests.support.environment import ENVIRON
from tests.support.erasing import ADDRESS, body, is_stored, rows_of
from tests.support.sessions import waits_for_lock


def test_ctrl_c(app: Flask, twilio: Twilio, tmp_path: Path) -> None:
    """Ctrl-C says that the same command continues, which it does, with the same receipt."""
    for number in range(3):
        twilio.call(body(id=f"job_{number}"))
    url = services_of(app).settings.database_url
    log = tmp_path / "log"
    admin = create_engine(services_of(app).engine.url, isolation_level="AUTOCOMMIT")
    other = create_engine(services_of(app).engine.url)
    arguments = ("erase", "address", ADDRESS, "--yes")
    with other.begin() as connection:
        connection.execute(text("SELECT FROM transcriptions WHERE id = 'job_1' FOR UPDATE"))
        with command_process({**ENVIRON, "DATABASE_URL": url}, log, *arguments) as child:
            while not waits_for_lock(admin):
                assert child.process.poll() is None, log.read_text()
            child.process.send_signal(signal.SIGINT)
            assert child.process.wait() == 130
    assert "Run the same command again" in log.read_text()
    [receipt] = rows_of(app, erasures)
    assert receipt.completed_at is None
    done = run(app, *arguments)
    assert done.exit_code == 0, done.output
    assert f"receipt is number {receipt.id}:" in done.stdout
    assert not is_stored(app, ADDRESS)
    admin.dispose()
    other.dispose()
