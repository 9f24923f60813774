"""The command `submit --from-csv`: output, faults and refusals."""

import csv
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from werkzeug.wrappers import Request, Response

from receiver.services import services_of
from receiver.simulator.configurations import CALLBACK_ONLY, WITH_CONVERSATION
from receiver.simulator.server import SimulatorServer
from receiver.store.submissions.outbox import Submission, record_intent
from receiver.submissions.batch import CONCURRENCY
from receiver.submissions.csv_rows import read_rows
from schemas.submission import canonical
from tests.support.command import run
from tests.support.csv_submissions import (
    stored_recordings,
    submit_csv,
    twilio_recordings,
    write_csv,
)
from tests.support.scripted import accepted, answer, problem, scripted
from tests.support.simulator.account import recording
from tests.support.submitting import open_app

HEADER = "line,id,transcriptionConfigurationId,sourceId\n"


def _recordings_by_line(result: Result, twilio: SimulatorServer) -> dict[int, str]:
    """Return the recording of the job on each line of the output."""
    recording_of = {job.id: str(job.source_id) for job in twilio.simulator.job_store.newest_first()}
    rows = csv.DictReader(result.stdout.splitlines())

    return {int(row["line"]): recording_of[row["id"]] for row in rows}


def test_each_line_becomes_a_job(app: Flask, twilio: SimulatorServer, tmp_path: Path) -> None:
    """Each line becomes a job; a second run prints the same ids and submits new lines only."""
    path = write_csv(tmp_path / "jobs.csv", 30)
    first = submit_csv(app, path)
    assert first.exit_code == 0
    assert first.stdout.startswith(
        "line,id,transcriptionConfigurationId,sourceId\n2,voice_transcription_"
    )
    assert _recordings_by_line(first, twilio) == {
        2 + number: recording(number) for number in range(30)
    }
    assert "30 submitted, 0 done before" in first.stderr
    assert twilio_recordings(twilio) == stored_recordings(app) == sorted(map(recording, range(30)))
    more = submit_csv(app, write_csv(path, 31))
    assert "1 submitted, 30 done before" in more.stderr
    assert more.stdout.startswith(first.stdout)
    assert _recordings_by_line(more, twilio) == {
        2 + number: recording(number) for number in range(31)
    }


def test_file_may_be_the_standard_input(
    app: Flask, twilio: SimulatorServer, tmp_path: Path
) -> None:
    """With `-` the lines are those of the standard input, and have the same keys."""
    path = write_csv(tmp_path / "jobs.csv", 2)
    result = run(app, "submit", "--from-csv", "-", text=path.read_text())
    assert _recordings_by_line(result, twilio) == {2: recording(0), 3: recording(1)}
    assert "0 submitted, 2 done before" in submit_csv(app, path).stderr


def test_output_is_in_the_order_of_the_file(
    app: Flask, twilio: SimulatorServer, tmp_path: Path
) -> None:
    """The output lists new, earlier and repeated lines in order, but no refused ones."""
    path = write_csv(tmp_path / "jobs.csv", 2)
    header, zero, one = path.read_text().splitlines()
    submit_csv(app, path)
    refused = f"{CALLBACK_ONLY},RE17533{'0' * 27}"
    new = f"{CALLBACK_ONLY},{recording(2)}"
    lines = [header, new, one, refused, refused, new, zero, one]
    path.write_text("".join(f"{line}\n" for line in lines))
    result = submit_csv(app, path)
    assert list(_recordings_by_line(result, twilio).items()) == [
        (2, recording(2)),
        (3, recording(1)),
        (6, recording(2)),
        (7, recording(0)),
        (8, recording(1)),
    ]
    assert "1 submitted, 2 done before, 3 repeated in the file, 1 failed" in result.stderr


def test_output_repeats_the_columns_of_the_file(
    app: Flask, twilio: SimulatorServer, tmp_path: Path
) -> None:
    """The output has the file's columns and its delimiter; columns of the user are not sent."""
    path = tmp_path / "jobs.csv"
    path.write_text(
        f"id;sourceId;transcriptionConfigurationId\nMüller; {recording(0)} ;{CALLBACK_ONLY}\n;;\n",
        encoding="utf-8-sig",
    )
    result = submit_csv(app, path)
    assert result.exit_code == 0
    [row] = csv.DictReader(result.stdout.splitlines(), delimiter=";")
    [job] = twilio.simulator.job_store.newest_first()
    assert row == {
        "line": "2",
        "id": job.id,
        "id_in_file": "Müller",
        "sourceId": recording(0),
        "transcriptionConfigurationId": CALLBACK_ONLY,
    }
    assert "Columns that are not sent to Twilio: 'id'." in result.stderr


