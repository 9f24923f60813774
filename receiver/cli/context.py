"""What every command needs: the application's parts, and errors in the operator's words."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click
from flask import current_app
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from receiver.runtime.errors import describe
from receiver.settings.config import Settings
from receiver.spool.folder import Spool
from receiver.store.retry import DatabaseUnavailableError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def engine() -> Engine:
    """Return the application's engine."""
    found: Engine = current_app.extensions["engine"]

    return found


def settings() -> Settings:
    """Return the application's settings."""
    found: Settings = current_app.extensions["settings"]

    return found


def spool() -> Spool | None:
    """Return the application's spool, None where it has none."""
    found: Spool | None = current_app.extensions["spool"]

    return found


def explained(command: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Turn an error of the database into a line for the operator instead of a traceback."""

    @functools.wraps(command)
    def wrapper(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except UnicodeEncodeError as error:
            raise click.ClickException("an argument isn't valid text.") from error
        except DatabaseUnavailableError as error:
            raise click.ClickException(
                f"the database failed: {error}. Run it again: what is done stays done."
            ) from error
        except SQLAlchemyError as error:
            raise click.ClickException(
                f"the database failed: {describe(error)}. "
                "`flask --app app doctor` looks for the cause."
            ) from error

    return wrapper
