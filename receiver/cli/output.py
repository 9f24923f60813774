"""The only way in which commands print: what comes from outside can't control the terminal.

Job ids, error texts and URLs come from Twilio, or from anyone who sends a request. In them, escape
sequences could change the terminal's state, hide text, or even type a command.
"""

import sys
from collections.abc import Iterable
from typing import Any

import click

from receiver.runtime.errors import ReceiverError


def echo(*lines: str, err: bool = False) -> None:
    """Print the lines; control characters, also line breaks within a line, are escaped.

    So are characters that change the direction of text, and those that the output's encoding lacks.
    Without arguments, print an empty line.
    """
    stream = sys.stderr if err else sys.stdout
    encoding = stream.encoding or "utf-8"
    text = "\n".join(map(escape, lines))
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


def echo_above_progress(line: str, *, err: bool = False) -> None:
    """Print the line while a progress bar is shown on stderr, which is cleared before."""
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    echo(line, err=err)


def write_body(body: bytes) -> None:
    """Write the bytes exactly to stdout; but if that is a terminal, write them as `echo` does."""
    if sys.stdout.isatty():
        echo(*body.decode(errors="backslashreplace").split("\n"))
    else:
        sys.stdout.buffer.write(body)


def progress_bar(
    items: Iterable[Any] | None = None, *, label: str, length: int | None = None
) -> Any:
    """Return click's progress bar for the items, on stderr; stdout is for results."""
    return click.progressbar(items, length=length, label=label, file=sys.stderr)


def escape(text: str) -> str:
    """Return the text with each unprintable character as an escape sequence of Python."""
    if text.isprintable():
        return text

    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


class CommandError(ReceiverError, click.ClickException):
    """Ends the command: its lines are printed on stderr as `echo` does, and it exits with 1."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(map(escape, lines)))
