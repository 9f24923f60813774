"""Runs the commands of the Procfile with development settings, and the simulated Twilio."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from dev.credentials import ACCOUNT_SID, API_KEY, AUTH_TOKEN
from dev.dotenv import setting
from dev.http import send_request
from dev.process import Child
from receiver.settings.keys import SCOPES
from receiver.settings.urls import CALLBACK_PATH

_READY_TIMEOUT_SECONDS = 30.0
# After a job's end, until its transcript counts as missing. The default is 900, for production.
GRACE_SECONDS = 2


def environment(database_url: str, port: int, spool: str) -> Mapping[str, str]:
    """Return the service's whole environment. Other variables of the shell are not passed on.

    TWILIO_BASE_URL has a free port, for the simulated Twilio. `spool` is a folder, or empty.
    """
    programs = Path(sys.executable).parent
    with socket.create_server(("127.0.0.1", 0)) as probe:
        twilio_port = probe.getsockname()[1]

    return {
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": os.environ.get("HOME", "/"),
        "DATABASE_URL": database_url,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_BASE_URL": f"http://127.0.0.1:{twilio_port}",
        "API_KEYS": ":".join([*API_KEY, "+".join(SCOPES)]),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "RECONCILE_GRACE_SECONDS": str(GRACE_SECONDS),
        "SEARCH": "1",
        "SPOOL_DIR": spool,
        # The terminal shows what happens to the jobs. In the log, only problems matter.
        "LOG_LEVEL": setting("LOG_LEVEL") or "WARNING",
        # `.env` may have another deployment's settings, and flask would add them to these.
        "FLASK_SKIP_DOTENV": "1",
        "BIND": f"127.0.0.1:{port}",
    }


def migrate(env: Mapping[str, str]) -> None:
    """Run the command `release`; if it fails, exit with its code."""
    done = subprocess.run(_command("release"), env=env, check=False)  # noqa: S603 - our Procfile
    if done.returncode:
        sys.exit(done.returncode)


def start_web(env: Mapping[str, str]) -> Child:
    """Start the command `web`, with the page of dev.web."""
    *shell, command = _command("web")
    command = command.replace("app:create_app()", "dev.web:create_app()")

    return Child([*shell, command], stop_signal=signal.SIGTERM, env=env)


def start_reconciler(env: Mapping[str, str]) -> Child:
    """Start the command `reconcile`."""
    return Child(_command("reconcile"), stop_signal=signal.SIGTERM, env=env)


def start_twilio(env: Mapping[str, str]) -> Child:
    """Start the simulated Twilio, which sends its callbacks to the service."""
    port = env["TWILIO_BASE_URL"].rpartition(":")[2]
    command = [sys.executable, "-m", "dev.simulated", port, f"{env['PUBLIC_URL']}{CALLBACK_PATH}"]

    return Child(command, stop_signal=signal.SIGTERM, env=env)


def wait_until_ready(child: Child, url: str, *, auth: tuple[str, str] | None = None) -> None:
    """Wait until `url` responds or `child` has ended; exit if neither happens in time."""
    deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
    while child.process.poll() is None:
        try:
            send_request("GET", url, auth=auth)
        except requests.RequestException as error:
            if time.monotonic() > deadline:
                sys.exit(f"Error: not ready within {_READY_TIMEOUT_SECONDS:.0f} s: {error}")
            time.sleep(0.05)
        else:
            return


def _command(process_type: str) -> list[str]:
    """Return the Procfile's command; the shell replaces itself with it."""
    lines = (line.partition(":") for line in Path("Procfile").read_text().splitlines())
    commands = {name: command.strip() for name, _, command in lines}

    return ["/bin/sh", "-c", f"exec {commands[process_type]}"]
