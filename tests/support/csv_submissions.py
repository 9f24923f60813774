"""CSV files of submissions, the command `submit --from-csv`, and the jobs that it makes."""

import csv
from pathlib import Path

from click.testing import Result
from flask import Flask

from receiver.services import services_of
from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.server import SimulatorServer
from tests.support.command import run
from tests.support.simulator.account import recording


def write_csv(path: Path, count: int, **cells: str) -> Path:
    """Write a file that requests this number of jobs."""
    rows = [
        {"transcriptionConfigurationId": CALLBACK_ONLY, "sourceId": recording(number), **cells}
        for number in range(count)
    ]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)

    return path


def submit_csv(app: Flask, path: Path) -> Result:
    """Submit the jobs in the file."""
    return run(app, "submit", "--from-csv", str(path))


def twilio_recordings(twilio: SimulatorServer) -> list[str]:
    """Return the recordings of the jobs at Twilio."""
    return sorted(str(job.source_id) for job in twilio.simulator.job_store.newest_first())


def stored_recordings(app: Flask) -> list[str]:
    """Return the recordings of the stored jobs."""
    with services_of(app).engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT source_id FROM transcriptions ORDER BY 1")
        return list(rows.scalars())
