"""The arguments and options that several commands have."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from receiver.cli.output import echo

Command = TypeVar("Command", bound=Callable[..., Any])

ID = click.IntRange(1, 2**63 - 1)  # as Postgres's type bigint

ids_argument = click.argument("ids", nargs=-1, type=ID, metavar="[ID]...")


def limit_option(help_text: str) -> Callable[[Command], Command]:
    """Return the option `--limit`: how many rows to print at most."""
    return click.option(
        "--limit", type=click.IntRange(1), default=50, show_default=True, help=help_text
    )


def echo_limit(which: str, limit: int) -> None:
    """Say which rows were printed, because there may be more."""
    echo(f"(the {which} {limit}; use --limit to print more)", err=True)