def test_expired_intent_affects_one_line(
    app: Flask, twilio: SimulatorServer, tmp_path: Path
) -> None:
    """A line with an expired intent is a fault, and the other lines are submitted."""
    path = write_csv(tmp_path / "jobs.csv", 3)
    row = read_rows(path.read_bytes()).rows[1]
    asked_at = datetime.now(UTC) - timedelta(hours=25)
    with services_of(app).engine.connect() as connection:
        record_intent(
            connection,
            Submission(
                idempotency_key=row.key,
                request=canonical(row.request),
                submitted_by="reader",
                created_at=asked_at,
                asked_at=asked_at,
            ),
        )
    result = submit_csv(app, path)
    assert result.exit_code == 1
    assert f"line 3: It was submitted at {asked_at:%Y-%m-%dT%H:%M:%SZ}" in result.stderr
    assert twilio_recordings(twilio) == [recording(0), recording(2)]


def test_unusable_answer_is_reported_in_each_run(environ: dict[str, str], tmp_path: Path) -> None:
    """A job whose id is unknown is a fault in each run, and Twilio isn't called again."""
    with scripted() as scripted_twilio, open_app(environ, scripted_twilio.url) as app:
        scripted_twilio.answers(answer({"transcription": {}}, 202))
        path = write_csv(tmp_path / "jobs.csv", 1)
        results = [submit_csv(app, path) for _ in range(2)]
    assert [result.stdout for result in results] == [
        "line,id,transcriptionConfigurationId,sourceId\n"
    ] * 2
    assert all("line 2: Twilio's answer to it can't be used." in each.stderr for each in results)
    assert len(scripted_twilio.asked) == 1


def test_file_with_faults_submits_nothing(
    app: Flask, twilio: SimulatorServer, tmp_path: Path
) -> None:
    """All faults are reported, with those of participants, before anything is submitted."""
    path = write_csv(tmp_path / "jobs.csv", 2)
    media = f"{WITH_CONVERSATION},https://example.com/a.wav"
    path.write_text(
        f"transcriptionConfigurationId,mediaUrl\ncalls,\n{media}\n{CALLBACK_ONLY},https://e.x/y\n"
    )
    result = submit_csv(app, path)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[0] == "Error: nothing was submitted:"
    assert [line.partition(": ")[0] for line in lines[1:]] == ["line 2", "line 3"]
    assert twilio.simulator.job_store.newest_first() == []


def test_number_of_printed_faults_is_limited(app: Flask, tmp_path: Path) -> None:
    """After 50 faults only their number is printed."""
    result = submit_csv(app, write_csv(tmp_path / "jobs.csv", 1000, audioStartedAt="yesterday"))
    assert len(result.stderr.splitlines()) < 60
    assert "… and 950 more." in result.stderr


def test_refused_line_is_reported(app: Flask, twilio: SimulatorServer, tmp_path: Path) -> None:
    """A refused line is reported with its reason and exits with 1; the others are submitted."""
    path = write_csv(tmp_path / "jobs.csv", 5)
    path.write_text(path.read_text().replace(recording(3), f"RE17533{'0' * 27}"))
    result = submit_csv(app, path)
    assert result.exit_code == 1
    assert "line 5: " in result.stderr
    assert "17533" in result.stderr
    assert "4 submitted, 0 done before, 0 repeated in the file, 1 failed" in result.stderr
    assert len(twilio.simulator.job_store.newest_first()) == 4


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_end_the_run(
    environ: dict[str, str], tmp_path: Path, status: int
) -> None:
    """Refused credentials end the run, because every line would be refused."""
    with scripted() as scripted_twilio, open_app(environ, scripted_twilio.url) as app:
        scripted_twilio.answers(problem(status, 20003, detail="Authenticate"))
        result = submit_csv(app, write_csv(tmp_path / "jobs.csv", 100))
    assert result.exit_code == 1
    assert "20003" in result.stderr
    assert len(scripted_twilio.asked) < 20
    assert "not tried." in result.stderr


@pytest.mark.parametrize("seconds", ["0", "1"])
def test_429_delays_all_lines(environ: dict[str, str], tmp_path: Path, seconds: str) -> None:
    """A 429 delays all lines that aren't under way by its Retry-After, or by a minimum."""
    began: list[float] = []
    refused: list[str] = []

    def reply(request: Request) -> Response:
        began.append(time.monotonic())
        if began[-1] - began[0] > 1:
            return accepted(f"job_{request.json['sourceId']}")
        refused.append(request.headers["Idempotency-Key"])
        return answer({}, 429, Retry_After=seconds)

    with scripted() as scripted_twilio, open_app(environ, scripted_twilio.url) as app:
        scripted_twilio.answers(reply)
        result = submit_csv(app, write_csv(tmp_path / "jobs.csv", 8))
    assert "8 submitted" in result.stderr
    assert len(refused) == len(set(refused)) <= CONCURRENCY


def test_long_retry_after_ends_the_run(environ: dict[str, str], tmp_path: Path) -> None:
    """A very long Retry-After ends the run, and the error advises to run the command again."""
    with scripted() as scripted_twilio, open_app(environ, scripted_twilio.url) as app:
        scripted_twilio.answers(answer({}, 429, Retry_After="3600"))
        result = submit_csv(app, write_csv(tmp_path / "jobs.csv", 100))
    assert result.exit_code == 1
    assert len(scripted_twilio.asked) <= CONCURRENCY
    assert "429: too many requests." in result.stderr
    assert "Run the command again" in result.stderr
