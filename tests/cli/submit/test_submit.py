"""`flask --app app submit`: one job, or thousands, with the simulated Twilio behind it."""

import csv
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from werkzeug.wrappers import Request, Response

from app import create_app
from receiver.services import services_of
from receiver.simulator.configurations import CALLBACK_ONLY, WITH_CONVERSATION
from receiver.simulator.server import Served, serve
from receiver.simulator.trouble import Trouble
from receiver.store.submissions.outbox import Submission, record_intent
from receiver.submissions import batch
from receiver.submissions.batch import CONCURRENCY
from receiver.submissions.csv_rows import read_rows
from schemas.submission import canonical
from tests.support.command import run
from tests.support.paths import ROOT
from tests.support.scripted import JOB, Scripted, accepted, answer, problem, scripted
from tests.support.server import PATIENCE
from tests.support.simulator.account import ACCOUNT, PARTICIPANTS, recording, simulated

ROWS = 2000


@pytest.fixture
def twilio() -> Iterator[Served]:
    """Yield a simulated Twilio."""
    with serve(simulated()) as served:
        yield served


@pytest.fixture
def environ(environ: dict[str, str], twilio: Served) -> dict[str, str]:
    """Let the service take it for Twilio."""
    return environ | {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_BASE_URL": twilio.url}


def sheet(path: Path, count: int, **cells: str) -> Path:
    """Write a file that asks for so many jobs."""
    rows = [
        {"transcriptionConfigurationId": CALLBACK_ONLY, "sourceId": recording(number), **cells}
        for number in range(count)
    ]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)

    return path


def submit(app: Flask, path: Path) -> Result:
    """Submit what the file asks for."""
    return run(app, "submit", "--from-csv", str(path))


def recordings(twilio: Served) -> list[str]:
    """Return of what there are jobs at Twilio."""
    return sorted(str(job.source_id) for job in twilio.simulator.memory.jobs())


def stored(app: Flask) -> list[str]:
    """Return of what there are jobs here."""
    with services_of(app).engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT source_id FROM transcriptions ORDER BY 1")
        return list(found.scalars())


def test_one_job(app: Flask, twilio: Served) -> None:
    """Its id is printed, and what the options say has arrived at Twilio."""
    result = run(
        app,
        "submit",
        f"--configuration={WITH_CONVERSATION}",
        "--media-url=https://example.com/a.wav",
        "--audio-started-at=2026-03-10T19:42:16Z",
        f"--participants={json.dumps(PARTICIPANTS)}",
    )
    [job] = twilio.simulator.memory.jobs()
    assert (result.exit_code, result.stdout) == (0, f"{job.id}\n")
    assert job.media_url == "https://example.com/a.wav"


def test_a_key_makes_it_one(app: Flask, twilio: Served) -> None:
    """With the same --idempotency-key the same job is named, with another request none is made."""
    options = ["submit", f"--configuration={CALLBACK_ONLY}", "--idempotency-key=key-1"]
    first = run(app, *options, f"--source-id={recording(1)}")
    assert run(app, *options, f"--source-id={recording(1)}").stdout == first.stdout
    other = run(app, *options, f"--source-id={recording(2)}")
    assert other.exit_code == 1
    assert "17534" in other.stderr
    assert recordings(twilio) == [recording(1)]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ((), "/transcriptionConfigurationId"),
        ((f"--configuration={CALLBACK_ONLY}",), "Either sourceId or mediaUrl"),
        ((f"--configuration={CALLBACK_ONLY}", "--source-id=RE1"), "/sourceId"),
        (
            (f"--configuration={WITH_CONVERSATION}", "--media-url=https://example.com/a"),
            "/participants",
        ),
        ((f"--configuration={CALLBACK_ONLY}", f"--source-id=RE20404{'0' * 27}"), "20404"),
        (("--idempotency-key=ä",), "printable ASCII"),
        (("--idempotency-key=resubmit-job_1",), "must not begin with"),
        ((f"--idempotency-key={'a' * 129}",), "1 to 128"),
        (("--from-csv=pyproject.toml", "--source-id=RE1"), "goes with no other option"),
    ],
)
def test_what_is_wrong_is_told(
    app: Flask, twilio: Served, options: tuple[str, ...], fault: str
) -> None:
    """It ends with an error, and there is no job."""
    result = run(app, "submit", *options)
    assert result.exit_code != 0
    assert fault in result.stderr
    assert twilio.simulator.memory.jobs() == []


def test_what_is_wrong_has_no_empty_pointer(app: Flask) -> None:
    """A fault of the whole is told as it is."""
    result = run(app, "submit", f"--configuration={CALLBACK_ONLY}")
    assert result.stderr == "Error: Either sourceId or mediaUrl must be given.\n"


