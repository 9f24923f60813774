"""Asks an operator for confirmation, before a command does what can't be undone."""

import sys

import click

from receiver.cli.output import CommandError


def confirm(question: str, *, refusal: str) -> None:
    """Ask; raise CommandError if nobody can answer, or `refusal` if the answer isn't yes."""
    if not sys.stdin.isatty():
        raise CommandError("nobody can confirm here: run the command with --yes.")
    if not click.confirm(question, err=True):
        raise CommandError(refusal)
