"""The Procfile's lines, run as they stand with development's settings, and a Twilio for them."""

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
from dev.http import ask
from dev.process import Child
from receiver.settings.urls import CALLBACK_PATH

_READY_WITHIN = 30.0  # seconds
# In seconds. Production waits for a quarter of an hour before it calls a transcript missing.
GRACE = 2


def environment(database_url: str, port: int) -> Mapping[str, str]:
    """Return the service's whole environment: what else the shell exports has no part in it.

    TWILIO_BASE_URL names a free port, for the simulated Twilio.
    """
    programs = Path(sys.executable).parent
    with socket.create_server(("127.0.0.1", 0)) as finder:
        twilio_port = finder.getsockname()[1]

    return {
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": os.environ.get("HOME", "/"),
        "DATABASE_URL": database_url,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_BASE_URL": f"http://127.0.0.1:{twilio_port}",
        "API_KEYS": ":".join([*API_KEY, "write"]),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "RECONCILE_GRACE_SECONDS": str(GRACE),
        # The jobs' lives are told on this terminal; of the log only what goes wrong is of interest.
        "LOG_LEVEL": setting("LOG_LEVEL") or "WARNING",
        # `.env` may hold another deployment's settings; flask would add them to these.
        "FLASK_SKIP_DOTENV": "1",
        # The configuration is production's, only that it listens to this machine alone.
        "GUNICORN_CMD_ARGS": f"--bind=127.0.0.1:{port}",
    }


def migrate(env: Mapping[str, str]) -> None:
    """Run the release line; exit as it does if it fails."""
    done = subprocess.run(_command("release"), env=env, check=False)  # noqa: S603 - our Procfile
    if done.returncode:
        sys.exit(done.returncode)


def serve(env: Mapping[str, str]) -> Child:
    """Start the web line."""
    return Child(_command("web"), ask=signal.SIGTERM, env=env)


def reconcile(env: Mapping[str, str]) -> Child:
    """Start the reconcile line."""
    return Child(_command("reconcile"), ask=signal.SIGTERM, env=env)


def simulate(env: Mapping[str, str]) -> Child:
    """Start a Twilio that calls the service back."""
    port = env["TWILIO_BASE_URL"].rpartition(":")[2]
    command = [sys.executable, "-m", "dev.simulated", port, f"{env['PUBLIC_URL']}{CALLBACK_PATH}"]

    return Child(command, ask=signal.SIGTERM, env=env)


def wait_until_ready(child: Child, url: str, *, auth: tuple[str, str] | None = None) -> None:
    """Wait until `url` is there or `child` has ended; exit if neither happens in time."""
    deadline = time.monotonic() + _READY_WITHIN
    while child.process.poll() is None:
        try:
            ask("GET", url, auth=auth)
        except requests.RequestException as error:
            if time.monotonic() > deadline:
                sys.exit(f"Error: not ready within {_READY_WITHIN:.0f} s: {error}")
            time.sleep(0.05)
        else:
            return


def _command(process_type: str) -> list[str]:
    """Return the Procfile's line for `process_type`, to be run by a shell that it replaces."""
    lines = (line.partition(":") for line in Path("Procfile").read_text().splitlines())
    commands = {name: command.strip() for name, _, command in lines}

    return ["/bin/sh", "-c", f"exec {commands[process_type]}"]
