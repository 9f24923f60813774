"""Tests of gunicorn's configuration, the Procfile and app.json."""

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
from tests.support.samples import ACCOUNT
from tests.support.server import WebServer, web_server

TARGET = "/healthz"
# Without the variables that are exported where the tests run.
MINIMAL_ENVIRON = {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty home folder."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def web(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """Yield the service, without a database."""
    log = tmp_path_factory.mktemp("web") / "log"
    with web_server(ENVIRON["DATABASE_URL"], log, HOME=str(home)) as server:
        yield server


def status(web: WebServer, target: str, headers: dict[str, str] | None = None) -> int:
    """Return the status of the answer to `GET target`."""
    return requests.get(f"{web.url}{target}", headers=headers, timeout=30).status_code


def failed_start(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start gunicorn in a way that must fail, and return the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "gunicorn", "app:create_app()", "--bind=127.0.0.1:0", *arguments],
        cwd=ROOT,
        env={**MINIMAL_ENVIRON, **environ},
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
def test_proxy_headers_do_not_change_the_request(web: WebServer, headers: dict[str, str]) -> None:
    """Contradictory proxy headers cause no 400, and no header changes the path."""
    assert status(web, TARGET, headers) == 200


def test_long_query_is_accepted(web: WebServer) -> None:
    """A callback's URL may have a query of 8000 characters."""
    assert status(web, f"{TARGET}?{'x' * 8000}") == 200


def test_heads_of_many_proxies_are_accepted(web: WebServer) -> None:
    """A head with the fields of several proxies, and with the longest URL three times, is taken."""
    target = f"{TARGET}?{'x' * 8000}"
    fields = {f"X-Proxy-{number}": "x" * 60 for number in range(90)}
    fields |= {"X-Original-URL": target, "X-Envoy-Original-Path": target}
    assert status(web, target, fields) == 200


@pytest.mark.parametrize(("count", "size"), [(101, 10), (5, 8000), (1, 8191)])
def test_large_heads_are_rejected(web: WebServer, count: int, size: int) -> None:
    """More than 100 fields, a field above 8 kB, and a head above 32 KiB are answered 431."""
    assert status(web, TARGET, {f"X-{number}": "x" * size for number in range(count)}) == 431


def test_all_log_lines_are_json(web: WebServer) -> None:
    """The server's own log lines are JSON objects with time, level, logger and message."""
    lines = [json.loads(line) for line in web.log.read_text().splitlines()]

    assert any("Listening at" in line["message"] for line in lines)
    assert all({"at", "level", "logger", "message"} <= line.keys() for line in lines)


def test_server_does_not_log_requests(tmp_path: Path) -> None:
    """The server logs no requests, because the application logs each callback itself."""
    with web_server(ENVIRON["DATABASE_URL"], tmp_path / "log") as web:
        assert status(web, f"{TARGET}?trace=me") == 200
    log = web.log.read_text()

    assert "Shutting down" in log
    assert "trace=me" not in log


def test_home_folder_stays_empty(web: WebServer, home: Path) -> None:
    """The server creates no control socket in the home folder."""
    assert status(web, TARGET) == 200
    assert list(home.iterdir()) == []


def test_configuration_imports_no_driver() -> None:
    """Nothing that takes over what gevent patches is imported before gevent has patched it."""
    script = (
        "import runpy, sys; runpy.run_path('gunicorn.conf.py');"
        "sys.exit(' '.join({'psycopg', 'sqlalchemy', 'flask', 'twilio'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**MINIMAL_ENVIRON, **ENVIRON},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.stderr.strip() == ""


def test_invalid_setting_prevents_the_start() -> None:
    """An invalid setting prevents the start, and each error is printed once without a traceback."""
    done = failed_start({**ENVIRON, "API_KEYS": "reader:", "PORT": "many"})

    assert done.returncode == 1
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["Error:", "API_KEYS", "PORT"]
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("environ", "arguments"), [({}, ["--preload"]), ({"PSYCOPG_WAIT_FUNC": "wait_c"}, [])]
)
def test_blocking_driver_prevents_the_start(environ: dict[str, str], arguments: list[str]) -> None:
    """The workers don't start if psycopg would wait in C, outside gevent's hub."""
    done = failed_start({**ENVIRON, **environ}, *arguments)

    assert done.returncode == 3
    assert "psycopg would wait in C" in done.stderr


def test_procfile_has_no_options() -> None:
    """The Procfile's lines have no options that belong in the configuration."""
    assert (ROOT / "Procfile").read_text() == (
        "release: flask --app app migrate\n"
        'web: gunicorn "app:create_app()"\n'
        "reconcile: flask --app app reconcile --forever\n"
        "push: flask --app app push --forever\n"
    )


def test_heroku_runs_every_process() -> None:
    """The formation of app.json starts each process of the Procfile that needs no endpoints."""
    formation = json.loads((ROOT / "app.json").read_text())["formation"]
    lines = (ROOT / "Procfile").read_text().splitlines()
    named = {line.partition(":")[0] for line in lines} - {"release", "push"}
    assert {name for name, dynos in formation.items() if dynos["quantity"] == 1} == named


def test_heroku_settings_are_valid() -> None:
    """The settings of app.json are valid with the typed account and the add-on's URL."""
    variables = json.loads((ROOT / "app.json").read_text())["env"]
    generated = {
        name: secrets.token_hex(32) for name, entry in variables.items() if "generator" in entry
    }
    defaults = {name: entry["value"] for name, entry in variables.items() if "value" in entry}
    required = {
        name
        for name, entry in variables.items()
        if entry.get("required", True) and name not in generated | defaults
    }

    assert required == {"TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID"}
    settings = load(
        {
            "DATABASE_URL": "postgres://user:pass@db.example:5432/calls",
            "TWILIO_AUTH_TOKEN": "0123456789abcdef" * 2,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            **generated,
            **defaults,
        }
    )
    assert [key.name for key in settings.api_keys] == ["default"]
    assert settings.twilio_credentials
