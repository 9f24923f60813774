"""Reports errors that can occur in any command, in one line instead of a traceback."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from receiver.cli.output import CommandError
from receiver.runtime.errors import describe
from receiver.store.retry import DatabaseUnavailableError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def report_database_errors(command: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Turn the command's database errors into a CommandError, which exits with 1."""

    @functools.wraps(command)
    def wrapper(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except UnicodeEncodeError as error:  # an argument's bytes aren't UTF-8
            raise CommandError("an argument is not valid UTF-8 text.") from error
        except DatabaseUnavailableError as error:
            raise CommandError(
                f"the database failed ({error}). "
                "Run the command again: completed work is not repeated."
            ) from error
        except SQLAlchemyError as error:
            raise CommandError(
                f"the database failed ({describe(error)}). "
                "Run `flask --app app doctor` to find the cause."
            ) from error

    return wrapper
