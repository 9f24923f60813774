"""Shows the commands and their help although the settings are invalid."""

from typing import Any, NoReturn

import click
from flask import Flask

from receiver.cli import commands
from receiver.services import install_error
from receiver.settings.config import ConfigError


class HelpOnlyApp(Flask):
    """An application whose commands only have help; to run one, or to serve, raises ConfigError."""

    def __init__(self, error: ConfigError) -> None:
        super().__init__("app", static_folder=None)
        self._error = error
        install_error(self, error)
        commands.register(self)

    def wsgi_app(self, *_: Any) -> NoReturn:
        """Raise the error: an application without settings serves nothing."""
        raise self._error


def is_command_lookup() -> bool:
    """Return whether `flask` only looks up its commands: to list them, or to find the one given."""
    context = click.get_current_context(silent=True)

    return context is not None and isinstance(context.command, click.Group)
