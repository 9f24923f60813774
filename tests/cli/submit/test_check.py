"""The option --check of `submit`, with files on a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from receiver.preflight import check
from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.server import SimulatorServer
from tests.support.command import run
from tests.support.environment import close_app
from tests.support.media import audio_files
from tests.support.media.server import OPEN_POLICY, Answer, Server, serving
from tests.support.simulator.account import recording

FILES = {
    "/good.wav": Answer(audio_files.wav(3)),
    "/gone.wav": Answer(status=404),
    "/bad.wav": Answer(audio_files.wav(0.5, rate=4000)),
}


@pytest.fixture
def media(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Yield a file server, which the address policy allows although it is on loopback."""
    monkeypatch.setattr(check, "AddressPolicy", lambda: OPEN_POLICY)
    with serving(FILES) as server:
        yield server


def _write_csv(path: Path, *urls: str) -> str:
    """Write a file with these URLs and a Recording, and return its path."""
    lines = [f"{CALLBACK_ONLY},,{url}" for url in urls]
    lines.append(f"{CALLBACK_ONLY},{recording(1)},")
    path.write_text("\n".join(["transcriptionConfigurationId,sourceId,mediaUrl", *lines]))

    return str(path)


def test_valid_media_url_exits_with_0(app: Flask, twilio: SimulatorServer, media: Server) -> None:
    """The check of a valid file prints nothing, exits with 0 and submits nothing."""
    url = media.url("/good.wav")
    result = run(app, "submit", "--check", f"--configuration={CALLBACK_ONLY}", f"--media-url={url}")
    assert (result.exit_code, result.stdout) == (0, "")
    assert len(media.asked) == 1
    assert twilio.simulator.job_store.newest_first() == []


def test_invalid_media_url_exits_with_1(app: Flask, twilio: SimulatorServer, media: Server) -> None:
    """Each fault is printed with Twilio's code, and the exit code is 1."""
    url = media.url("/bad.wav")
    result = run(app, "submit", "--check", f"--configuration={CALLBACK_ONLY}", f"--media-url={url}")
    assert result.exit_code == 1
    assert [line[:17] for line in result.stdout.splitlines()] == [
        "/mediaUrl: 17557:",
        "/mediaUrl: 17554:",
    ]
    assert twilio.simulator.job_store.newest_first() == []


def test_recording_is_not_checked(app: Flask) -> None:
    """A Recording is not checked, but the other faults of the request are reported."""
    options = ("submit", "--check", f"--source-id={recording(1)}")
    valid = run(app, *options, f"--configuration={CALLBACK_ONLY}")
    assert (valid.exit_code, valid.stderr) == (0, "Recordings are not checked.\n")
    assert "--configuration is required" in run(app, *options).stderr


def test_csv_file_reports_all_faults(
    app: Flask, twilio: SimulatorServer, media: Server, tmp_path: Path
) -> None:
    """The faults of all rows are printed with their line numbers, and nothing is submitted."""
    urls = [media.url(path) for path in ("/good.wav", "/gone.wav", "/bad.wav")]
    path = _write_csv(tmp_path / "jobs.csv", *urls, "not-a-url", *[urls[0]] * 20)
    result = run(app, "submit", "--from-csv", path, "--check")
    assert result.exit_code == 1
    assert [line.rpartition(": ")[0] for line in result.stdout.splitlines()] == [
        "line 5: /mediaUrl",
        "line 3: /mediaUrl: 17552",
        "line 4: /mediaUrl: 17557",
        "line 4: /mediaUrl: 17554",
    ]
    # The repeated line is one job.
    assert (
        "3 files checked, 1 Recording not checked, 4 problems found. Nothing was submitted."
        in result.stderr
    )
    assert twilio.simulator.job_store.newest_first() == []


def test_valid_csv_file_exits_with_0(app: Flask, media: Server, tmp_path: Path) -> None:
    """The check of a valid CSV file prints nothing and exits with 0."""
    path = _write_csv(tmp_path / "jobs.csv", *[f"{media.url('/good.wav')}?{n}" for n in range(9)])
    media.answers |= {f"/good.wav?{n}": FILES["/good.wav"] for n in range(9)}
    result = run(app, "submit", "--from-csv", path, "--check")
    assert (result.exit_code, result.stdout) == (0, "")
    assert len(media.asked) == 9


def test_private_address_is_refused(app: Flask, tmp_path: Path) -> None:
    """A private address is refused without a request to it."""
    with serving(FILES) as server:
        path = _write_csv(tmp_path / "jobs.csv", server.url("/good.wav", host="127.0.0.1"))
        result = run(app, "submit", "--from-csv", path, "--check")
    assert result.exit_code == 1
    assert "line 2: /mediaUrl: 17551" in result.stdout
    assert server.asked == []


def test_check_needs_no_credentials(environ: dict[str, str], media: Server) -> None:
    """The check runs without Twilio's credentials."""
    app = create_app(environ | {"TWILIO_ACCOUNT_SID": ""})
    url = media.url("/good.wav")
    options = (f"--configuration={CALLBACK_ONLY}", f"--media-url={url}")
    assert run(app, "submit", "--check", *options).exit_code == 0
    assert run(app, "submit", *options).exit_code == 1
    close_app(app)
