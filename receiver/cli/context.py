"""Errors of the database in the operator's words, for every command."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click
from sqlalchemy.exc import SQLAlchemyError

from receiver.runtime.errors import describe
from receiver.store.retry import DatabaseUnavailableError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


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
