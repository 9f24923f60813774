"""Registers the commands. Each is imported when it is run: the web process needs none of them."""

from importlib import import_module

import click
from flask import Flask
from flask.cli import AppGroup

# Each command's module below receiver.cli, and the command's name in it.
_COMMANDS = {
    "audit": ("audit", "group"),
    "callbacks": ("callbacks.commands", "group"),
    "changes": ("changes", "group"),
    "completeness": ("completeness", "command"),
    "doctor": ("doctor", "command"),
    "erase": ("erase.commands", "group"),
    "export": ("export.command", "command"),
    "hold": ("hold", "group"),
    "metrics": ("metrics", "command"),
    "migrate": ("database", "migrate_command"),
    "push": ("push.commands", "group"),
    "rebuild": ("database", "rebuild_command"),
    "reconcile": ("reconcile", "command"),
    "rejected": ("rejected.commands", "group"),
    "retain": ("retain", "command"),
    "simulate": ("simulate.command", "command"),
    "spool": ("spool", "command"),
    "submit": ("submit.command", "command"),
}


class LazyCommands(AppGroup):
    """Imports a command on demand, as click's documentation describes for lazy loading."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Return the command, None if no command has this name."""
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"receiver.cli.{module}"), name)

        return command


def register(app: Flask) -> None:
    """Make these the application's commands."""
    app.cli = LazyCommands(app.name)
