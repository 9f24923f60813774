"""Which commands there are. Each is imported once it is asked for: the web process needs none."""

from importlib import import_module

import click
from flask import Flask
from flask.cli import AppGroup

# By their names, each with its module in this room and its name there.
_COMMANDS = {
    "callbacks": ("callbacks.commands", "group"),
    "completeness": ("completeness", "command"),
    "doctor": ("doctor", "command"),
    "migrate": ("database", "migrate_command"),
    "rebuild": ("database", "rebuild_command"),
    "reconcile": ("reconcile", "command"),
    "rejected": ("rejected.commands", "group"),
    "simulate": ("simulate", "command"),
    "spool": ("spool", "command"),
    "submit": ("submit.command", "command"),
}


class Commands(AppGroup):
    """The commands, imported on demand, as click's documentation has it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return their names."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        """Return the command, None if there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"receiver.cli.{module}"), name)

        return command


def register(app: Flask) -> None:
    """Give the application its commands."""
    app.cli = Commands(app.name)
