"""Runs a command as `flask --app app …` does."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from click.testing import Result
from flask import Flask


def run(app: Flask, *arguments: str, text: str = "") -> Result:
    """Run the command with `text` as its standard input; return its output and exit code."""
    with _kept_logging():
        return app.test_cli_runner().invoke(args=list(arguments), input=text)


@contextmanager
def _kept_logging() -> Iterator[None]:
    """Undo what a command changes of the log, which in this process would outlive it."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers
