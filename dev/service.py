"""The Procfile's two lines, run as they stand with development's settings."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from dev.ask import ask
from dev.process import Child
from dev.sample import AUTH_TOKEN
from dev.show import API_KEY

_READY_WITHIN = 30.0  # seconds


def environment(database_url: str, port: int) -> Mapping[str, str]:
    """Return the service's whole environment: what else the shell exports has no part in it."""
    programs = Path(sys.executable).parent

    return {
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": os.environ.get("HOME", "/"),
        "DATABASE_URL": database_url,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "API_KEYS": ":".join(API_KEY),
        "PORT": str(port),
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


def wait_until_ready(web: Child, origin: str) -> None:
    """Wait until `origin` is ready or `web` has ended; exit if neither happens in time."""
    deadline = time.monotonic() + _READY_WITHIN
    while web.process.poll() is None:
        try:
            ask("GET", f"{origin}/readyz")
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
