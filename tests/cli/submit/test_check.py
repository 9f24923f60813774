"""`flask --app app submit --check`: a look before paying, on real files of a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from receiver.preflight import check
from receiver.services import services_of
from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.server import SimulatorServer, serve
from tests.support.command import run
from tests.support.media import audio_files
from tests.support.media.server import OPEN_POLICY, Answer, Server, serving
from tests.support.simulator.account import ACCOUNT, recording, simulated

FILES = {
    "/good.wav": Answer(audio_files.wav(3)),
    "/gone.wav": Answer(status=404),
    "/bad.wav": Answer(audio_files.wav(0.5, rate=4000)),
}


@pytest.fixture
def twilio() -> Iterator[SimulatorServer]:
    """Yield a simulated Twilio."""
    with serve(simulated()) as served:
        yield served


@pytest.fixture
def environ(environ: dict[str, str], twilio: SimulatorServer) -> dict[str, str]:
    """Let the service take it for Twilio."""
    return environ | {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_BASE_URL": twilio.url}


@pytest.fixture
def media(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Yield a server of files, which the gate lets through though it is on the loopback."""
    monkeypatch.setattr(check, "AddressPolicy", lambda: OPEN_POLICY)
    with serving(FILES) as server:
        yield server


def _sheet(path: Path, *urls: str) -> str:
    lines = [f"{CALLBACK_ONLY},,{url}" for url in urls]
    lines.append(f"{CALLBACK_ONLY},{recording(1)},")
    path.write_text("\n".join(["transcriptionConfigurationId,sourceId,mediaUrl", *lines]))

    return str(path)


def test_one_that_is_sound(app: Flask, twilio: SimulatorServer, media: Server) -> None:
    """It ends with 0, and nothing is submitted."""
    url = media.url("/good.wav")
    result = run(app, "submit", "--check", f"--configuration={CALLBACK_ONLY}", f"--media-url={url}")
    assert (result.exit_code, result.stdout) == (0, "")
    assert len(media.asked) == 1
    assert twilio.simulator.job_store.newest_first() == []


def test_one_that_would_fail(app: Flask, twilio: SimulatorServer, media: Server) -> None:
    """Each fault is told with the code that Twilio would give; the exit code is 1."""
    url = media.url("/bad.wav")
    result = run(app, "submit", "--check", f"--configuration={CALLBACK_ONLY}", f"--media-url={url}")
    assert result.exit_code == 1
    assert [line[:17] for line in result.stdout.splitlines()] == [
        "/mediaUrl: 17557:",
        "/mediaUrl: 17554:",
    ]
    assert twilio.simulator.job_store.newest_first() == []


def test_a_recording_is_not_looked_at(app: Flask) -> None:
    """It is Twilio's own; what else is wrong with the request is told."""
    options = ("submit", "--check", f"--source-id={recording(1)}")
    sound = run(app, *options, f"--configuration={CALLBACK_ONLY}")
    assert (sound.exit_code, sound.stderr) == (0, "Recordings are not checked.\n")
    assert "/transcriptionConfigurationId" in run(app, *options).stderr


def test_a_file(app: Flask, twilio: SimulatorServer, media: Server, tmp_path: Path) -> None:
    """The faults of all rows are told with the numbers of their lines, and nothing is submitted."""
    urls = [media.url(path) for path in ("/good.wav", "/gone.wav", "/bad.wav")]
    path = _sheet(tmp_path / "jobs.csv", *urls, "nonsense", *[urls[0]] * 20)
    result = run(app, "submit", "--from-csv", path, "--check")
    assert result.exit_code == 1
    assert [line.rpartition(": ")[0] for line in result.stdout.splitlines()] == [
        "line 5: /mediaUrl",
        "line 3: /mediaUrl: 17552",
        "line 4: /mediaUrl: 17557",
        "line 4: /mediaUrl: 17554",
    ]
    # The same line twenty times is one job.
    assert (
        "3 files checked, 1 Recordings not checked, 4 problems found. Nothing was submitted."
        in result.stderr
    )
    assert twilio.simulator.job_store.newest_first() == []


def test_a_sound_file_ends_with_0(app: Flask, media: Server, tmp_path: Path) -> None:
    """So a script can go on to submit it."""
    path = _sheet(tmp_path / "jobs.csv", *[f"{media.url('/good.wav')}?{n}" for n in range(9)])
    media.answers |= {f"/good.wav?{n}": FILES["/good.wav"] for n in range(9)}
    result = run(app, "submit", "--from-csv", path, "--check")
    assert (result.exit_code, result.stdout) == (0, "")
    assert len(media.asked) == 9


def test_a_private_address_is_refused(app: Flask, tmp_path: Path) -> None:
    """Nobody makes the service ask for what is inside: not even whether anything is there."""
    with serving(FILES) as server:
        path = _sheet(tmp_path / "jobs.csv", server.url("/good.wav", host="127.0.0.1"))
        result = run(app, "submit", "--from-csv", path, "--check")
    assert result.exit_code == 1
    assert "line 2: /mediaUrl: 17551" in result.stdout
    assert server.asked == []


def test_twilio_need_not_be_known(environ: dict[str, str], media: Server) -> None:
    """Without credentials for Twilio it looks all the same."""
    app = create_app(environ | {"TWILIO_ACCOUNT_SID": ""})
    url = media.url("/good.wav")
    options = (f"--configuration={CALLBACK_ONLY}", f"--media-url={url}")
    assert run(app, "submit", "--check", *options).exit_code == 0
    assert run(app, "submit", *options).exit_code == 1
    services_of(app).engine.dispose()
