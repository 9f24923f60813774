"""Tests of what commands print: no text from outside controls the terminal."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask
from sqlalchemy import Engine, text

from receiver.cli.commands import LazyCommands
from receiver.cli.output import CommandError, echo, escape
from receiver.services import services_of
from receiver.store.ledger.record import record
from tests.support.command import run
from tests.support.environment import changed_settings
from tests.support.paths import ROOT
from tests.support.store_events import make_event

CLI = ROOT / "receiver" / "cli"
# Clears the screen, sets the window's title, and shows the following text from right to left.
HOSTILE = "\033[2J\033]0;title\a\x9b2J\u202e\u2066\r\nforged line\0"
ESCAPED = r"\x1b[2J\x1b]0;title\x07\x9b2J\u202e\u2066\r\nforged line\x00"

# The other ways in which a command could print. `os.write` is for a signal handler's own text.
OTHER_WAYS = {
    "print",
    "click.echo",
    "click.secho",
    "click.style",
    "click.progressbar",
    "click.ClickException",
    "sys.stdout",
    "sys.stderr",
}


def _names(module: Path) -> set[str]:
    """Return the names and the attributes of modules that the module uses."""
    nodes = list(ast.walk(ast.parse(module.read_text())))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    attributes = (node for node in nodes if isinstance(node, ast.Attribute))

    return names | {
        f"{node.value.id}.{node.attr}" for node in attributes if isinstance(node.value, ast.Name)
    }


def _commands(command: click.Command) -> Iterator[click.Command]:
    """Yield the command, or the commands of a group."""
    if not isinstance(command, click.Group):
        yield command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        member = command.get_command(context, name)
        assert member is not None
        yield from _commands(member)


def test_commands_print_in_one_way_only() -> None:
    """Each command is in receiver/cli, where only output.py prints."""
    commands = list(_commands(LazyCommands("app")))
    assert len(commands) >= 14
    for command in commands:
        assert command.callback is not None
        assert command.callback.__module__.startswith("receiver.cli.")
    modules = [path for path in CLI.rglob("*.py") if path.name != "output.py"]
    found = {path.name: _names(path) & OTHER_WAYS for path in modules}
    assert {name: ways for name, ways in found.items() if ways} == {}


def test_unprintable_characters_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters, line breaks and changes of direction are escaped; other text isn't."""
    echo(HOSTILE, "Größe: 日本語 🎧", err=True)
    assert capsys.readouterr().err == f"{ESCAPED}\nGröße: 日本語 🎧\n"


def test_error_of_a_command_is_escaped() -> None:
    """The text of an error has only the line breaks that the command intends."""
    assert CommandError("faults:", HOSTILE).format_message() == f"faults:\n{ESCAPED}"


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\x7f", "\x85", "\u202a", "\u2069", "\ud800"]
)
def test_escaped_text_is_printable(character: str) -> None:
    """Each kind of unprintable character has an escape sequence."""
    assert escape(f"a{character}b").isprintable()


def test_encoding_of_the_terminal_is_enough() -> None:
    """A character that the terminal's encoding lacks is escaped, and the output is complete."""
    done = subprocess.run(
        [sys.executable, "-c", "from receiver.cli.output import echo; echo('é, …', 'end')"],
        env={"PYTHONIOENCODING": "ISO-8859-1"},
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"\xe9, \\u2026\nend\n"


def test_completeness_escapes_the_callback_url(app: Flask) -> None:
    """A configuration's callback URL, which Twilio returns, can't control the terminal."""
    engine: Engine = services_of(app).engine
    record(engine, make_event({"status": "COMPLETED"}, source="fetch", job="lost"))
    configuration = {"transcriptionStatusCallback": {"url": f"https://a.example/{HOSTILE[:-1]}"}}
    with engine.connect() as connection:
        connection.execute(
            text(
                "UPDATE transcriptions SET ended_at = now() - interval '1 day',"
                " resolved_configuration = CAST(:configuration AS jsonb)"
            ),
            {"configuration": json.dumps(configuration)},
        )
    with changed_settings(app, public_url="https://app.example.com"):
        output = run(app, "completeness").stdout
    assert "lost  ended" in output
    assert "\\x1b[2J" in output
    assert all(line.isprintable() for line in output.splitlines())
    assert "\nforged line" not in output


def test_body_is_written_exactly(app: Flask) -> None:
    """`callbacks body` writes the bytes unchanged if its output is not a terminal."""
    event = make_event({"status": "COMPLETED"})
    recorded = record(services_of(app).engine, event)
    assert run(app, "callbacks", "body", str(recorded.id)).stdout_bytes == event.body