def test_a_refusal_is_told_once(app: Flask) -> None:
    """With where it is, and without a way to repeat what would be refused again."""
    options = (f"--configuration={CALLBACK_ONLY}", f"--source-id=RE17533{'0' * 27}")
    result = run(app, "submit", *options)
    assert result.stderr == (
        "Error: Twilio refused it (400, code 17533): /sourceId: The recording is unfinished, "
        "encrypted or stored elsewhere.\n"
    )


def test_what_is_left_open_tells_how_to_repeat(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the key that was made for it there will be one job."""
    monkeypatch.setattr(batch, "_TRIES", 1)
    options = ("submit", f"--configuration={CALLBACK_ONLY}", f"--source-id={recording(1)}")
    with scripted() as there:
        there.answers(Response(status=500), accepted())
        app = create_app(environ | {"TWILIO_BASE_URL": there.url})
        result = run(app, *options)
        key = there.asked[0].headers["Idempotency-Key"]
        assert (result.exit_code, f"--idempotency-key {key}" in result.stderr) == (1, True)
        assert run(app, *options, f"--idempotency-key={key}").exit_code == 0
        services_of(app).engine.dispose()


def _jobs(result: Result, twilio: Served) -> dict[int, str]:
    """Return of each line of the output the recording of its job."""
    of = {job.id: str(job.source_id) for job in twilio.simulator.memory.jobs()}
    rows = csv.DictReader(result.stdout.splitlines())

    return {int(row["line"]): of[row["id"]] for row in rows}


def test_a_file(app: Flask, twilio: Served, tmp_path: Path) -> None:
    """Each line becomes a job, whose ids are printed; a second run prints them too."""
    path = sheet(tmp_path / "jobs.csv", 30)
    first = submit(app, path)
    assert first.exit_code == 0
    assert first.stdout.startswith("line,id\n2,voice_transcription_")
    assert _jobs(first, twilio) == {2 + number: recording(number) for number in range(30)}
    assert "30 submitted, 0 done before" in first.stderr
    assert recordings(twilio) == stored(app) == sorted(map(recording, range(30)))
    more = submit(app, sheet(path, 31))
    assert "1 submitted, 30 done before" in more.stderr
    assert more.stdout.startswith(first.stdout)
    assert _jobs(more, twilio) == {2 + number: recording(number) for number in range(31)}


def test_each_line_is_found_again(app: Flask, twilio: Served, tmp_path: Path) -> None:
    """In the file's order: new, done before, repeated, and none for what was refused."""
    path = sheet(tmp_path / "jobs.csv", 2)
    header, zero, one = path.read_text().splitlines()
    submit(app, path)
    refused = f"{CALLBACK_ONLY},RE17533{'0' * 27}"
    new = f"{CALLBACK_ONLY},{recording(2)}"
    lines = [header, new, one, refused, refused, new, zero, one]
    path.write_text("".join(f"{line}\n" for line in lines))
    result = submit(app, path)
    assert list(_jobs(result, twilio).items()) == [
        (2, recording(2)),
        (3, recording(1)),
        (6, recording(2)),
        (7, recording(0)),
        (8, recording(1)),
    ]
    assert "1 submitted, 2 done before, 3 repeated in the file, 1 failed" in result.stderr


def test_what_nobody_can_know_is_one_lines_fault(
    app: Flask, twilio: Served, tmp_path: Path
) -> None:
    """What was asked for long ago without an answer isn't asked again; the others go on."""
    path = sheet(tmp_path / "jobs.csv", 3)
    with path.open(newline="") as lines:
        row = read_rows(lines).rows[1]
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
    result = submit(app, path)
    assert result.exit_code == 1
    assert f"line 3: It was submitted at {asked_at:%Y-%m-%dT%H:%M:%SZ}" in result.stderr
    assert recordings(twilio) == [recording(0), recording(2)]


def test_an_unusable_answer_is_told_each_time(environ: dict[str, str], tmp_path: Path) -> None:
    """There is a job whose id nobody knows: the line isn't done, and Twilio isn't asked again."""
    with scripted() as there:
        there.answers(answer({"transcription": {}}, 202))
        app = create_app(environ | {"TWILIO_BASE_URL": there.url})
        path = sheet(tmp_path / "jobs.csv", 1)
        results = [submit(app, path) for _ in range(2)]
        services_of(app).engine.dispose()
    assert [result.stdout for result in results] == ["line,id\n"] * 2
    assert all("line 2: Twilio's answer to it can't be used." in each.stderr for each in results)
    assert len(there.asked) == 1


def test_a_file_with_faults_submits_nothing(app: Flask, twilio: Served, tmp_path: Path) -> None:
    """All of them are told first, those of the conversations too."""
    path = sheet(tmp_path / "jobs.csv", 2)
    media = f"{WITH_CONVERSATION},https://example.com/a.wav"
    path.write_text(
        f"transcriptionConfigurationId,mediaUrl\ncalls,\n{media}\n{CALLBACK_ONLY},https://e.x/y\n"
    )
    result = submit(app, path)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[0] == "Error: nothing was submitted:"
    assert [line.partition(": ")[0] for line in lines[1:]] == ["line 2", "line 3"]
    assert twilio.simulator.memory.jobs() == []


def test_many_faults_are_cut(app: Flask, tmp_path: Path) -> None:
    """A terminal isn't flooded with one fault a thousand times."""
    result = submit(app, sheet(tmp_path / "jobs.csv", 1000, audioStartedAt="yesterday"))
    assert len(result.stderr.splitlines()) < 60
    assert "… and 950 more." in result.stderr


def test_what_twilio_refuses_is_told(app: Flask, twilio: Served, tmp_path: Path) -> None:
    """The others are submitted; the exit code is 1, and the line and the reason are named."""
    path = sheet(tmp_path / "jobs.csv", 5)
    path.write_text(path.read_text().replace(recording(3), f"RE17533{'0' * 27}"))
    result = submit(app, path)
    assert result.exit_code == 1
    assert "line 5: " in result.stderr
    assert "17533" in result.stderr
    assert "4 submitted, 0 done before, 0 repeated in the file, 1 failed" in result.stderr
    assert len(twilio.simulator.memory.jobs()) == 4


def test_trouble_at_twilio_makes_no_second_job(environ: dict[str, str], tmp_path: Path) -> None:
    """Where requests meet 429 and 500, done or not, each line has its one job in the end."""
    trouble = Trouble(busy=0.1, broken=0.1)
    with serve(simulated(trouble=trouble, seed=1)) as served:
        app = create_app(environ | {"TWILIO_BASE_URL": served.url})
        path = sheet(tmp_path / "jobs.csv", 40)
        result = submit(app, path)
        assert result.exit_code == 0, result.stderr
        assert recordings(served) == stored(app) == sorted(map(recording, range(40)))
        services_of(app).engine.dispose()


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_end_it(environ: dict[str, str], tmp_path: Path, status: int) -> None:
    """They would be refused for each of the lines, which aren't come to then."""
    with scripted() as there:
        there.answers(problem(status, 20003, detail="Authenticate"))
        app = create_app(environ | {"TWILIO_BASE_URL": there.url})
        result = submit(app, sheet(tmp_path / "jobs.csv", 100))
        services_of(app).engine.dispose()
    assert result.exit_code == 1
    assert "20003" in result.stderr
    assert len(there.asked) < 20
    assert "not come to." in result.stderr


@pytest.mark.parametrize("seconds", ["0", "1"])
def test_waits_as_it_is_told(environ: dict[str, str], tmp_path: Path, seconds: str) -> None:
    """A 429 holds all lines back but those under way for its Retry-After, and never for nothing."""
    began: list[float] = []
    refused: list[str] = []

    def reply(request: Request) -> Response:
        began.append(time.monotonic())
        if began[-1] - began[0] > 1:
            return accepted(f"job_{request.json['sourceId']}")
        refused.append(request.headers["Idempotency-Key"])
        return answer({}, 429, Retry_After=seconds)

    with scripted() as there:
        there.answers(reply)
        app = create_app(environ | {"TWILIO_BASE_URL": there.url})
        result = submit(app, sheet(tmp_path / "jobs.csv", 8))
        services_of(app).engine.dispose()
    assert "8 submitted" in result.stderr
    assert len(refused) == len(set(refused)) <= CONCURRENCY


def test_a_busy_twilio_ends_the_run(environ: dict[str, str], tmp_path: Path) -> None:
    """Nobody waits an hour before a silent bar; the next run does the rest."""
    with scripted() as there:
        there.answers(answer({}, 429, Retry_After="3600"))
        app = create_app(environ | {"TWILIO_BASE_URL": there.url})
        result = submit(app, sheet(tmp_path / "jobs.csv", 100))
        services_of(app).engine.dispose()
    assert result.exit_code == 1
    assert len(there.asked) <= CONCURRENCY
    assert "429: too many requests." in result.stderr
    assert "Run it again" in result.stderr


def test_missing_credentials_are_told(environ: dict[str, str]) -> None:
    """Without Twilio's credentials the variables are named."""
    bare = create_app(environ | {"TWILIO_ACCOUNT_SID": ""})
    options = (f"--configuration={CALLBACK_ONLY}", f"--source-id={recording(1)}")
    result = run(bare, "submit", *options)
    services_of(bare).engine.dispose()
    assert result.exit_code == 1
    assert "TWILIO_API_KEY" in result.stderr


def _started(environ: dict[str, str], path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "submit", "--from-csv", path],
        env=environ | {"PATH": os.environ["PATH"]},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _interrupted(
    environ: dict[str, str], there: Scripted, path: Path
) -> subprocess.CompletedProcess[bytes]:
    """Press Ctrl-C when Twilio has taken a few and is about to take others."""
    reached, pressed = threading.Event(), threading.Event()

    def reply(request: Request) -> Response:
        if len(there.asked) > 2 * CONCURRENCY:
            reached.set()
            pressed.wait(PATIENCE)
        return accepted(f"job_{request.json['sourceId']}")

    there.answers(reply)
    with _started(environ | {"TWILIO_BASE_URL": there.url}, path) as process:
        assert reached.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        assert process.stderr
        heard = iter(process.stderr.readline, b"")
        before = list(itertools.takewhile(lambda line: b"Ending" not in line, heard))
        pressed.set()
        stdout, stderr = process.communicate()

    return subprocess.CompletedProcess((), process.returncode, stdout, b"".join(before) + stderr)


def test_ctrl_c_ends_it_in_order(environ: dict[str, str], tmp_path: Path) -> None:
    """What is under way is waited for and told; the next run does the rest, and nothing twice."""
    path = sheet(tmp_path / "jobs.csv", 100)
    with scripted() as there:
        done = _interrupted(environ, there, path)
        taken = len(there.asked)
        assert 2 * CONCURRENCY < taken <= 3 * CONCURRENCY
        assert done.returncode == 130
        assert len(done.stdout.splitlines()) == 1 + taken
        assert f"{taken} submitted, 0 done before".encode() in done.stderr
        assert b"not come to.\nRun it again for those: no job is submitted twice." in done.stderr
        assert b"Traceback" not in done.stderr
        app = create_app(environ | {"TWILIO_BASE_URL": there.url})
        again = submit(app, path)
        services_of(app).engine.dispose()
    assert len(again.stdout.splitlines()) == 101
    assert again.stdout.startswith(done.stdout.decode())
    assert len({asked.headers["Idempotency-Key"] for asked in there.asked}) == len(there.asked)


def test_ctrl_c_during_one_job_tells_its_id(environ: dict[str, str]) -> None:
    """It was on its way to Twilio, which has taken it."""
    with scripted() as there:
        app = create_app(environ | {"TWILIO_BASE_URL": there.url})

        def reply(_: Request) -> Response:
            os.kill(os.getpid(), signal.SIGINT)
            return accepted()

        there.answers(reply)
        options = (f"--configuration={CALLBACK_ONLY}", f"--source-id={recording(1)}")
        result = run(app, "submit", *options)
        services_of(app).engine.dispose()
    assert (result.exit_code, result.stdout) == (0, f"{JOB}\n")


def test_ctrl_c_while_twilio_is_busy_ends_it(environ: dict[str, str]) -> None:
    """Nothing was submitted."""
    with scripted() as there:
        app = create_app(environ | {"TWILIO_BASE_URL": there.url})

        def reply(_: Request) -> Response:
            os.kill(os.getpid(), signal.SIGINT)
            return answer({}, 429, Retry_After="60")

        there.answers(reply)
        options = (f"--configuration={CALLBACK_ONLY}", f"--source-id={recording(1)}")
        result = run(app, "submit", *options)
        services_of(app).engine.dispose()
    assert (result.exit_code, result.stdout) == (130, "")
    assert "Nothing was submitted." in result.stderr


# The way to a job is the same on every Postgres; this one is long.
@pytest.mark.parametrize("postgres", [18], indirect=True, ids="postgres{}".format)
def test_two_thousand_rows_and_a_kill(environ: dict[str, str], tmp_path: Path) -> None:
    """Killed in the middle and run again, it makes one job of each line, and all are known here."""
    path = sheet(tmp_path / "jobs.csv", ROWS)
    quarter = threading.Event()
    notes: list[str] = []

    def note(line: str) -> None:
        notes.append(line)
        if len(notes) > ROWS // 4:
            quarter.set()

    with serve(simulated(tell=note)) as twilio:
        environ = environ | {"TWILIO_BASE_URL": twilio.url}
        with _started(environ, path) as first:
            assert quarter.wait(timeout=300)
            first.send_signal(signal.SIGKILL)
            first.communicate()
        assert len(twilio.simulator.memory.jobs()) < ROWS
        with _started(environ, path) as second:
            stdout, stderr = second.communicate()
        assert second.returncode == 0, stderr
        assert len(stdout.splitlines()) == 1 + ROWS
        app = create_app(environ)
        assert recordings(twilio) == stored(app) == sorted(map(recording, range(ROWS)))
        services_of(app).engine.dispose()
