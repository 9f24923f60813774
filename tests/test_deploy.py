"""Tests of the files in deploy/, which must agree with the Procfile and the settings."""

import os
import pwd
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from receiver.doctor.settings import MIN_SECRET_CHARACTERS
from receiver.settings.config import Settings, load
from tests.support.environment import ENVIRON
from tests.support.paths import ROOT

DEPLOY = ROOT / "deploy"
PROCFILE = dict(
    line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line
)
UNITS = {"release": "migrate", "web": "web", "reconcile": "reconcile", "push": "push"}
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text()


@pytest.mark.parametrize(("process", "unit"), UNITS.items())
def test_units_run_the_procfile(process: str, unit: str) -> None:
    """Each systemd unit runs its line of the Procfile; the web process listens on loopback."""
    text = (DEPLOY / "systemd" / f"receiver-{unit}.service").read_text()
    [command] = re.findall(r"^ExecStart=/opt/receiver/\.venv/bin/(.*)$", text, re.MULTILINE)
    assert command == PROCFILE[process]
    assert ("\nEnvironment=BIND=127.0.0.1:8000\nEnvironmentFile=" in text) == (process == "web")


def test_migration_may_use_another_role() -> None:
    """The unit that migrates reads a second file after the first, if there is one; others don't."""
    shared, own = "/etc/receiver.env", "-/etc/receiver-migrate.env"
    for unit in UNITS.values():
        text = (DEPLOY / "systemd" / f"receiver-{unit}.service").read_text()
        files = re.findall(r"^EnvironmentFile=(.*)$", text, re.MULTILINE)
        assert files == ([shared, own] if unit == "migrate" else [shared])


def test_example_has_a_key_for_each_scope_of_the_first_day() -> None:
    """The example's keys read, submit and sign in, and doctor warns of all as long as they stay."""
    example = (DEPLOY / "receiver.env.example").read_text()
    [text] = re.findall(r"^API_KEYS=(.*)$", example, re.MULTILINE)
    keys = load({**ENVIRON, "API_KEYS": text}).api_keys
    assert [sorted(key.scopes) for key in keys] == [[], ["write"], ["console"]]
    assert all(len(key.secret) < MIN_SECRET_CHARACTERS for key in keys)


def test_nginx_and_the_unit_use_the_same_address() -> None:
    """The proxy's upstream is the address of the unit's BIND, on loopback."""
    unit = (DEPLOY / "systemd" / "receiver-web.service").read_text()
    proxy = (DEPLOY / "nginx" / "receiver.conf").read_text()
    [address] = re.findall(r"^Environment=BIND=(.*)$", unit, re.MULTILINE)
    assert re.findall(r"^    server (.*);$", proxy, re.MULTILINE) == [address]


def test_spool_is_in_no_shared_folder() -> None:
    """Each deployment puts the spool into a folder that no other user can make first."""
    files = [ROOT / "app.json", DEPLOY / "receiver.env.example", DEPLOY / "docker" / "compose.yaml"]
    pattern = re.compile(r'SPOOL_DIR(?:=|: |": \{[^}]*"value": ")([^"\s]+)')
    folders = [pattern.findall(path.read_text()) for path in files]
    assert folders == [["/app/spool"], ["/var/lib/receiver/spool"], ["/var/lib/receiver/spool"]]
    unit = (DEPLOY / "systemd" / "receiver-web.service").read_text()
    assert "StateDirectory=receiver\nStateDirectoryMode=0700\n" in unit
    assert "install --directory --owner receiver --mode 0700 /var/lib/receiver" in DOCKERFILE


@pytest.mark.parametrize(("process", "service"), UNITS.items())
def test_compose_runs_the_procfile(process: str, service: str) -> None:
    """Each service of Docker Compose runs its line of the Procfile."""
    text = (DEPLOY / "docker" / "compose.yaml").read_text()
    [section] = re.findall(rf"^  {service}:\n((?:    .*\n|\n)+)", text, re.MULTILINE)
    [command] = re.findall(r"command: \[(.*)\]", section)
    assert re.findall(r'"([^"]*)"', command) == PROCFILE[process].replace('"', "").split()


def test_nginx_accepts_bodies_of_the_service_limit() -> None:
    """The limit of nginx is MAX_BODY_BYTES: a smaller one would reject callbacks for good."""
    text = (DEPLOY / "nginx" / "receiver.conf").read_text()
    [megabytes] = re.findall(r"^\s*client_max_body_size (\d+)m;$", text, re.MULTILINE)
    defaults = {field.name: field.default for field in Settings.__dataclass_fields__.values()}
    assert int(megabytes) * 1024 * 1024 == defaults["max_body_bytes"]


def test_image_has_the_same_python_as_heroku() -> None:
    """The image and Heroku run the same version of Python."""
    assert f"FROM python:{(ROOT / '.python-version').read_text().strip()}-slim" in DOCKERFILE


def test_image_contains_all_imports(tmp_path: Path) -> None:
    """Gunicorn and the commands run with only the files that the Dockerfile copies."""
    ignored = shutil.ignore_patterns("__pycache__")
    allowed = (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text().split("\n")
    for sources in re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.MULTILINE):
        for name in sources.split():
            assert f"!{name}" in allowed
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
            else:
                shutil.copy(ROOT / name, tmp_path)
    for command in (["gunicorn", "--check-config", "app:create_app()"], ["flask", "doctor"]):
        program = str(Path(sys.executable).with_name(command[0]))
        arguments = command[1:] if command[0] == "gunicorn" else ["--app", "app", *command[1:]]
        done = subprocess.run(
            [program, *arguments],
            cwd=tmp_path,
            env=ENVIRON,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr
        assert command[0] == "flask" or done.returncode == 0


def test_script_runs_a_command(tmp_path: Path) -> None:
    """The script loads the settings file, with its quotes, and passes the arguments on."""
    settings = tmp_path / "receiver.env"
    lines = (f"{name}='{value}'\n" for name, value in ENVIRON.items())
    settings.write_text("".join(lines) + "# a comment\nWEB_CONCURRENCY=many\n")
    home = tmp_path / "home"
    (home / ".venv").mkdir(parents=True)
    (home / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    done = subprocess.run(
        ["/bin/sh", DEPLOY / "systemd" / "receiver", "callbacks", "list", "--limit", "1"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "RECEIVER_USER": pwd.getpwuid(os.geteuid()).pw_name,
            "RECEIVER_HOME": str(home),
            "RECEIVER_ENV": str(settings),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "WEB_CONCURRENCY is not a whole number" in done.stderr
    assert "API_KEYS" not in done.stderr
