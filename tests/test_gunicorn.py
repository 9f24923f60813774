"""The web server's configuration, and how the platform is told about it."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from receiver.settings.config import load
from tests.support.environment import ENVIRON
from tests.support.paths import ROOT
from tests.support.server import WebServer, web_server

TARGET = "/healthz"
# Nothing that is exported where the tests run has a say.
BARE = {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty home folder."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def web(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """Serve without a database."""
    log = tmp_path_factory.mktemp("web") / "log"
    with web_server(ENVIRON["DATABASE_URL"], log, HOME=str(home)) as server:
        yield server


def status(web: WebServer, target: str, headers: dict[str, str] | None = None) -> int:
    """Return the status of the answer to `GET target`."""
    return requests.get(f"{web.url}{target}", headers=headers, timeout=30).status_code


def stopped(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start gunicorn with what must stop it, and return what it said."""
    return subprocess.run(
        [sys.executable, "-m", "gunicorn", "app:create_app()", "--bind=127.0.0.1:0", *arguments],
        cwd=ROOT,
        env={**BARE, **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "off"},
        {"X-Forwarded-Proto": "http", "X-Forwarded-Protocol": "ssl"},
        {"SCRIPT_NAME": "/elsewhere"},
        {"PATH_INFO": "/elsewhere"},
    ],
)
def test_no_header_of_a_proxy_changes_the_request(web: WebServer, headers: dict[str, str]) -> None:
    """Contradictory X-Forwarded-* are no 400, and nobody moves the path by a header."""
    assert status(web, TARGET, headers) == 200


def test_a_long_query_is_taken(web: WebServer) -> None:
    """A callback's URL may carry some 8000 characters of the customer's own."""
    assert status(web, f"{TARGET}?{'x' * 8000}") == 200


def test_the_log_is_json_throughout(web: WebServer) -> None:
    """The server's own lines are objects too, with level, logger and time."""
    lines = [json.loads(line) for line in web.log.read_text().splitlines()]

    assert any("Listening at" in line["message"] for line in lines)
    assert all({"at", "level", "logger", "message"} <= line.keys() for line in lines)


def test_requests_are_not_logged_by_the_server(tmp_path: Path) -> None:
    """The application tells of each callback itself; a probe leaves no line to the very end."""
    with web_server(ENVIRON["DATABASE_URL"], tmp_path / "log") as web:
        assert status(web, f"{TARGET}?trace=me") == 200
    log = web.log.read_text()

    assert "Shutting down" in log
    assert "trace=me" not in log


def test_nothing_is_left_in_the_home_folder(web: WebServer, home: Path) -> None:
    """There is no control socket through which another process could steer the server."""
    assert status(web, TARGET) == 200
    assert list(home.iterdir()) == []


def test_the_first_process_knows_neither_driver_nor_framework() -> None:
    """What it imported before it forks, gevent could no longer patch in the workers."""
    script = (
        "import runpy, sys; runpy.run_path('gunicorn.conf.py');"
        "sys.exit(' '.join({'psycopg', 'sqlalchemy', 'flask', 'twilio'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**BARE, **ENVIRON},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.stderr.strip() == ""


def test_a_faulty_setting_stops_the_start_with_one_message() -> None:
    """Every fault is told once, without a traceback, and nothing is served."""
    done = stopped({**ENVIRON, "API_KEYS": "reader:", "PORT": "many"})

    assert done.returncode == 1
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["Error:", "API_KEYS", "PORT"]
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("environ", "arguments"), [({}, ["--preload"]), ({"PSYCOPG_WAIT_FUNC": "wait_c"}, [])]
)
def test_a_driver_that_blocks_the_worker_is_not_served_with(
    environ: dict[str, str], arguments: list[str]
) -> None:
    """Where psycopg would wait in C, outside gevent's hub, the workers refuse to start."""
    done = stopped({**ENVIRON, **environ}, *arguments)

    assert done.returncode == 3
    assert "psycopg would wait in C" in done.stderr


def test_the_procfile_is_the_contracts() -> None:
    """Its lines have no option that the configuration doesn't hold."""
    assert (ROOT / "Procfile").read_text() == (
        "release: flask --app app migrate\n"
        'web: gunicorn "app:create_app()"\n'
        "reconcile: flask --app app reconcile --forever\n"
    )


def test_heroku_runs_what_the_procfile_names() -> None:
    """A formation of app.json's starts every process that goes on, the reconciler too."""
    formation = json.loads((ROOT / "app.json").read_text())["formation"]
    lines = (ROOT / "Procfile").read_text().splitlines()
    named = {line.partition(":")[0] for line in lines} - {"release"}
    assert {name for name, dynos in formation.items() if dynos["quantity"] == 1} == named


def test_what_heroku_generates_are_valid_settings() -> None:
    """With the account typed in and the add-on's URL, app.json's defaults make an environment."""
    described = json.loads((ROOT / "app.json").read_text())["env"]
    generated = {
        name: secrets.token_hex(32) for name, entry in described.items() if "generator" in entry
    }
    given = {name: entry["value"] for name, entry in described.items() if "value" in entry}
    asked = {
        name
        for name, entry in described.items()
        if entry.get("required", True) and name not in generated | given
    }

    assert asked == {"TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID"}
    settings = load(
        {
            "DATABASE_URL": "postgres://user:pass@db.example:5432/calls",
            "TWILIO_AUTH_TOKEN": "0123456789abcdef" * 2,
            "TWILIO_ACCOUNT_SID": "AC" + "a" * 32,
            **generated,
            **given,
        }
    )
    assert [key.name for key in settings.api_keys] == ["default"]
    assert settings.twilio_credentials
