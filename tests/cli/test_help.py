"""The commands' help needs no settings, and nothing else works without them."""

import subprocess
import sys

import pytest

from receiver.cli.help_only import HelpOnlyApp
from receiver.settings.config import ConfigError
from tests.support.paths import ROOT

ERROR = ConfigError("DATABASE_URL is not set.")
COMMANDS = (
    "audit", "audit list", "callbacks", "callbacks list", "callbacks show", "callbacks body",
    "callbacks replay", "completeness", "doctor", "export", "hold", "hold add", "hold list",
    "hold remove", "migrate", "push", "push list", "push resume", "push rewind", "push skip",
    "rebuild", "reconcile", "rejected", "rejected list", "rejected check", "rejected accept",
    "retain", "simulate", "spool", "submit",
)  # fmt: skip


def _flask(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `flask --app app` without any setting."""
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", *arguments],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_settings(command: str) -> None:
    """Each command has its help without any setting."""
    result = HelpOnlyApp(ERROR).test_cli_runner().invoke(args=[*command.split(), "--help"])
    assert result.exit_code == 0
    assert result.output.startswith("Usage:")


@pytest.mark.parametrize("command", ["callbacks list", "migrate", "doctor", "callbacks body 1"])
def test_command_needs_settings(command: str) -> None:
    """Without settings a command prints what is wrong with them, and exits with 1."""
    result = HelpOnlyApp(ERROR).test_cli_runner().invoke(args=command.split())
    assert (result.exit_code, result.output) == (1, "Error: DATABASE_URL is not set.\n")


def test_list_of_commands_needs_no_settings() -> None:
    """`flask --app app --help` lists the commands without a traceback."""
    result = _flask("--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "  reconcile " in result.stdout


def test_server_needs_settings() -> None:
    """`flask run` starts nothing without settings, and the application answers no request."""
    result = _flask("run", "--port", "0")
    assert result.returncode == 1
    assert "DATABASE_URL is not set" in result.stderr
    with pytest.raises(ConfigError):
        HelpOnlyApp(ERROR).test_client().get("/")
