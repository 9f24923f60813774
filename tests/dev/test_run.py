"""What `make run` shows and prints, and the settings that it accepts."""

import json
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

from dev.shared_settings import FILE
from tests.support.make_run import assert_run_ends, running, start_run
from tests.support.waiting import wait_until


def _failed_output(project: Path, port: int, **environment: str) -> str:
    """Return the output of a run that fails to start."""
    with start_run(project, port, **environment) as run:
        output, _ = run.communicate()
    assert run.returncode == 1

    return output


# A shell may export these settings for production; a run ignores them.
_PRODUCTION = {
    "DATABASE_URL": "postgresql://nobody@production.invalid/db",
    "API_KEYS": "production",
    "MAX_BODY_BYTES": "1",
    "TWILIO_BASE_URL": "http://production.invalid",
}


def test_complete_run(project: Path, port: int) -> None:
    """A run shows its jobs' lives, prints commands that work, and ends at Ctrl-C.

    It ignores the settings that are exported for production.
    """
    with running(project, port, **_PRODUCTION) as (run, output, processes):
        _assert_job_lives_are_shown(output)
        assert all(job["id"] in output for job in _read(port)["transcriptions"][:2])
        _assert_one_click_signs_in(output)
        _assert_printed_commands_work(output, port)
        _assert_commands_have_the_settings(project)
        _assert_search_finds_the_demo(port)
        _assert_there_is_practice_for_an_operator(project)
        assert_run_ends(run, processes, signal.SIGINT)
        assert not (project / FILE).exists()


def _assert_commands_have_the_settings(project: Path) -> None:
    """Assert that `make env` sets the settings of the run, whatever the shell exports."""
    lines = project / FILE
    assert lines.stat().st_mode & 0o777 == 0o600
    assert "with transcript " in _run_with_settings(project, "flask --app app completeness")


def _assert_there_is_practice_for_an_operator(project: Path) -> None:
    """Assert that callbacks can be quarantined and rejected, and that there is a spool."""
    for outcome, status in (("quarantined", 204), ("rejected", 403)):
        sent = _run_with_settings(project, f"python -m dev.practice {outcome}")
        job_id, _, rest = sent.partition(", ")
        assert rest.endswith(f"answered {status}\n")
        command = "rejected list" if status == 403 else "callbacks list --outcome quarantined"
        assert job_id in _run_with_settings(project, f"flask --app app {command}")
    spool = _run_with_settings(project, "flask --app app spool")
    [folder] = re.findall(r"^folder +(.+)$", spool, re.MULTILINE)
    assert Path(folder).is_dir()


def _run_with_settings(project: Path, command: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", f'eval "$(cat "$0")"; {command}', str(FILE)],
        cwd=project,
        env={"PATH": "/usr/bin:/bin", **_PRODUCTION},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr

    return done.stdout


def _assert_job_lives_are_shown(output: str) -> None:
    """One job is called back and read; the callback of another one is lost, and it is fetched."""
    delivered, lost = re.findall(r"submitted +(\S+) +PENDING", output)
    steps = re.findall(r"(Twilio|receiver) +\S+ +(\w+) +(\S+)", output)
    for job, last_event in ((delivered, "received"), (lost, "fetched")):
        events = [event for _, event, job_id in steps if job_id == job]
        positions = [
            events.index(event) for event in ("submitted", "running", "completed", last_event)
        ]
        assert positions == sorted(positions), output
    assert ("Twilio", "delivered", delivered) in steps
    assert ("Twilio", "refused", lost) in steps
    assert ("receiver", "missing", lost) in steps
    assert "The job's configuration calls" in output
    assert f"Stored and read back:\n  {delivered}\n  COMPLETED" in output
    assert "sentences, from its conversation" in output


def _assert_printed_commands_work(output: str, port: int) -> None:
    """Each printed command works unchanged, and the service receives the job of the last one."""
    commands = re.findall(r"^  (curl .*?[^\\])$", output, re.MULTILINE | re.DOTALL)
    answers = [_run_command(command) for command in commands]
    assert len(answers) == 5, output
    assert answers[2].startswith("WEBVTT")
    assert json.loads(answers[3])["withTranscript"] >= 2
    job_id = json.loads(answers[4])["transcription"]["id"]
    wait_until(lambda: _has_transcript(port, job_id))


def _assert_one_click_signs_in(output: str) -> None:
    """Assert that the printed page has a button that opens the console with the demo's jobs."""
    [url] = re.findall(r"^  console +(\S+)", output, re.MULTILINE)
    page = requests.get(url, timeout=10).text
    [action] = re.findall(r'action="([^"]+)"', page)
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', page))
    signed_in = requests.post(
        urljoin(url, action),
        data=fields,
        headers={"Sec-Fetch-Site": "same-origin", "Connection": "close"},
        allow_redirects=False,
        timeout=10,
    )
    # The client sends no cookie with `Secure` to http, unlike a browser at loopback.
    overview = requests.get(
        urljoin(url, signed_in.headers["Location"]),
        headers={"Cookie": signed_in.headers["Set-Cookie"], "Connection": "close"},
        timeout=10,
    ).text
    assert all(job in overview for job in re.findall(r"submitted +(\S+) +PENDING", output))


def _run_command(command: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("curl ", "curl --silent --fail ", 1)],
        check=True,
        capture_output=True,
        text=True,
    )

    return done.stdout


def _assert_search_finds_the_demo(port: int) -> None:
    """Assert that the words that docs/searching.md tries are found, once they are indexed."""
    wait_until(lambda: _request(port, "/v3/Search?q=%22thanks for your help%22")["hits"])


def _has_transcript(port: int, job_id: str) -> bool:
    return bool(_read(port, f"/{job_id}")["transcription"]["transcript"]["available"])


def _read(port: int, path: str = "") -> Any:
    return _request(port, f"/v3/Transcriptions{path}")


def _request(port: int, path: str) -> Any:
    return requests.get(
        f"http://127.0.0.1:{port}{path}",
        auth=("dev", "dev-secret"),
        headers={"Connection": "close"},
        timeout=10,
    ).json()


def test_port_in_use_is_reported(project: Path) -> None:
    """A port in use is reported with the remedy, before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        output = _failed_output(project, taken.getsockname()[1])

    assert "PORT=8001 make run" in output


def test_invalid_port_is_reported(project: Path) -> None:
    """An invalid port is reported with the remedy."""
    assert "PORT=8001 make run" in _failed_output(project, 65536)


def test_remote_database_is_refused(project: Path, port: int) -> None:
    """A remote database is neither migrated nor written to."""
    url = "postgresql://db.example.com/db"

    assert "on this machine" in _failed_output(project, port, DEV_DATABASE_URL=url)


def test_dotenv_file_is_read(project: Path, port: int, database: str) -> None:
    """`.env` sets the port, the log level and a local database; its other settings are ignored.

    The database replaces the embedded Postgres; SIGHUP ends such a run.
    """
    file = project / ".env"
    used = f"PORT={port}\nLOG_LEVEL=INFO\nDEV_DATABASE_URL={database}\n"
    file.write_text(f"{used}DATABASE_URL=elsewhere\nDB_POOL_SIZE=none\n")
    try:
        with running(project, port, PORT="") as (run, output, processes):
            assert f"http://127.0.0.1:{port}/v3/Transcriptions" in output
            assert '"level": "INFO"' in output
            assert "DEV_DATABASE_URL" in output
            assert not [process for process in processes if process.name() == "postgres"]
            assert_run_ends(run, processes, signal.SIGHUP)
    finally:
        file.unlink()
